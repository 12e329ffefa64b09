"""Words that give the label away: counted by class over a bounded sample of the rows.

The sample are the rows with the smallest content hashes, so that neither their order nor their
division into files matters, and it is cut where its words become too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats, Hashes, Ints
    from taskaff.core.records.data import LabelKind
    from taskaff.stages.signature.words import RowWords

ROWS, WORDS = 2**13, 2**20
"""Most rows, and most words of theirs, that are counted."""

FEWEST = 10
"""Rows of a class below which nothing is said of it."""

PRECISION, RECALL, COVERAGE = 0.98, 0.9, 0.3
"""A word gives a class away if so many of its rows are of that class, and so many rows of the class
have it; the note is worth reading if so many of all rows have such a word. Measured on real sets:
``docs/near_duplicates.md``."""


@dataclass(frozen=True, slots=True)
class Giveaway:
    """A word that gives a class away."""

    code: int
    """Hash of the word, as in ``RowWords``."""
    label: int
    """Index of the class or label column."""
    inside: float
    """Share of the rows of the class that have it."""
    outside: float
    """Share of the other rows that have it."""


class LabelWords:
    """Words and labels of the rows with the smallest hashes."""

    def __init__(self, rows: int = ROWS, words: int = WORDS) -> None:
        self._most_rows, self._most_words = rows, words
        self._largest = np.uint64(2**64 - 1)
        self._parts: list[tuple[Hashes, NDArray[np.float64], Ints, Hashes]] = []

    def add(self, hashes: Hashes, words: RowWords, labels: Ints | Floats) -> None:
        """Add ``n`` rows: hashes, words, and labels as in ``RowBatch``."""
        owner, codes = _distinct_words(words)
        counts = np.bincount(owner, minlength=len(hashes))
        Y = np.asarray(labels, np.float64).reshape(len(hashes), -1)
        self._parts.append(_taken((hashes, Y, counts, codes), hashes <= self._largest))
        waiting = sum(len(part[0]) for part in self._parts)
        if waiting > 2 * self._most_rows or sum(map(_size, self._parts)) > 2 * self._most_words:
            self._settle()

    def giveaways(self, kind: LabelKind, classes: int) -> tuple[list[Giveaway], float]:
        """Words that give a class away, most rows first, and the share of rows that have one.

        Parameters
        ----------
        kind : of the labels; regression has no classes, and gives nothing.
        classes : ``c``.
        """
        if not self._parts or kind not in ("classes", "multilabel"):
            return [], 0.0
        self._settle()
        _, Y, counts, codes = self._parts[0]
        of = Y[:, 0].astype(np.int64)[:, None] == np.arange(classes) if kind == "classes" else Y > 0
        return _giveaways(of, np.repeat(np.arange(len(counts)), counts), codes)

    def _settle(self) -> None:
        columns = zip(*self._parts, strict=True)
        hashes, Y, counts, codes = (np.concatenate(column) for column in columns)
        order = np.argsort(hashes, kind="stable")
        fits = np.cumsum(counts[order]) <= self._most_words
        smallest = order[: self._most_rows][fits[: self._most_rows]]
        if len(smallest) < len(order):
            self._largest = hashes[smallest[-1]] if len(smallest) else np.uint64(0)
        wanted = np.zeros(len(hashes), bool)
        wanted[smallest] = True
        self._parts = [_taken((hashes, Y, counts, codes), wanted)]


def _size(part: tuple[Hashes, NDArray[np.float64], Ints, Hashes]) -> int:
    return len(part[3])


def _taken(
    part: tuple[Hashes, NDArray[np.float64], Ints, Hashes], wanted: NDArray[np.bool_]
) -> tuple[Hashes, NDArray[np.float64], Ints, Hashes]:
    hashes, Y, counts, codes = part
    return hashes[wanted], Y[wanted], counts[wanted], codes[np.repeat(wanted, counts)]


def _distinct_words(words: RowWords) -> tuple[Ints, Hashes]:
    """Rows and codes of each row's words, each word once."""
    owner = np.repeat(np.arange(len(words.counts)), words.counts)
    order = np.lexsort((words.codes, owner))
    owner, codes = owner[order], words.codes[order]
    first = np.ones(len(codes), bool)
    first[1:] = (codes[1:] != codes[:-1]) | (owner[1:] != owner[:-1])
    return owner[first], codes[first]


def _giveaways(of: NDArray[np.bool_], owner: Ints, codes: Hashes) -> tuple[list[Giveaway], float]:
    """Words that give a class away, most rows first; ``of (n, c)``: whether a row is of a class."""
    n, c = of.shape
    rows_of = of.sum(axis=0)
    vocabulary, place, seen = np.unique(codes, return_inverse=True, return_counts=True)
    enough = (rows_of >= FEWEST) & (n - rows_of >= FEWEST)
    frequent = seen >= RECALL * rows_of[enough].min(initial=n)
    number = np.cumsum(frequent) - 1
    positions = frequent[place]
    place, owner = number[place[positions]], owner[positions]
    together = np.zeros((int(frequent.sum()), c), np.int64)
    for label in range(c):
        own = of[owner, label]
        together[:, label] = np.bincount(place[own], minlength=len(together))
    seen, vocabulary = seen[frequent], vocabulary[frequent]
    gives_away = enough & (together >= PRECISION * seen[:, None]) & (together >= RECALL * rows_of)
    words, labels = np.nonzero(gives_away)
    covered = np.zeros(n, bool)
    covered[owner[gives_away.any(axis=1)[place]]] = True
    out = [
        Giveaway(
            int(vocabulary[w]),
            int(label),
            together[w, label] / rows_of[label],
            (seen[w] - together[w, label]) / (n - rows_of[label]),
        )
        for w, label in zip(words, labels, strict=True)
    ]
    return sorted(out, key=lambda g: (-g.inside * rows_of[g.label], g.code)), float(covered.mean())
