"""Texts as numbers of words, for trunks whose word vectors are trained with the rest.

The words are those whose vectors ``average`` adds up, in their order. In place of a word that the
vocabulary lacks stands the *unknown* word, between the two texts of a pair a *mark*; both have a
vector of their own, which starts at zero. A text without a word is one unknown word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.arrow import flat, integers
from taskaff.stages.embed.tokens import LEVELS, known_rows, pieces, split_further

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints
    from taskaff.stages.embed.vocabulary import Vocabulary

Ragged = tuple["Ints", "Ints"]
"""Numbers one list after the other, and the length of each list."""


def word_rows(text: tuple[pa.Array, ...], vocabulary: Vocabulary, limit: int | None) -> Ragged:
    """Words of every row: one text, or two with the mark between them.

    The unknown word is ``len(vocabulary)``, the mark the next number. ``limit`` is the most words
    of a row, the mark included, and at least 1: of a pair the longer text is cut first.
    """
    lists = [_words(texts, vocabulary) for texts in text]
    if len(lists) == 1:
        return _cut(lists[0], np.full(len(text[0]), limit)) if limit else lists[0]
    one, other = lists
    if limit:
        one, other = _cut_pair(one, other, limit)
    counts = one[1] + 1 + other[1]
    starts = np.cumsum(counts) - counts
    out = np.full(counts.sum(), len(vocabulary) + 1)  # the mark, wherever no word is written
    out[_places(starts, one[1])] = one[0]
    out[_places(starts + one[1] + 1, other[1])] = other[0]
    return out, counts


def _words(texts: pa.Array, vocabulary: Vocabulary) -> Ragged:
    encoded, bounds = pieces(texts)
    ids, counts = _spelled(encoded.dictionary, vocabulary, 0)
    codes = integers(encoded.indices)
    lists = _gather((ids, counts), codes)
    return _filled(lists[0], segment_counts(counts[codes], bounds), len(vocabulary))


def _spelled(strings: pa.Array, vocabulary: Vocabulary, level: int) -> Ragged:
    """Words of each string, as ``average`` finds them."""
    rows = known_rows(strings, vocabulary, level)
    missing = np.flatnonzero(rows < 0)
    counts = np.ones(len(rows), np.int64)
    if not len(missing):
        return rows, counts
    if level == LEVELS:
        counts[missing] = integers(pc.binary_length(strings))[missing] > 0
        rows[missing] = len(vocabulary)
        return rows[counts > 0], counts
    lists = split_further(strings.take(flat(missing)), level + 1)
    inner, sizes = _spelled(lists.values, vocabulary, level + 1)
    bounds = integers(lists.offsets)
    counts[missing] = segment_counts(sizes, bounds)
    starts = np.cumsum(counts) - counts
    out = np.empty(counts.sum(), np.int64)
    known = np.flatnonzero(rows >= 0)
    out[starts[known]] = rows[known]
    out[_places(starts[missing], counts[missing])] = inner[sizes[: bounds[0]].sum() :]
    return out, counts


def _filled(ids: Ints, counts: Ints, unknown: int) -> Ragged:
    """Empty lists become one unknown word."""
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return ids, counts
    filled = np.insert(ids, (np.cumsum(counts) - counts)[empty], unknown)
    return filled, np.maximum(counts, 1)


def _cut_pair(one: Ragged, other: Ragged, limit: int) -> tuple[Ragged, Ragged]:
    room = max(limit - 1, 2)
    shorter = np.minimum(one[1], np.maximum(room - room // 2, room - other[1]))
    return _cut(one, shorter), _cut(other, room - shorter)


def _cut(lists: Ragged, most: Ints) -> Ragged:
    """The first ``most (n,)`` of each list."""
    ids, counts = lists
    cut = np.minimum(counts, most)
    return ids[_places(np.cumsum(counts) - counts, cut)], cut


def _gather(lists: Ragged, which: Ints) -> Ragged:
    """Concatenation of the lists with these numbers."""
    ids, counts = lists
    starts = np.cumsum(counts) - counts
    return ids[_places(starts[which], counts[which])], counts[which]


def segment_counts(values: Ints, bounds: Ints) -> Ints:
    """Sum of ``values[a:b]`` for each segment ``(a, b)`` of ``bounds``: ``(n,)``."""
    running = np.concatenate(([0], np.cumsum(values)))
    counts: Ints = running[bounds[1:]] - running[bounds[:-1]]
    return counts


def _places(starts: Ints, counts: Ints) -> Ints:
    """``starts[i], starts[i] + 1, ...``, ``counts[i]`` of them, for every ``i`` in turn."""
    before = np.cumsum(counts) - counts
    places: Ints = np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
    return places
