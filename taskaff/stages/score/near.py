"""Near copies between sets of rows, known by the keys in their signatures.

The keys are those of ``stages.signature.near``: rows that share one are near copies. Rows of equal
content are exact copies and not counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taskaff.stages.score.sketches import TOP

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Hashes, Ints
    from taskaff.core.records.score import PairTable
    from taskaff.core.records.signature import Sketch

OWNERS = 64
"""Sets at a time: one bit each."""

WORTH_SAYING = 0.005
"""Share of near copies from which a note names the pair; the gate's limit of exact ones."""

MOST_SAID = 6


@dataclass(frozen=True, eq=False)
class NearRows:
    """Distinct rows with their keys: all, or those with hashes up to a threshold."""

    hashes: Hashes
    """``(m,)`` ascending."""
    owner: Ints
    """``(p,)`` ascending: which of the rows each key is of."""
    keys: Hashes
    """``(p,)``."""
    share: float
    """Share of the set's distinct rows that these are; 1 if all."""


def near_rows(sketches: Iterable[Sketch]) -> NearRows | None:
    """The distinct rows of several splits together; None where one has no keys."""
    parts = list(sketches)
    if any(part.near is None for part in parts):
        return None
    threshold = np.uint64(min((part.near_threshold for part in parts), default=TOP))
    hashes, counts, keys = _joined(parts)
    distinct, first = np.unique(hashes, return_index=True)
    first = first[distinct <= threshold]
    starts = (np.cumsum(counts) - counts)[first]
    counts = counts[first]
    owner = np.repeat(np.arange(len(first)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = keys[np.repeat(starts, counts) + within]
    return NearRows(hashes[first], owner, chosen, (int(threshold) + 1) / (TOP + 1))


def _joined(parts: Sequence[Sketch]) -> tuple[Hashes, Ints, Hashes]:
    """Hashes, numbers of keys, and keys of all parts."""
    near = [(part.hashes, part.near) for part in parts if part.near is not None]
    empty = np.empty(0, np.uint64)
    counts = [keys.counts.astype(np.int64) for _, keys in near]
    return (
        np.concatenate([empty, *(hashes[: len(keys.counts)] for hashes, keys in near)]),
        np.concatenate([np.empty(0, np.int64), *counts]),
        np.concatenate([empty, *(keys.keys for _, keys in near)]),
    )


def near_counts(sets: Sequence[NearRows]) -> Ints:
    """``[i, j]``: rows of set ``j`` with a near copy in set ``i``, and no exact one; ``(k, k)``.

    A key that only one set has is dropped first. Each of the others has one bit for every set that
    has it, and a row has the bits of its keys together.
    """
    k = len(sets)
    counts = np.zeros((k, k), np.int64)
    keys, holders = _common([part.keys for part in sets])
    same, twins = _common([part.hashes for part in sets])
    for first in range(0, k, OWNERS):
        near_bits = _bits(len(keys), holders[first : first + OWNERS])
        same_bits = _bits(len(same), twins[first : first + OWNERS])
        for j, part in enumerate(sets):
            hits = _row_bits(near_bits, holders[j], part.owner, len(part.hashes))
            rows = np.arange(len(part.hashes))
            hits &= ~_row_bits(same_bits, twins[j], rows, len(part.hashes))
            for i in range(first, min(first + OWNERS, k)):
                if i != j:
                    counts[i, j] = int((hits >> np.uint64(i - first) & np.uint64(1)).sum())
    return counts


def near_within(part: NearRows) -> int:
    """Rows of a set with a near copy among the others of it."""
    _, place, times = np.unique(part.keys, return_inverse=True, return_counts=True)
    return len(np.unique(part.owner[times[place] > 1]))


def near_notes(overlap: PairTable | None, names: Sequence[str]) -> tuple[str, ...]:
    """Notes on pairs with more near copies than exact ones, the most first."""
    if overlap is None:
        return ()
    near, exact = overlap.extras["near"], overlap.value
    with np.errstate(invalid="ignore"):
        worth = (near >= WORTH_SAYING) & (near > exact)
    np.fill_diagonal(worth, False)
    pairs = sorted(np.argwhere(worth).tolist(), key=lambda pair: -near[tuple(pair)])
    more = (f"{len(pairs) - MOST_SAID:,} more pairs have near copies",) * (len(pairs) > MOST_SAID)
    return (
        *(
            f"{100 * near[i, j]:.2g}% of the distinct rows of {names[j]} are near copies of rows "
            f"of {names[i]}: they differ in about a word"
            for i, j in pairs[:MOST_SAID]
        ),
        *more,
    )


def near_share(hits: Floats, sample: Floats, known: Floats) -> Floats:
    """Share of rows with a near copy: ``hits`` of ``sample``, seen in a part of the source.

    Where only the share ``known`` of the source's rows is known, a row is a hit with that
    probability, if it has one near copy; with several the share is an upper bound.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.minimum(hits / sample / known, 1.0)


def _common(parts: Sequence[Hashes]) -> tuple[Hashes, list[Ints]]:
    """The numbers that two parts or more have, and where among them each entry of a part is.

    Entries that only one part has are at the end, one beyond the last.
    """
    own = [np.unique(part) for part in parts]
    every = np.sort(np.concatenate([np.empty(0, np.uint64), *own]))
    common = np.unique(every[1:][every[1:] == every[:-1]])
    places = []
    for part in parts:
        at = np.searchsorted(common, part)
        known = at < len(common)
        known[known] = common[at[known]] == part[known]
        places.append(np.where(known, at, len(common)))
    return common, places


def _bits(n: int, places: Sequence[Ints]) -> Hashes:
    """``(n + 1,)``: bit ``b`` of entry ``p`` is 1 where ``places[b]`` has ``p``; the last is 0."""
    bits = np.zeros(n + 1, np.uint64)
    for b, at in enumerate(places):
        bits[at] |= np.uint64(1 << b)
    bits[n] = 0
    return bits


def _row_bits(bits: Hashes, places: Ints, owner: Ints, rows: int) -> Hashes:
    """``(rows,)`` the bits of each row's entries together."""
    row_bits = np.zeros(rows, np.uint64)
    held = bits[places]
    some = np.flatnonzero(held)
    np.bitwise_or.at(row_bits, owner[some], held[some])
    return row_bits
