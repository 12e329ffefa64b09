"""A stretch of rounds of stacked runs, planned: which batch each update takes, for which head.

Runs have different numbers of updates in the same rounds; those with most come first, so that the
runs that still have one are a leading part in every update of the stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe.batches import SlotBatches, batch_key, ordinals
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """``E`` updates of ``R`` runs with ``L`` lanes."""

    active: tuple[int, ...]
    """Runs that take part in each update."""
    rows: Tensor
    """``(batches, b)``: rows of every batch that is used."""
    label_rows: Tensor
    """Rows whose labels they have; the same object where these are their own."""
    shares: Tensor
    """``(batches, b)``: share of the loss of each row."""
    batch: Tensor
    """``(E, R * L)``: batch of each lane."""
    head: Tensor
    """``(E, R * L)``: number of the lane's slot among those of all runs."""
    count: Tensor
    """``(E, R * L)``: updates of that slot before."""
    before: tuple[int, ...]
    """Updates of each run before the segment."""


class Planner:
    """Schedules and batches of stacked runs; runs with the same ones share them."""

    def __init__(self, runs: Sequence[Run], S: int, L: int, device: torch.device) -> None:
        self.S, self.L, self.device = S, L, device
        self.width = runs[0].batch
        self._schedules: dict[tuple[object, ...], Schedule] = {}
        self._batches: dict[tuple[object, ...], SlotBatches] = {}
        for run in runs:
            self._schedules.setdefault(Schedule.key(run), Schedule(run))

    def schedule(self, run: Run) -> Schedule:
        """When a run trains which slot."""
        return self._schedules[Schedule.key(run)]

    def lengths(self, runs: Sequence[Run], start: int, stop: int) -> Ints:
        """Updates of each run in rounds ``start + 1 .. stop``."""
        known = {
            key: schedule.total(stop) - schedule.total(start)
            for key, schedule in self._schedules.items()
        }
        return np.array([known[Schedule.key(run)] for run in runs])

    def segment(self, runs: Sequence[Run], start: int, stop: int) -> Segment:
        """The plan of these rounds; the runs are in order of falling lengths."""
        lengths = self.lengths(runs, start, stop)
        R, E, S, L = len(runs), int(lengths[0]), self.S, self.L
        batch, count = (np.zeros((E, R, L), np.int64) for _ in range(2))
        head = np.broadcast_to(np.arange(R)[:, None] * S + np.arange(L), (E, R, L)).copy()
        orders: dict[tuple[object, ...], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        asked: dict[tuple[object, ...], tuple[int, int]] = {}
        uses = []
        for i, run in enumerate(runs):
            key = Schedule.key(run)
            if key not in orders:
                orders[key] = self._order(self._schedules[key], len(run.slots), start, stop)
            slots, counts = orders[key]
            n = len(slots)
            head[:n, i], count[:n, i] = i * S + slots, counts
            for s, slot in enumerate(run.slots):
                here = slots == s
                if here.any():
                    own = counts[here]
                    name = self._known(slot, run)
                    low, high = asked.get(name, (int(own.min()), 0))
                    asked[name] = min(low, int(own.min())), max(high, int(own.max()) + 1)
                    uses.append((name, i, here, own))
        starts, rows, labels, shares = self._tables(asked)
        for name, i, here, own in uses:
            batch[: len(here), i][here] = starts[name] + own - asked[name][0]
        active = (lengths[None, :] > np.arange(E)[:, None]).sum(1)
        return Segment(
            active=tuple(active.tolist()),
            rows=rows,
            label_rows=labels,
            shares=shares,
            batch=self._put(batch.reshape(E, R * L)),
            head=self._put(head.reshape(E, R * L)),
            count=self._put(count.reshape(E, R * L)),
            before=tuple(self.schedule(run).total(start) for run in runs),
        )

    def _order(self, schedule: Schedule, k: int, start: int, stop: int) -> tuple[Ints, Ints]:
        """Slots of each update's lanes ``(n, L)``, and how many updates these had before."""
        slots = schedule.order(start, stop)
        if schedule.run.together:
            n = len(slots)
            lanes = np.arange(self.L)
            counts = np.broadcast_to(np.arange(start, stop)[:, None], (n, self.L))
            return np.broadcast_to(np.minimum(lanes, k - 1), (n, self.L)), counts
        before = schedule.counts(start)
        return slots[:, None], (ordinals(slots, k) + before[slots])[:, None]

    def _known(self, slot: Slot, run: Run) -> tuple[object, ...]:
        key = batch_key(slot, run)
        if key not in self._batches:
            self._batches[key] = SlotBatches(slot, run)
        return key

    def _tables(
        self, asked: dict[tuple[object, ...], tuple[int, int]]
    ) -> tuple[dict[tuple[object, ...], int], Tensor, Tensor, Tensor]:
        """Where each slot's batches begin; rows, label rows and shares of all of them."""
        starts, rows, labels, sizes, at = {}, [], [], [], 0
        for name, (low, high) in asked.items():
            table, own, size = self._batches[name].take(low, high)
            starts[name], at = at, at + high - low
            rows.append(table)
            labels.append(own)
            sizes.append(size)
        size = np.concatenate(sizes)[:, None]
        shares = np.where(np.arange(self.width) < size, 1.0 / size, 0.0).astype(np.float32)
        placed = self._put(np.concatenate(rows))
        same = all(table is own for table, own in zip(rows, labels, strict=True))
        return (
            starts,
            placed,
            placed if same else self._put(np.concatenate(labels)),
            self._put(shares),
        )

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
