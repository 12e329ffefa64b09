"""Row sketches: the distinct content hashes of a split, or the smallest 2**20 of them.

Bottom-k sketches after Beyer, Haas, Reinwald, Sismanis and Gemulla, "On synopses for distinct-value
estimation under multiset operations", SIGMOD 2007: hashes are uniform, so the k smallest of the
distinct ones are a uniform sample of the distinct rows, and the k smallest of a union follow from
the k smallest of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.signature import Sketch
from taskaff.stages.signature.keys import NEAR_LIMIT, NearBuilder, merge_near

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes
    from taskaff.core.records.signature import NearKeys

SKETCH_LIMIT = 2**20
"""``k``: maximum number of hashes in a sketch (8 MiB)."""

HASH_SPACE = 2**64


class SketchBuilder:
    """Collects hashes of one split in memory for at most ``3 * limit`` of them.

    Parameters
    ----------
    limit : ``k``, maximum number of stored hashes.
    """

    def __init__(self, limit: int = SKETCH_LIMIT) -> None:
        self._limit = limit
        self._kept: Hashes = np.empty(0, np.uint64)
        self._waiting: list[Hashes] = []
        self._waiting_rows = 0
        self._rows = 0
        self._threshold = HASH_SPACE - 1
        self._near: NearBuilder | None = NearBuilder(min(limit, NEAR_LIMIT))

    def add(self, hashes: Hashes, near: NearKeys | None = None) -> None:
        """Count ``(n,)`` uint64 hashes; near keys are stored if every batch has some."""
        if near is None:
            self._near = None
        elif self._near:
            self._near.add(hashes, near)
        self._rows += len(hashes)
        below = hashes[hashes <= np.uint64(self._threshold)]  # a copy: the caller's may be a view
        self._waiting.append(below)
        self._waiting_rows += len(below)
        if self._waiting_rows >= self._limit:
            self._settle()

    def sketch(self) -> Sketch:
        """The sketch of everything added so far."""
        self._settle()
        sketch = _sketch(self._kept, self._rows, self._threshold)
        return replace(sketch, near=self._near.near(self._threshold)) if self._near else sketch

    def _settle(self) -> None:
        merged = _distinct([self._kept, *self._waiting])
        self._waiting, self._waiting_rows = [], 0
        self._kept, self._threshold = _cut(merged, self._threshold, self._limit)


def merge_sketches(sketches: Sequence[Sketch], limit: int = SKETCH_LIMIT) -> Sketch:
    """Sketch of the union: the result of one pass over all rows.

    Parameters
    ----------
    sketches : at least one, all built with the same ``limit``.
    limit : ``k``.
    """
    threshold = min(sketch.threshold for sketch in sketches)
    merged = _distinct([sketch.hashes for sketch in sketches])
    merged = merged[merged <= np.uint64(threshold)]  # beyond it the union is not complete
    smallest, threshold = _cut(merged, threshold, limit)
    merged_sketch = _sketch(smallest, sum(sketch.rows for sketch in sketches), threshold)
    return replace(
        merged_sketch,
        conflicts=sum(sketch.conflicts for sketch in sketches),
        near=merge_near(sketches, min(limit, NEAR_LIMIT)),
    )


def merge_splits(parts: Sequence[Mapping[str, Sketch]], limit: int) -> dict[str, Sketch]:
    """Sketches of the same split merged, splits in alphabetical order."""
    splits = sorted({split for part in parts for split in part})
    return {s: merge_sketches([part[s] for part in parts if s in part], limit) for s in splits}


def _distinct(parts: Sequence[Hashes]) -> Hashes:
    """Sorted distinct hashes. ``np.unique`` hashes them again, many times slower than a sort."""
    ordered = np.sort(np.concatenate(parts))
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _cut(hashes: Hashes, threshold: int, limit: int) -> tuple[Hashes, int]:
    """The ``limit`` smallest of sorted hashes, and up to where they are complete."""
    if len(hashes) <= limit:
        return hashes, threshold
    return hashes[:limit].copy(), int(hashes[limit - 1])


def _sketch(hashes: Hashes, rows: int, threshold: int) -> Sketch:
    exact = threshold == HASH_SPACE - 1
    distinct = len(hashes)
    if not exact:  # (k - 1) / (kth smallest as a fraction): unbiased
        distinct = min(rows, max(distinct, round((distinct - 1) * HASH_SPACE / threshold)))
    return Sketch(hashes, rows, distinct, threshold, exact)
