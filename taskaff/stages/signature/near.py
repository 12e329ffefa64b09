"""Near copies: keys of a row that a row which differs in little has, too.

Two rows are near copies when they share a key of 40 bits. Keys are made so that two sets of rows
are compared as sets of numbers, without the rows:

* A short row (up to ``SHORT + 1`` words) has the hash of its words, in any order, and for each
  word the hash of the others. So rows that agree but for one word (added, left out or another)
  always share a key, and no others do.
* A longer row, or one of a script without spaces, has ``KEYS`` keys of ``TOGETHER`` minima each of
  random orders of its shingles, runs of neighbouring words (Broder, "On the resemblance and
  containment of documents", SEQUENCES 1997). Rows whose shingles have resemblance ``J`` share a
  key with probability ``1 - (1 - J ** 6) ** 16`` if keys were independent; they share minima, and
  measured are 0.999 at 0.88, 0.95 at 0.8, 0.19 at 0.49, 0.02 at 0.33. At 0.03 it is 1e-8.

Rows of fewer than ``LEAST`` words, or ``LEAST_CHARACTERS`` characters, have no key: phrases of that
length differ by one word and are not copies. Exact overlap counts what they share.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.signature import NearKeys
from taskaff.stages.signature.keys import KEY_BITS
from taskaff.stages.signature.words import LETTERS, SPACED, RowWords

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Hashes, Ints

LEAST, LEAST_CHARACTERS = 6, 12
SHORT = 16
TOGETHER, KEYS, ORDERS = 6, 16, 31
MOST_KEYS = SHORT + 2 + KEYS
"""Of a row: one for all its words and one without each, and those of a longer row, where it counts
as both."""

_KEY = np.uint64(2**KEY_BITS - 1)

_DRAWN = np.frombuffer(
    b"".join(blake2b(b"order %d" % order, digest_size=8).digest() for order in range(ORDERS)), "<u4"
).reshape(ORDERS, 2)
_FACTORS, _SHIFTS = _DRAWN[:, 0] | np.uint32(1), _DRAWN[:, 1]
_CHOSEN = (np.arange(KEYS)[:, None] + np.array([0, 1, 3, 8, 12, 18])) % ORDERS
"""``(KEYS, TOGETHER)``: which minima make each key. Two keys have one of them in common, since
the numbers are a perfect difference set modulo 31."""


def near_keys(words: RowWords) -> NearKeys:
    """Keys of ``n`` rows, those of a row in ascending order, each once."""
    n = len(words.counts)
    owner = np.repeat(np.arange(n), words.counts)
    parts = [*_short(words, owner), *_long(words, owner)]
    rows = np.concatenate([rows for rows, _ in parts]).astype(np.uint64)
    keys = np.concatenate([keys for _, keys in parts]) & _KEY
    both = np.sort((rows << np.uint64(KEY_BITS)) | keys)
    first = np.ones(len(both), bool)
    np.not_equal(both[1:], both[:-1], out=first[1:])
    both = both[first]
    counts = np.bincount((both >> np.uint64(KEY_BITS)).astype(np.int64), minlength=n)
    return NearKeys(counts.astype(np.uint8), both & _KEY)


def _short(words: RowWords, owner: Ints) -> list[tuple[Ints, Hashes]]:
    """Keys of complete rows and of rows without each of their words; sums, so in any order."""
    fits = (words.script == SPACED) & (words.counts <= SHORT + 1)
    total = np.zeros(len(fits), np.uint64)
    some = words.counts > 0
    starts = (np.cumsum(words.counts) - words.counts)[some]
    total[some] = np.add.reduceat(words.codes, starts) if len(starts) else []
    complete = np.flatnonzero(fits & (words.counts >= LEAST))
    less = np.flatnonzero((fits & (words.counts > LEAST))[owner])
    without = total[owner[less]] - words.codes[less]
    return [(complete, _mixed(total[complete])), (owner[less], _mixed(without))]


def _long(words: RowWords, owner: Ints) -> list[tuple[Ints, Hashes]]:
    spaced = words.script == SPACED
    enough = words.counts >= np.where(spaced, SHORT, LEAST_CHARACTERS)
    keys = []
    for width, fits in ((2, words.script != LETTERS), (4, words.script == LETTERS)):
        rows, shingles = _shingles(words.codes, owner, (enough & fits)[owner], width)
        if len(rows):
            keys += _minima_keys(rows, shingles)
    return keys


def _shingles(
    codes: Hashes, owner: Ints, wanted: NDArray[np.bool_], width: int
) -> tuple[Ints, Hashes]:
    """Hashes of every run of ``width`` words within the wanted rows, and their rows."""
    last = max(len(codes) - width + 1, 0)
    at = np.flatnonzero(wanted[:last] & (owner[:last] == owner[len(codes) - last :]))
    runs = np.zeros(len(at), np.uint64)
    for step in range(width):
        runs = _mixed(runs + codes[at + step])
    return owner[at], runs


def _minima_keys(rows: Ints, shingles: Hashes) -> list[tuple[Ints, Hashes]]:
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    places = (shingles >> np.uint64(32)).astype(np.uint32)
    minima = np.stack(
        [
            np.minimum.reduceat(places * a + b, starts)
            for a, b in zip(_FACTORS, _SHIFTS, strict=True)
        ]
    ).astype(np.uint64)
    keys = []
    for number, chosen in enumerate(_CHOSEN):
        key = np.full(len(starts), number + 1, np.uint64)
        for order in chosen:
            key = _mixed(key + minima[order])
        keys.append((rows[starts], key))
    return keys


def _mixed(x: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of ``x`` moves every bit of the result."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = x ^ (x >> np.uint64(31))
    return mixed
