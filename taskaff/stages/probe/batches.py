"""Which rows a task's batches hold (W appendix B.3).

A task's rows are shuffled and divided into batches of nearly equal size, again in every epoch; its
k-th batch is the same in every run that has these rows and this stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.seeding import stream

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints


def batch_count(rows: int, batch: int) -> int:
    """Batches of an epoch."""
    return -(-rows // batch)


def batch_key(slot: Slot, run: Run) -> tuple[object, ...]:
    """Slots with equal keys have the same batches."""
    return slot.stream, run.seed, run.batch, id(slot.train), id(slot.labels)


class SlotBatches:
    """The batches of one slot, drawn as they are asked for."""

    def __init__(self, slot: Slot, run: Run) -> None:
        self.slot, self.width = slot, run.batch
        self._seed = run.seed
        n = len(slot.train)
        self._parts = batch_count(n, run.batch)
        sizes = np.full(self._parts, n // self._parts)
        sizes[: n % self._parts] += 1
        starts, column = np.cumsum(sizes) - sizes, np.arange(run.batch)
        self._sizes = sizes
        self._places = starts[:, None] + np.where(column < sizes[:, None], column, 0)
        self._begin()

    def _begin(self) -> None:
        self._generator = stream(self._seed, "batches", self.slot.stream)
        self._first = 0
        self._orders: list[Ints] = []
        """Places ``(parts, batch)`` of the epochs from ``_first`` on."""

    def take(self, start: int, stop: int) -> tuple[Ints, Ints, Ints]:
        """Batches ``start .. stop - 1``: rows ``(n, batch)``, rows of their labels, sizes ``(n,)``.

        Batches shorter than ``batch`` are filled with their own first row; the size says so.
        Epochs before ``start`` are forgotten; whoever goes back to them has them drawn again.
        """
        first, last = start // self._parts, -(-stop // self._parts)
        if first < self._first:
            self._begin()
        while self._first + len(self._orders) < last:
            self._orders.append(self._generator.permutation(len(self.slot.train))[self._places])
        del self._orders[: first - self._first]
        self._first = first
        places = np.concatenate(self._orders)
        at = slice(start - self._first * self._parts, stop - self._first * self._parts)
        rows = self.slot.train[places[at]]
        labels = rows if self.slot.labels is None else self.slot.labels[places[at]]
        return rows, labels, self._sizes[np.arange(start, stop) % self._parts]


def ordinals(sequence: Ints, slots: int) -> Ints:
    """``(n,)``: how many updates of the same slot came before."""
    out = np.empty_like(sequence)
    for slot in range(slots):
        here = sequence == slot
        out[here] = np.arange(here.sum())
    return out
