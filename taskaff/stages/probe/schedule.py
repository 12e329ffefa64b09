"""When a run trains which task, when it is evaluated, and when it ends.

Time is counted in *rounds*: one update of the reference task (the tested one with the largest
share; in a pair the target) and, between it and the next one, those of the other tasks, in random
order within the round. So both arms of a comparison are evaluated after the same updates of the
target, whatever the recipe. A task with a rate below 1 has an update in some rounds only.

A tested task is evaluated on a grid over its own updates, dense at the start. It ends once
``patience`` times the updates of its best evaluation brought nothing better, and the loss does not
fall just now (some runs rise at first, and then fall far below their start); or at the cap, unless
its best evaluation is close to the end: then it is trained on, up to ``EXTENSION`` times the cap.
Without patience it ends at the cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.recipe import rates
from taskaff.stages.probe.batches import SlotBatches, batch_count, batch_key
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.seeding import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints

BLOCK = 64
"""Rounds whose order is drawn at once."""

EXTENSION = 4
"""A run that still improves at its cap is trained up to so many times the cap."""

LATE = 0.8
"""A best evaluation after this share of the updates is close to the end."""

SETTLED = 0.25
"""Patience counts after this share of the cap: before it the loss may rise and fall again."""

Curve = Sequence[tuple[float, float]]
"""Evaluations of a tested task: its updates, its validation loss."""

Grid = tuple[int, float, int]
"""First evaluation, growth from evaluation to evaluation, and the most updates between two."""

DENSE: Grid = (3, 1.15, 100)
SPARSE: Grid = (3, 1.4, 60)
"""For models whose evaluations cost as much as many updates."""


@lru_cache(maxsize=64)
def evaluations(last: int, grid: Grid = DENSE) -> tuple[int, ...]:
    """Updates after which the held-out loss is evaluated, up to ``last``, which is one of them."""
    first, growth, gap = grid
    updates, at = [], float(first)
    while round(at) < last:
        updates.append(round(at))
        at = max(at + 1, min(at * growth, at + gap))
    return (*updates, last)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a tested task of a run ends, in its own updates."""

    updates: int
    patience: float

    @property
    def most(self) -> int:
        """The last update there can be."""
        return self.updates * (EXTENSION if self.patience else 1)

    def evaluations(self, grid: Grid = DENSE) -> tuple[int, ...]:
        """Every evaluation there can be; the cap is one of them."""
        return tuple(sorted({*evaluations(self.updates, grid), *evaluations(self.most, grid)}))

    def ended(self, curve: Curve) -> bool:
        """Whether there is nothing more to train after these evaluations."""
        updates, _ = curve[-1]
        if updates >= self.most:
            return True
        if not self.patience:
            return False
        best = best_of(curve)
        if updates >= max(SETTLED * self.updates, self.patience * best) and not _falls(curve):
            return True
        return updates >= self.updates and best <= LATE * updates

    def at_cap(self, updates: float, best: float) -> bool:
        """Whether training ended although the best evaluation is close to the end."""
        return bool(self.patience) and updates >= self.most and best > LATE * updates


def best_of(curve: Curve) -> float:
    """Updates at the evaluation with the least loss."""
    return min(curve, key=lambda point: point[1])[0]


def _falls(curve: Curve) -> bool:
    """Whether the loss is lower now than at any evaluation in the last half of the updates."""
    updates, loss = curve[-1]
    before = [other for at, other in curve[:-1] if at >= updates / 2]
    return bool(before) and loss < min(before)


