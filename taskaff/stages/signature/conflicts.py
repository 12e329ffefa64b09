"""Rows of the same content with different labels: a model can be right about one of them only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskaff.stages.signature.sketches import HASH_SPACE, SKETCH_LIMIT

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Hashes, Ints

MIX = np.uint64(0x9E3779B97F4A7C15)


class Conflicts:
    """Counts distinct rows that occur with different labels.

    Exact while there are at most ``limit`` distinct pairs of row and label; then those of the rows
    with the smallest hashes are stored, and the count is scaled up from them.
    """

    def __init__(self, limit: int = SKETCH_LIMIT) -> None:
        self._limit, self._complete = limit, HASH_SPACE - 1
        self._pairs = np.empty((2, 0), np.uint64)
        self._waiting: list[np.ndarray] = []
        self._waiting_rows = 0

    def add(self, hashes: Hashes, labels: Ints | Floats | None) -> None:
        """Add ``(n,)`` content hashes and their labels, as in ``RowBatch``; without labels none."""
        if labels is None:
            return
        pairs = np.stack([hashes, _marks(labels)])
        self._waiting.append(pairs[:, hashes <= np.uint64(self._complete)])
        self._waiting_rows += len(hashes)
        if self._waiting_rows >= self._limit:
            self._settle()

    def count(self) -> int:
        """Distinct rows with at least two labels."""
        self._settle()
        hashes = self._pairs[0]
        repeated = len(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
        return round(repeated * (HASH_SPACE - 1) / max(self._complete, 1))

    def _settle(self) -> None:
        pairs = np.concatenate([self._pairs, *self._waiting], axis=1)
        self._waiting, self._waiting_rows = [], 0
        pairs = pairs[:, np.lexsort(pairs[::-1])]
        first = np.ones(pairs.shape[1], bool)
        first[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        pairs = pairs[:, first]
        if pairs.shape[1] > self._limit:  # up to where no row misses a label
            self._complete = max(int(pairs[0, self._limit]) - 1, 0)
            pairs = pairs[:, pairs[0] <= np.uint64(self._complete)]
        self._pairs = pairs


def _marks(labels: Ints | Floats) -> Hashes:
    """Numbers ``(n,)`` that are equal for equal labels."""
    if labels.ndim == 1:
        return labels.astype(np.int64).view(np.uint64)
    marks = np.zeros(len(labels), np.uint64)
    for column in (np.asarray(labels, np.float64) + 0.0).T:
        marks = (marks ^ np.ascontiguousarray(column).view(np.uint64)) * MIX
        marks ^= marks >> np.uint64(29)
    return marks
