"""Row numbers of words, without a loop over words and without a new table for each batch.

Arrow's ``index_in`` hashes the whole vocabulary at every call (80 ms for 400,000 words, as long as
embedding 20,000 rows), so this module has its own table: the words' 64-bit hashes, sorted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import as_strided

from taskaff.core.arrow import flat, integers

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes, Ints

_MULTIPLY = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_FIRST_BYTES = np.array([(1 << (8 * size)) - 1 for size in range(9)], np.uint64)


class Vocabulary:
    """The rows of a list of words (any Arrow string or binary array); of equal ones the first.

    Where a hash matches, the word itself is compared, so that a look-up is never wrong. Of two
    listed words with the same 64-bit hash, which no real list has, the second would be unknown.
    """

    def __init__(self, words: pa.Array) -> None:
        self.words = _as_binary(words)
        hashes = string_hashes(self.words)
        self._rows = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._rows]
        self._longest = int(np.max(integers(pc.binary_length(self.words)), initial=0))

    def __len__(self) -> int:
        return len(self.words)

    def rows(self, strings: pa.Array) -> Ints:
        """Row of each string ``(n,)``, -1 where it is not a word; the empty string is none."""
        strings = _as_binary(strings)
        if not len(self.words):
            return np.full(len(strings), -1, np.int64)
        hashes = string_hashes(strings, self._longest)
        place = np.searchsorted(self._hashes, hashes)
        place[place == len(self._hashes)] = 0
        rows = np.where(self._hashes[place] == hashes, self._rows[place], -1)
        same = integers(pc.equal(strings, self.words.take(flat(np.maximum(rows, 0)))))
        filled = integers(pc.binary_length(strings))
        rows[(same == 0) | (filled == 0)] = -1
        return rows


def string_hashes(strings: pa.Array, limit: int | None = None) -> Hashes:
    """A 64-bit hash ``(n,)`` of each string's length and of its first ``limit`` bytes.

    Eight bytes of every string at a time.
    """
    strings = _as_binary(strings)
    bounds = np.frombuffer(strings.buffers()[1], "<i8", len(strings) + 1, 8 * strings.offset)
    start, left = bounds[:-1] - bounds[0], np.diff(bounds)
    words = _eight_bytes_at(strings.buffers()[2], int(bounds[0]), int(bounds[-1]))
    hashes = left.astype(np.uint64) * _MULTIPLY
    left = left if limit is None else np.minimum(left, limit)
    active = np.flatnonzero(left > 0)
    start, left = start[active], left[active]
    while len(active):
        part = words[start] & _FIRST_BYTES[np.minimum(left, 8)]
        mixed = (hashes[active] ^ part) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _MULTIPLY
        hashes[active] = mixed ^ (mixed >> np.uint64(29))
        more = left > 8
        active, start, left = active[more], start[more] + 8, left[more] - 8
    return hashes


def update_strings(digest: Any, strings: pa.Array) -> None:
    """Add large strings in order to a digest of hashlib, whatever their offsets in the buffers."""
    bounds = np.frombuffer(strings.buffers()[1], "<i8", len(strings) + 1, 8 * strings.offset)
    digest.update(np.diff(bounds).astype("<i8").tobytes())
    if strings.buffers()[2] is not None:
        digest.update(strings.buffers()[2].slice(int(bounds[0]), int(bounds[-1] - bounds[0])))


def _eight_bytes_at(buffer: pa.Buffer | None, begin: int, end: int) -> Hashes:
    """A view that gives, for every byte, the number made of it and the next seven."""
    data = np.zeros(end - begin + 8, np.uint8)
    if buffer is not None:
        data[:-8] = np.frombuffer(buffer, np.uint8, end - begin, begin)
    return as_strided(data[:8].view("<u8"), (len(data) - 7,), (1,), writeable=False)


def _as_binary(strings: pa.Array) -> pa.Array:
    if strings.type == pa.large_binary():
        return strings
    if not pa.types.is_binary(strings.type):
        strings = strings.cast(pa.large_string())
    return strings.cast(pa.large_binary())
