"""Rows as a transformer's token numbers, and the layers that the probe fine-tunes on them.

Two texts of a row make one sequence, as BERT takes the pairs of GLUE, cut from the longer one
when they are too long together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.records.embedding import TokenLayer
from taskaff.stages.embed.transformer.load import load_config, load_tokenizer

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints, Ints32
    from taskaff.core.records.embedding import EncoderCard
    from taskaff.stages.embed.transformer.tokenise import Tokeniser


def token_rows(
    tokeniser: Tokeniser, text: Sequence[pa.Array], spare: int = 0
) -> tuple[Ints32, Ints, Ints32 | None, NDArray[np.bool_]]:
    """Ids, starts ``(n + 1,)``, segments of the tokens or None, and which rows were cut.

    ``text`` has one column or two. A row without any token, which only a model without special
    ones can give, is the one token ``spare``.
    """
    tokens = tokeniser(*text)
    ids, types = tokens.ids, tokens.types
    empty = tokens.starts[:-1][tokens.lengths == 0]
    if len(empty):
        ids = np.insert(ids, empty, spare)
        types = None if types is None else np.insert(types, empty, 0)
    starts = np.concatenate([[0], np.cumsum(np.maximum(tokens.lengths, 1))]).astype(np.int64)
    return ids, starts, types, tokens.cut


def token_layer(
    folder: Path, card: EncoderCard, pooling: str = "mean", layer: int | None = None
) -> TokenLayer:
    """The layer that a fine-tuned trunk starts from.

    ``load()`` gives a ``body.FineTuned`` in float32 on the CPU, whatever the encoder computes in.
    ``pooling`` is one of ``recipe.HF_POOLINGS``, over the hidden layer ``layer`` (None: the last).
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
    from taskaff.stages.embed.transformer.body import load_body

    pad = load_tokenizer(folder).pad_token_id
    return load_body(folder, pooling, layer, pad or 0)
