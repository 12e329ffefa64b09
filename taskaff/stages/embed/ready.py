"""``vectors``: input that consists of vectors, so that nothing is embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from taskaff.core.errors import EmbedError, UsageError
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store
from taskaff.stages.embed import vectors_card

if TYPE_CHECKING:
    import pyarrow as pa


class ReadyVectors:
    """The encoder of input that brings its vectors; it has none for a text."""

    card = vectors_card(0)
    """Width 0: the width is that of the input, see ``vectors_card``."""

    def encode(self, texts: pa.Array) -> NoReturn:
        """Raise ``EmbedError``: this encoder embeds no text."""
        raise EmbedError(
            f"{len(texts)} rows are text, and the encoder 'vectors' expects ready vectors",
            hint="use --encoder glove, or name the column of vectors, such as 'embedding'",
        )


def open_ready(argument: str, store: Store, options: EncoderOptions) -> ReadyVectors:  # noqa: ARG001
    """Open ``vectors``, which takes no argument."""
    if argument:
        raise UsageError("the encoder 'vectors' takes no argument", hint="--encoder vectors")
    return ReadyVectors()