class Schedule:
    """The rounds of one run; runs with equal ``key`` have equal schedules."""

    def __init__(self, run: Run) -> None:
        self.run = run
        k = len(run.slots)
        tested = [slot.tested for slot in run.slots]
        shares = run.shares or (1.0 / k,) * k
        self.rates = (1.0,) * k if run.together else rates(shares, tested)
        self.reference = next(s for s in range(k) if tested[s] and self.rates[s] == 1.0)
        last = self.limits(self.reference).updates
        left = run.source_until * last if run.source_until < 1 else np.inf
        self._until = np.array([np.inf if own else left for own in tested])
        self._blocks: dict[int, tuple[Ints, Ints]] = {}

    @staticmethod
    def key(run: Run) -> tuple[object, ...]:
        """Key of everything that decides the order of a run's updates and its end."""
        names = tuple((slot.stream, slot.tested) for slot in run.slots)
        until = run.source_until, run.updates, run.epochs, run.patience
        return run.seed, names, run.shares, run.together, until

    def limits(self, s: int) -> Limits:
        """When slot ``s`` ends."""
        run = self.run
        if run.epochs is None:
            return Limits(run.updates, run.patience)
        return Limits(run.epochs * batch_count(len(run.slots[s].train), run.batch), 0.0)

    def counts(self, rounds: Ints | int) -> NDArray[np.int64]:
        """Updates ``(..., S)`` of every slot in the first ``rounds (...)`` rounds."""
        n = np.minimum(np.asarray(rounds)[..., None], np.floor(self._until))
        counts: NDArray[np.int64] = np.floor(n * np.array(self.rates) + 0.5).astype(np.int64)
        return counts

    def total(self, rounds: int) -> int:
        """Updates of the run in the first rounds."""
        return rounds if self.run.together else int(self.counts(rounds).sum())

    @property
    def pace(self) -> float:
        """Updates a round, on average."""
        return 1.0 if self.run.together else sum(self.rates)

    def order(self, start: int, stop: int) -> Ints:
        """Slots of the updates in rounds ``start + 1 .. stop``; 0 where all train at once."""
        if self.run.together:
            return np.zeros(stop - start, dtype=np.int64)
        parts = []
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            sequence, ends = self._block(block)
            first, last = max(start - block * BLOCK, 0), min(stop - block * BLOCK, BLOCK)
            parts.append(sequence[ends[first] : ends[last]])
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def _block(self, block: int) -> tuple[Ints, Ints]:
        """Slots of the updates of a block of rounds, and where each of its rounds begins."""
        if block not in self._blocks:
            rounds = np.arange(block * BLOCK, (block + 1) * BLOCK + 1)
            counts = np.diff(self.counts(rounds), axis=0)
            k = counts.shape[1]
            slots = np.repeat(np.tile(np.arange(k), BLOCK), counts.ravel())
            inside = np.repeat(np.arange(BLOCK), counts.sum(1))
            names = (slot.stream for slot in self.run.slots)
            generator = stream(self.run.seed, "mix", block, *names)
            order = np.argsort(inside + generator.random(len(inside)), kind="stable")
            ends = np.concatenate([[0], np.cumsum(counts.sum(1))])
            self._blocks = {b: kept for b, kept in self._blocks.items() if b >= block - 1}
            self._blocks[block] = slots[order], ends
        return self._blocks[block]

    def evaluation_rounds(self, s: int, grid: Grid = DENSE) -> dict[int, int]:
        """Rounds after which slot ``s`` is evaluated, each with its updates then."""
        wanted = np.array(self.limits(s).evaluations(grid))
        if self.run.together or self.rates[s] == 1.0:
            return dict(zip(wanted.tolist(), wanted.tolist(), strict=True))
        rounds = np.maximum(np.ceil((wanted - 0.5) / self.rates[s]), 1).astype(np.int64)
        return dict(zip(rounds.tolist(), self.counts(rounds)[:, s].tolist(), strict=True))

    def updates(self) -> Iterator[list[tuple[int, Ints, Ints]]]:
        """Every update of a run trained by itself: slots, their rows, rows of the labels to use.

        The same batches that stacked runs of this seed and these streams see.
        """
        tables = {batch_key(slot, self.run): SlotBatches(slot, self.run) for slot in self.run.slots}
        mine = [tables[batch_key(slot, self.run)] for slot in self.run.slots]
        seen = [0] * len(mine)
        block = 0
        while True:
            for chosen in self.order(block * BLOCK, (block + 1) * BLOCK).tolist():
                slots = range(len(mine)) if self.run.together else (chosen,)
                batches = []
                for s in slots:
                    rows, labels, sizes = mine[s].take(seen[s], seen[s] + 1)
                    size = int(sizes[0])
                    batches.append((s, rows[0, :size], labels[0, :size]))
                    seen[s] += 1
                yield batches
            block += 1


def source_share(run: Run) -> float:
    """Share of a pair's updates that are the source's, in the long run."""
    schedule = Schedule(run)
    return 0.5 if run.together else 1.0 - 1.0 / schedule.pace
