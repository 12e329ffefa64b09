"""What runs that are trained together hold, as stacked arrays: weights, moments, rates, labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import align
from taskaff.stages.probe.losses import CLASSES, REGRESSION
from taskaff.stages.probe.model import NEVER, Parameters, initial_state, shared_part
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.training_data import TrainingData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats, Ints

_BY_RUN = ("lr", "lr_heads", "keep", "keep_heads", "lr_align", "keep_align", "scale")
_BY_HEAD = ("kinds", "widths", "weights", "halves", "shift", "over")
"""Tensors with a leading axis of runs, and of their slots."""


class RunArrays:
    """Arrays of ``R`` runs, with a leading axis of runs or of their ``S`` slots each."""

    def __init__(self, data: TrainingData, runs: Sequence[Run]) -> None:
        self.data, self.runs = data, list(runs)
        self.device = data.X.device
        self.d = self.width()
        self.form, self.uncertain = runs[0].align, runs[0].uncertain
        self.S = max(len(run.slots) for run in runs)
        self.r = max(run.r for run in runs)
        self.c = max(data.widths[slot.task] for run in runs for slot in run.slots)
        self.ids = np.arange(len(runs))
        """Number at the start of the run at each place."""
        self._initialise()
        self._rates()
        self._labels()

    def width(self) -> int:
        """``d`` of the vectors that the first layer, and an alignment matrix, multiplies."""
        return self.data.d

    def initial(self, run: Run) -> dict[str, NDArray[np.float32]]:
        """Unpadded initial weights; what is not a slot's part belongs to the shared module."""
        return initial_state(run, self.d, self.widths_of(run))

    def _initialise(self) -> None:
        """Initial weights of every run, padded, and the optimiser's zeros."""
        R, S, r, c = len(self.runs), self.S, self.r, self.c
        states = [self.initial(run) for run in self.runs]
        self.cuts = [{k: v.shape for k, v in shared_part(state).items()} for state in states]
        self.shared = tuple(self.cuts[0])
        host = {
            name: np.zeros((R, *np.max([cut[name] for cut in self.cuts], axis=0)), np.float32)
            for name in self.shared
        }
        heads = np.zeros((R * S, r + 1, c), np.float32)
        parts = align.shapes(self.form, self.d, self.runs[0].align_rank)
        own = {name: np.zeros((R * S, *shape), np.float32) for name, shape in parts.items()}
        if self.uncertain:
            own["s"] = np.zeros((R * S, 1, 1), np.float32)
        for i, (run, state) in enumerate(zip(self.runs, states, strict=True)):
            for name, array in host.items():
                value = state[name]
                array[i, : value.shape[0], : value.shape[1]] = value
            for s, (slot, wide) in enumerate(zip(run.slots, self.widths_of(run), strict=True)):
                head = heads[i * S + s]
                head[: run.r, :wide], head[r, :wide] = state[f"A{s}"][:-1], state[f"A{s}"][-1]
                if self.data.kinds[slot.task] != REGRESSION:
                    head[r, wide:] = NEVER
                for name, array in own.items():
                    array[i * S + s] = state[f"{name}{s}"]
        self.slot_parts = ("A", *own)
        own["A"] = heads
        self.p: Parameters = {name: self._put(array) for name, array in (host | own).items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.p.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.p.items()}

    def widths_of(self, run: Run) -> tuple[int, ...]:
        """Label widths of a run's slots."""
        return tuple(self.data.widths[slot.task] for slot in run.slots)

    def _rates(self) -> None:
        """Learning rates, decay factors and input scales, each ``(R, 1, 1)``."""
        runs = self.runs

        def column(values: list[float]) -> Tensor:
            return self._put(np.array(values, dtype=np.float32)).view(-1, 1, 1)

        moving = [run.lr * ("trunk" not in run.frozen) for run in runs]
        heads = [run.lr * ("heads" not in run.frozen) for run in runs]
        decay = [run.weight_decay for run in runs]
        self.lr, self.lr_heads = column(moving), column(heads)
        self.keep = column([1 - a * b for a, b in zip(moving, decay, strict=True)])
        self.keep_heads = column([1 - a * b for a, b in zip(heads, decay, strict=True)])
        if self.form:
            turns = [run.lr_align for run in runs]
            self.lr_align = column(turns)
            self.keep_align = column([1 - a * b for a, b in zip(turns, decay, strict=True)])
        self.decays = any(decay)
        self.moving = any(moving)
        unit = all(run.scale == 1.0 for run in runs)
        self.scale = None if unit else column([run.scale for run in runs])

    def _labels(self) -> None:
        """Per head: label kind, width, loss weight and the standardisation of regressions."""
        heads = len(self.runs) * self.S
        kinds, widths = np.zeros(heads, np.int64), np.ones(heads, np.float32)
        weights = np.ones(heads, np.float32)
        shift = np.zeros((heads, 1, self.c), np.float32)
        over = np.ones((heads, 1, self.c), np.float32)
        known: dict[tuple[int, int], tuple[Floats, Floats]] = {}
        for i, run in enumerate(self.runs):
            for s, slot in enumerate(run.slots):
                at, c = i * self.S + s, self.data.widths[slot.task]
                kinds[at], widths[at] = self.data.kinds[slot.task], c
                weights[at] = slot.weight
                if kinds[at] == REGRESSION:
                    key = (slot.task, id(slot.train))
                    if key not in known:
                        known[key] = self.data.moments(slot.task, slot.train)
                    mean, deviation = known[key]
                    shift[at, 0, :c], over[at, 0, :c] = mean, 1 / deviation
        self.only_classes = bool((kinds == CLASSES).all())
        self.weighted = bool((weights != 1).any())
        # Kendall et al.: exp(-s) L for likelihoods of classes, exp(-s) L / 2 for Gaussian ones
        self.halves = self._put(np.where(kinds == REGRESSION, 0.5, 1.0).astype(np.float32))
        self.kinds = self._put(kinds).view(-1, 1, 1)
        self.widths, self.weights = self._put(widths).view(-1, 1, 1), self._put(weights)
        self.shift, self.over = self._put(shift), self._put(over)

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def select(self, places: Ints) -> None:
        """Keep the runs at these places, in this order."""
        at = torch.from_numpy(np.ascontiguousarray(places)).to(self.device)
        self.runs = [self.runs[i] for i in places]
        self.ids = self.ids[places]
        for tensors in (self.p, self.m, self.v):
            for name, value in tensors.items():
                tensors[name] = self._selected(value, at, name in self.slot_parts)
        for name in _BY_RUN:
            column: Tensor | None = getattr(self, name, None)
            if column is not None:
                setattr(self, name, column[at])
        for name in _BY_HEAD:
            setattr(self, name, self._selected(getattr(self, name), at, True))

    def _selected(self, value: Tensor, at: Tensor, by_head: bool) -> Tensor:
        if not by_head:
            return value[at]
        return value.view(-1, self.S, *value.shape[1:])[at].flatten(0, 1)
