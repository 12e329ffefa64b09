"""Embed a batch of rows as one matrix: single texts, pairs, ready vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from taskaff.core.errors import EmbedError, Place
from taskaff.core.records.data import RowBatch
from taskaff.core.records.embedding import EncodeCounts, Encoder, PairEncoder

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32


def embed(encoder: Encoder | None, batch: RowBatch) -> tuple[Floats32, EncodeCounts]:
    """``X (n, d)`` float32, finite, in the order of the rows; ``encoder`` None: ready vectors."""
    if batch.vectors is not None:
        X, counts = np.ascontiguousarray(batch.vectors, np.float32), EncodeCounts()
    elif encoder is None:
        raise EmbedError(
            "the rows are text and need an encoder",
            where=Place(batch.file),
            hint="choose one, such as --encoder glove",
        )
    elif len(batch.text) == 1:
        X, counts = encoder.encode(batch.text[0])
    elif encoder.card.pairs == "cross":
        X, counts = cast("PairEncoder", encoder).encode_pairs(*batch.text)
    else:
        (u, first), (v, second) = (encoder.encode(text) for text in batch.text)
        X, counts = pair_features(u, v), first + second
    _require_finite(X, batch)
    return X, counts


def pair_features(u: Floats32, v: Floats32) -> Floats32:
    """``[u; v; |u - v|; u * v]``: ``(n, 4d)``, what a linear model needs to compare two texts."""
    return np.concatenate([u, v, np.abs(u - v), u * v], axis=1)


def _require_finite(X: Floats32, batch: RowBatch) -> None:
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        raise EmbedError(
            "a vector holds a value that is not finite",
            where=Place(batch.file, row=batch.first_row + int(bad[0]) + 1),
            hint="remove the row, or make its vector again",
        )
