"""Rows as a transformer's token numbers, and the body that the probe fine-tunes on them.

Two texts of a row stand in one sequence, as BERT takes the pairs of GLUE, cut from the longer one
when they are too long together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.embed.transformer.load import load_config, load_tokenizer
from taskaff.records import TokenLayer

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.records import EncoderCard, Ints, Ints32


class RowTokenizer:
    """The model's own tokeniser, with its special tokens and a limit.

    Parameters
    ----------
    tokenizer : as ``load_tokenizer`` gives it; what is set here does not change it.
    limit : most tokens of a row, special ones included.
    """

    def __init__(self, tokenizer: Any, limit: int) -> None:
        from tokenizers import Tokenizer

        self.limit = limit
        self.spare = next(
            (i for i in (tokenizer.unk_token_id, tokenizer.pad_token_id) if i is not None), 0
        )
        self.typed = "token_type_ids" in tokenizer.model_input_names
        self._fast = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._fast.no_padding()
        self._fast.enable_truncation(limit, strategy="longest_first")

    def __call__(self, text: Sequence[pa.Array]) -> tuple[Ints32, Ints, Ints32 | None, int]:
        """Ids, starts ``(n + 1,)``, segments of the tokens, and how many rows were cut.

        ``text`` has one column or two; only with two there are segments, if the model has any. A
        row without any token is one unknown word.
        """
        columns = [column.to_pylist() for column in text]
        batch = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        found = self._fast.encode_batch(batch)
        rows = [encoding.ids or [self.spare] for encoding in found]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        ids = np.fromiter((i for row in rows for i in row), np.int32, starts[-1])
        types = None
        if len(columns) > 1 and self.typed:
            each = (encoding.type_ids or [0] for encoding in found)
            types = np.fromiter((i for row in each for i in row), np.int32, starts[-1])
        return ids, starts, types, sum(bool(encoding.overflowing) for encoding in found)


def token_layer(
    folder: Path, card: EncoderCard, pooling: str = "mean", layer: int | None = None
) -> TokenLayer:
    """The layer that a fine-tuned trunk starts from.

    ``load()`` gives a ``body.FineTuned`` in float32 on the CPU, whatever the encoder computes in.
    ``pooling`` is ``mean``, ``cls`` or ``max``, over the hidden layer ``layer`` (None: the last).
    """
    config = load_config(folder)
    width = getattr(config, "embedding_size", None) or config.hidden_size
    return TokenLayer(
        kind="transformer",
        id=card.id,
        fingerprint=f"{card.fingerprint}/body",
        width=int(width),
        load=partial(_load, folder, pooling, layer),
    )


def _load(folder: Path, pooling: str, layer: int | None) -> Any:
    from taskaff.embed.transformer.body import load_body

    pad = load_tokenizer(folder).pad_token_id
    return load_body(folder, pooling, layer, pad or 0)
