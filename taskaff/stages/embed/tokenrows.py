"""Rows as token ids, which fine-tuned trunks read in place of vectors.

An encoder takes part by ``token_rows(text, limit) -> (ids, starts, types, cut)``: the numbers of
``n`` rows as in ``TokenRows``, and which rows ``(n,)`` were longer than the limit. The layer that
gives them a meaning is ``word_layer(used)`` for words, which keeps the vectors of the used numbers
alone, and the property ``token_layer`` for transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.records.data import RowBatch
from taskaff.core.records.embedding import Encoder, TokenLayer, TokenRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints, Ints32


def reads(encoder: Encoder | None) -> str:
    """What kind of tokens an encoder can give: ``words``, ``transformer``, or nothing."""
    if hasattr(encoder, "word_layer"):
        return "words"
    return "transformer" if hasattr(encoder, "token_layer") else ""


def token_batch(
    encoder: Any, batch: RowBatch, limit: int | None
) -> tuple[np.ndarray, NDArray[np.bool_]]:
    """The rows of a batch of texts, and which of them were cut.

    The first is an object array ``(n,)``, so that rows can be chosen and joined like any others:
    ``(1, tokens)`` numbers each, or with segments ``(2, tokens)``.
    """
    ids, starts, types, cut = encoder.token_rows(batch.text, limit)
    both = ids[None] if types is None else np.stack([ids, types])
    rows = np.empty(len(starts) - 1, dtype=object)
    for i, (a, b) in enumerate(pairwise(starts.tolist())):
        rows[i] = both[:, a:b].astype(np.int32)  # a copy: rows that are dropped free their memory
    return rows, cut


def joined(encoder: Any, tasks: Sequence[np.ndarray]) -> list[TokenRows]:
    """``TokenRows`` of every task's rows, with one layer for all."""
    parts = [_concatenated(rows) for rows in tasks]
    if reads(encoder) == "transformer":
        layer: TokenLayer = encoder.token_layer
        return [TokenRows(*part, layer) for part in parts]
    used = np.unique(np.concatenate([ids for ids, _, _ in parts]))
    layer = encoder.word_layer(used)
    assert layer.numbers is not None
    return [
        TokenRows(np.searchsorted(layer.numbers, ids).astype(np.int32), starts, types, layer)
        for ids, starts, types in parts
    ]


def _concatenated(rows: np.ndarray) -> tuple[Ints32, Ints, Ints32 | None]:
    sizes = np.array([row.shape[1] for row in rows], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    both: np.ndarray = np.concatenate(list(rows), axis=1)
    return both[0], starts, both[1] if len(both) > 1 else None
