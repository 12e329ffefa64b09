"""Sets of rows as content hashes, and how many rows they share.

A sketch keeps every distinct hash, or the smallest ones (bottom-k; Beyer et al., SIGMOD 2007).
Hashes are uniform, so the hashes up to a threshold are a random sample of the distinct rows, and
the *same* sample of every set whose hashes are complete up to that threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.parallel import cores
from taskaff.stages.score.grams import on_every_core

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Hashes, Ints
    from taskaff.core.records.signature import Sketch

TOP = 2**64 - 1
WIDE = 32
"""Above this many sets holding one row, pairs are counted by a matrix product instead."""
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class RowSet:
    """Distinct rows: sorted hashes, complete up to ``threshold``; ``distinct`` is their number."""

    hashes: Hashes
    threshold: int
    distinct: float
    exact: bool

    def upto(self, threshold: int) -> int:
        """Number of stored hashes not above ``threshold``."""
        return int(np.searchsorted(self.hashes, np.uint64(threshold), side="right"))


def union(sketches: Iterable[Sketch]) -> RowSet:
    """The distinct rows of several splits together."""
    parts = list(sketches)
    if not parts:
        return RowSet(np.empty(0, np.uint64), TOP, 0.0, exact=True)
    if len(parts) == 1:
        only = parts[0]
        return RowSet(only.hashes, int(only.threshold), float(only.distinct), only.exact)
    exact = all(part.exact for part in parts)
    threshold = TOP if exact else min(int(part.threshold) for part in parts if not part.exact)
    hashes = np.unique(np.concatenate([part.hashes for part in parts]))
    hashes = hashes[: np.searchsorted(hashes, np.uint64(threshold), side="right")]
    distinct = len(hashes) if exact else len(hashes) / ((threshold + 1) / 2.0**64)
    return RowSet(hashes, threshold, float(distinct), exact)


def shared_counts(sets: Sequence[Hashes]) -> Ints:
    """``(m, m)`` numbers of hashes that ``m`` sets of distinct hashes share, two by two.

    An inverted index: all hashes sorted together, so that the sets holding one hash are next to
    each other. Neighbours at distance 1, 2, ... give the pairs; hashes held by many sets are
    counted block by block as a 0/1 matrix times itself. Ranges of hashes are independent: one a
    core.
    """
    total = sum(len(hashes) for hashes in sets)
    counts = np.asarray(sum(on_every_core(_pair_counts, _by_range(sets), 100.0 * total)))
    counts += counts.T
    counts[np.diag_indices(len(sets))] = [len(hashes) for hashes in sets]
    return counts


def _by_range(sets: Sequence[Hashes]) -> list[list[Hashes]]:
    """The sets cut at the same hashes, one part a core, of about equal size."""
    sample = np.sort(np.concatenate([hashes[:: len(hashes) // 64 + 1] for hashes in sets]))
    places = [len(sample) * part // cores() for part in range(1, cores())] if len(sample) else []
    edges = sample[np.array(places, dtype=int)]
    cuts = [np.split(hashes, np.searchsorted(hashes, edges)) for hashes in sets]
    return [list(part) for part in zip(*cuts, strict=True)]


def _pair_counts(sets: Sequence[Hashes]) -> Ints:
    """The counts above the diagonal."""
    m = len(sets)
    counts = np.zeros((m, m), dtype=np.int64)
    everything = np.concatenate(sets)
    owners = np.repeat(np.arange(m), [len(hashes) for hashes in sets])
    everything, owners = _repeated(everything, owners)
    row = np.cumsum(np.r_[0, everything[1:] != everything[:-1]])[: len(everything)]
    held_by = np.bincount(row)[row]
    few = held_by <= WIDE
    _count_neighbours(row[few], owners[few], counts)
    _count_products(row[~few], owners[~few], counts)
    return counts


def _repeated(everything: Hashes, owners: Ints) -> tuple[Hashes, Ints]:
    """The hashes that occur more than once, sorted, and their owners in order within a hash."""
    order = np.argsort(everything)
    everything = everything[order]
    equal = everything[1:] == everything[:-1]
    repeated = np.flatnonzero(np.r_[False, equal] | np.r_[equal, False])[: len(everything)]
    everything, owners = everything[repeated], owners[order[repeated]]
    order = np.lexsort((owners, everything))
    return everything[order], owners[order]


def _count_neighbours(row: Ints, owners: Ints, counts: Ints) -> None:
    """Add to the upper triangle of ``counts`` every pair of owners within a row."""
    m = len(counts)
    for distance in range(1, len(row)):
        same = row[distance:] == row[:-distance]
        if not same.any():
            return
        pairs = owners[:-distance][same] * m + owners[distance:][same]
        counts += np.bincount(pairs, minlength=m * m).reshape(m, m)


def _count_products(row: Ints, owners: Ints, counts: Ints) -> None:
    """Add pairs for rows with many owners; float32 counts exactly up to 2^24, above ``BLOCK``."""
    if not len(row):
        return
    place = np.cumsum(np.r_[0, np.diff(row) != 0])
    edges = np.searchsorted(place, np.arange(0, place[-1] + BLOCK + 1, BLOCK))
    for start, stop in pairwise(edges):
        incidence = np.zeros((BLOCK, len(counts)), dtype=np.float32)
        incidence[place[start:stop] % BLOCK, owners[start:stop]] = 1.0
        counts += np.triu(incidence.T @ incidence, 1).astype(np.int64)


def share_interval(hits: Floats, sample: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Wilson's interval (JASA 1927) of a share seen as ``hits`` of ``sample``; NaN without any."""
    z2 = NormalDist().inv_cdf((1.0 + confidence) / 2.0) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / sample
        centre = (share + z2 / (2.0 * sample)) / (1.0 + z2 / sample)
        reach = np.sqrt(z2 * (share * (1.0 - share) + z2 / (4.0 * sample)) / sample)
        reach /= 1.0 + z2 / sample
        return np.minimum(centre - reach, share), np.maximum(centre + reach, share)
