"""Which rows go through the model together: few padded tokens, few batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints, Ints32


@dataclass(frozen=True, slots=True)
class Rule:
    """How batches are cut from rows sorted by length.

    ``budget`` is the most padded tokens of a batch, ``overhead`` what starting another batch costs,
    in tokens: rows are padded to a longer one as long as that is cheaper. ``rows`` fixes the number
    of rows of a batch instead.
    """

    budget: int
    overhead: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows ``start`` to ``stop`` of the sorted order, padded to ``length`` tokens."""

    start: int
    stop: int
    length: int
    padded: bool
    """Whether a row is shorter than ``length``."""


def plan(lengths: Ints, rule: Rule) -> tuple[Ints, list[Batch]]:
    """The rows that have tokens, longest first, ``(m,)``; and the batches that cover them all.

    The longest come first so that memory runs out at once or not at all.
    """
    order = np.argsort(-lengths, kind="stable")
    order = order[: int((lengths > 0).sum())]
    length, batches, at = lengths[order], [], 0
    while at < len(order):
        stop = _stop(length, at, rule)
        longest = int(length[at])
        batches.append(Batch(at, stop, longest, padded=bool(length[stop - 1] < longest)))
        at = stop
    return order, batches


def _stop(length: Ints, at: int, rule: Rule) -> int:
    longest = int(length[at])
    if rule.rows is not None:
        return min(len(length), at + rule.rows)
    stop = min(len(length), at + max(1, rule.budget // longest))
    waste = np.cumsum(longest - length[at:stop])
    if waste[-1] <= rule.overhead:
        return stop
    cut = at + int(np.searchsorted(waste, rule.overhead, "right"))
    # Rows as long as the first one of the next batch belong there: it is paid for already.
    return at + int(np.searchsorted(-length[at:stop], -length[cut], "left"))


def padded_tokens(
    values: Ints32, starts: Ints, order: Ints, batches: list[Batch], fill: int
) -> Ints32:
    """The batches one after the other, each ``(rows, length)``, in one flat array."""
    shapes = np.array([(b.length, b.stop - b.start) for b in batches], np.int64).reshape(-1, 2)
    widths = np.repeat(shapes[:, 0], shapes[:, 1])
    lengths = np.diff(starts)[order]
    out = np.full(int(widths.sum()), fill, np.int32)
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    target = np.repeat(np.cumsum(widths) - widths, lengths) + inside
    out[target] = values[np.repeat(starts[:-1][order], lengths) + inside]
    return out
