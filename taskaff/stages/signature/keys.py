"""Keys of near copies of a split: bounded in number, mergeable, and packed for a file.

What the keys are is a matter of ``stages.signature.near``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.signature import NearKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Hashes, Ints
    from taskaff.core.records.signature import Sketch

NEAR_LIMIT = 2**16
"""Maximum number of rows of a split with stored keys: those with the smallest hashes."""

KEY_BITS, KEY_BYTES = 40, 5


class NearBuilder:
    """Keeps the keys of the distinct rows of one split with the smallest hashes.

    Parameters
    ----------
    limit : maximum number of stored rows; memory stays within about three times as many.
    """

    def __init__(self, limit: int = NEAR_LIMIT) -> None:
        self._limit = limit
        self._parts: list[tuple[Hashes, NearKeys]] = []
        self._largest = np.uint64(2**64 - 1)

    def add(self, hashes: Hashes, near: NearKeys) -> None:
        """Add the keys of rows with ``(n,)`` content hashes."""
        self._parts.append(_taken(hashes, near, np.flatnonzero(hashes <= self._largest)))
        if sum(len(part) for part, _ in self._parts) > 2 * self._limit:
            self._settle()

    def near(self, complete: int = 2**64 - 1) -> NearKeys:
        """Keys of the rows with the smallest hashes, in their order, none above ``complete``."""
        if not self._parts:
            return NearKeys(np.empty(0, np.uint8), np.empty(0, np.uint64))
        self._settle()
        hashes, near = self._parts[0]
        return _taken(hashes, near, np.flatnonzero(hashes <= np.uint64(complete)))[1]

    def _settle(self) -> None:
        hashes = np.concatenate([part for part, _ in self._parts])
        near = joined([keys for _, keys in self._parts])
        order = np.argsort(hashes, kind="stable")
        first = np.ones(len(order), bool)
        np.not_equal(hashes[order[1:]], hashes[order[:-1]], out=first[1:])
        smallest = order[first][: self._limit]
        if len(smallest) == self._limit:
            self._largest = hashes[smallest[-1]]
        self._parts = [_taken(hashes, near, smallest)]


def merge_near(sketches: Sequence[Sketch], limit: int = NEAR_LIMIT) -> NearKeys | None:
    """Keys that one pass over all rows would have stored; None where a part has none."""
    builder = NearBuilder(limit)
    complete = 2**64 - 1
    for sketch in sketches:
        if sketch.near is None:
            return None
        rows = len(sketch.near.counts)
        builder.add(sketch.hashes[:rows], sketch.near)
        complete = min(complete, sketch.near_threshold)
    return builder.near(complete)


def packed_keys(keys: Hashes) -> NDArray[np.uint8]:
    """Keys as ``(m, KEY_BYTES)`` bytes, little endian."""
    return np.ascontiguousarray(keys.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :KEY_BYTES])


def unpacked_keys(packed: NDArray[np.uint8]) -> Hashes:
    """Keys ``(m,)`` uint64 of ``packed_keys``."""
    return np.pad(packed, ((0, 0), (0, 8 - KEY_BYTES))).view("<u8").reshape(-1).astype(np.uint64)


def joined(parts: Sequence[NearKeys]) -> NearKeys:
    """The keys of several lots of rows, one after the other."""
    counts = np.concatenate([part.counts for part in parts])
    return NearKeys(counts, np.concatenate([part.keys for part in parts]))


def _taken(hashes: Hashes, near: NearKeys, rows: Ints) -> tuple[Hashes, NearKeys]:
    """The rows at ``rows``, in that order."""
    counts = near.counts[rows].astype(np.int64)
    starts = (np.cumsum(near.counts, dtype=np.int64) - near.counts)[rows]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return hashes[rows], NearKeys(near.counts[rows], near.keys[np.repeat(starts, counts) + within])
