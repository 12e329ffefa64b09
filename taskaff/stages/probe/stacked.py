"""A chunk: runs that are trained together, as stacked arrays, and one update of all of them.

``R`` runs, ``S`` slots (padded to the most), ``L`` lanes a run: one batch an update, or one for
every slot of runs that train all tasks together. Runs that have ended leave the chunk, and the
others change places, so that those with most updates in the next rounds come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import adam, align
from taskaff.stages.probe.losses import CLASSES, REGRESSION, Labels, gradient, lane_losses
from taskaff.stages.probe.model import (
    DECAYED,
    NEVER,
    Parameters,
    Pass,
    head_outputs,
    initial_state,
    shared_part,
    trunk_backward,
    trunk_forward,
)
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.segment import Planner
from taskaff.stages.probe.training_data import TrainingData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats, Ints


_BY_RUN = ("lr", "lr_heads", "keep", "keep_heads", "lr_align", "keep_align", "scale")
_BY_HEAD = ("kinds", "widths", "weights", "halves", "shift", "over")
"""Tensors with a leading axis of runs, and of their slots."""


@dataclass(slots=True)
class _Batch:
    """What one update sees: ``lanes`` batches, each of one slot."""

    n: int
    """Active runs."""
    lanes: int
    head: Tensor
    """``(lanes,)``: number of each lane's slot among all."""
    x: Any
    """What ``inputs`` gave for rows ``(n, rows of all lanes of a run)``, or ``(lanes, rows)`` with
    alignment: the vectors ``(n, rows, d)``."""
    labels: Labels
    weights: Tensor
    """``(lanes, 1, rows)``: shares of the loss."""


class Chunk:
    """Parameters and optimiser state of ``R`` runs of one trunk, all of one or of many lanes.

    Trunks over other inputs than the training data's vectors are subclasses: they bring
    ``initial``, ``inputs``, ``forward`` and ``backward``, and a first layer ``B`` for the alignment
    to act on.
    """

    decayed = DECAYED
    """Shared parts that weight decay pulls at."""
    stop: Event | None = None
    """Set by another thread to end training at the next update, with ``CancelledError``."""

    def __init__(self, data: TrainingData, runs: Sequence[Run]) -> None:
        self.data, self.runs = data, list(runs)
        self.device = data.X.device
        self.trunk, self.d = runs[0].trunk, self.width()
        self.form, self.uncertain = runs[0].align, runs[0].uncertain
        self.S = max(len(run.slots) for run in runs)
        self.L = self.S if runs[0].together else 1
        self.r = max(run.r for run in runs)
        self.c = max(data.widths[slot.task] for run in runs for slot in run.slots)
        self.planner = Planner(runs, self.S, self.L, self.device)
        self.rounds = 0
        self.ids = np.arange(len(runs))
        """Number at the start of the run at each place."""
        self.every_head = self.S == self.L
        self.corrections = adam.corrections(1024, self.device)
        self._initialise()
        self._rates()
        self._labels()

    # ------------------------------------------------------- what a trunk is

    def width(self) -> int:
        """``d`` of the vectors that the first layer, and an alignment matrix, multiplies."""
        return self.data.d

    def initial(self, run: Run) -> dict[str, NDArray[np.float32]]:
        """Unpadded initial weights; what is not a slot's part belongs to the shared module."""
        return initial_state(run, self.d, self.widths_of(run))

    def inputs(self, rows: Tensor) -> Any:
        """What the trunk reads of rows ``(m, b)``."""
        return self.data.X.index_select(0, rows.view(-1)).view(*rows.shape, self.d)

    def forward(self, p: Parameters, x: Any, scale: Tensor | None) -> Pass:
        """The shared module's outputs ``h (m, b, r + 1)``, the last column being ones."""
        return trunk_forward(self.trunk, p, x, scale)

    def backward(self, p: Parameters, seen: Pass, dh: Tensor, scale: Tensor | None) -> Parameters:
        """Gradients of the parts of the shared module from ``dh (m, b, r)``."""
        return trunk_backward(self.trunk, p, seen, dh, scale)

    # ------------------------------------------------------------ construction

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

    # ------------------------------------------------------------------ update

    def advance(self, rounds: int) -> None:
        """Train all runs up to the end of round ``rounds``."""
        lengths = self.planner.lengths(self.runs, self.rounds, rounds)
        if (np.diff(lengths) > 0).any():
            self.select(np.argsort(-lengths, kind="stable"))
        segment = self.planner.segment(self.runs, self.rounds, rounds)
        most = max(segment.before) + len(segment.active)
        if most > len(self.corrections.rate):
            self._extend(2 * most)
        self.segment = segment
        self._plan_rates()
        for e in range(len(segment.active)):
            if self.stop and self.stop.is_set():
                raise CancelledError
            self._update(e)
        self.rounds = rounds

    def _plan_rates(self) -> None:
        """Learning rates and eps of every update of the segment, for each run and for each lane."""
        count, at = self.segment.count, self.corrections.at
        steps = np.arange(len(self.segment.active))[:, None] + np.array(self.segment.before)
        self.trunk_rates = at(self._put(steps), self.lr)
        self.head_rates = at(count, self._by_lane(self.lr_heads))
        if self.form:
            self.align_rates = at(count, self._by_lane(self.lr_align))

    def _by_lane(self, column: Tensor) -> Tensor:
        """``(n, ...)`` of runs to ``(n * L, ...)`` of their lanes."""
        return column if self.L == 1 else column.repeat_interleave(self.L, 0)

    def _extend(self, updates: int) -> None:
        self.corrections = adam.corrections(updates, self.device)

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

    def _update(self, e: int) -> None:
        """Update ``e`` of the segment: one optimiser step of every run that has it.

        With alignment two, on the same batch: one of ``A_i`` (and ``B``, unless it is frozen), and
        from there one of ``R_i`` (W Algorithm 1, step 2).
        """
        self.e = e
        at = self._batch()
        self._step(at)
        if self.form:
            self._turn(at)

    def active(self) -> int:
        """Runs that take part in the present update."""
        return self.segment.active[self.e]

    def _batch(self) -> _Batch:
        segment, n, L = self.segment, self.active(), self.L
        lanes = n * L
        batch, head = segment.batch[self.e, :lanes], segment.head[self.e, :lanes]
        rows = segment.rows.index_select(0, batch)
        weights = segment.shares.index_select(0, batch).unsqueeze(1)
        if self.weighted:
            weights = weights * self.weights.index_select(0, head).view(-1, 1, 1)
        if self.uncertain:
            shrunk = torch.exp(-self.p["s"].index_select(0, head))
            weights = weights * shrunk * self.halves.index_select(0, head).view(-1, 1, 1)
        x = self.inputs(rows.view(lanes if self.form else n, -1))
        if segment.label_rows is not segment.rows:
            rows = segment.label_rows.index_select(0, batch)
        return _Batch(n, lanes, head, x, self.batch_labels(rows, head), weights)

    def _step(self, at: _Batch) -> None:
        """Move the heads and the shared module (and the weights of the losses)."""
        n, lanes = at.n, at.lanes
        p, scale = self._seen_trunk(at)
        seen, A, logits, dlogits = self._outputs(at, p, scale)
        h = seen.h.view(lanes, -1, self.r + 1)
        dA = torch.bmm(dlogits.transpose(1, 2), h).transpose(1, 2).contiguous()
        if self.moving:
            gradients = self._back(p, scale, seen, A, dlogits)
            if self.form:
                parts = {name: self._of_slots(at, self.p[name]) for name in self._parts}
                gradients["B"] = align.to_trunk(self.form, parts, gradients["B"])
                gradients = {
                    k: g.view(n, self.L, *g.shape[1:]).sum(1) for k, g in gradients.items()
                }
            self._move_trunk(n, gradients)
        self._move_heads(at, A, dA)
        if self.uncertain:
            s = self._of_slots(at, self.p["s"])
            ds = 0.5 - lane_losses(logits, at.labels, at.weights)
            self._move_slots(at, "s", s, ds, self.head_rates)

    def _turn(self, at: _Batch) -> None:
        """Move the alignment matrices."""
        p, scale = self._seen_trunk(at)
        seen, A, _, dlogits = self._outputs(at, p, scale)
        M = self._back(p, scale, seen, A, dlogits)["B"]
        parts = {name: self._of_slots(at, self.p[name]) for name in self._parts}
        B = self._by_lane(self.p["B"][: at.n])
        for name, g in align.to_parts(self.form, parts, B, M).items():
            if self.decays:
                parts[name].mul_(self._by_lane(self.keep_align[: at.n]))
            self._move_slots(at, name, parts[name], g, self.align_rates)

    @property
    def _parts(self) -> tuple[str, ...]:
        return align.FORMS[self.form]

    def _seen_trunk(self, at: _Batch) -> tuple[Parameters, Tensor | None]:
        """Shared modules as the batches see them, and scales: one a run, or a lane if aligned."""
        p = {name: self.p[name][: at.n] for name in self.shared}
        scale = None if self.scale is None else self.scale[: at.n]
        if not self.form:
            return p, scale
        p = {name: self._by_lane(value) for name, value in p.items()}
        scale = None if scale is None else self._by_lane(scale)
        parts = {name: self._of_slots(at, self.p[name]) for name in self._parts}
        return p | {"B": align.aligned(self.form, parts, p["B"])}, scale

    def _outputs(
        self, at: _Batch, p: Parameters, scale: Tensor | None
    ) -> tuple[Pass, Tensor, Tensor, Tensor]:
        """The forward pass: shared module, heads, logits, and the gradient of the logits."""
        seen = self.forward(p, at.x, scale)
        h = seen.h.view(at.lanes, -1, self.r + 1)
        A = self._of_slots(at, self.p["A"])
        logits = head_outputs(h, A)
        dlogits = gradient(logits, at.labels, at.weights).transpose(1, 2)
        return seen, A, logits, dlogits

    def _back(
        self, p: Parameters, scale: Tensor | None, seen: Pass, A: Tensor, dlogits: Tensor
    ) -> Parameters:
        dh = torch.bmm(dlogits, A[:, :-1].transpose(1, 2)).view(len(seen.h), -1, self.r)
        return self.backward(p, seen, dh, scale)

    def batch_labels(self, rows: Tensor, head: Tensor) -> Labels:
        """Labels of ``rows (lanes, b)`` as the losses of the slots ``head (lanes,)`` see them."""
        codes = self.data.codes.index_select(0, rows.view(-1)).view(rows.shape)
        if self.only_classes:
            return Labels(codes)
        kinds, widths = self.kinds.index_select(0, head), self.widths.index_select(0, head)
        picked = self.data.values.index_select(0, rows.view(-1))
        values = codes.new_zeros((*rows.shape, self.c), dtype=torch.float32)
        width = min(self.c, picked.shape[1])
        values[..., :width] = picked.view(*rows.shape, -1)[..., :width]
        values.sub_(self.shift.index_select(0, head)).mul_(self.over.index_select(0, head))
        return Labels(codes, values.transpose(1, 2), kinds, widths)

    def _move_trunk(self, n: int, gradients: Parameters) -> None:
        rate, eps = (column[self.e, :n] for column in self.trunk_rates)
        for name, g in gradients.items():
            p = self.p[name][:n]
            if self.decays and name in self.decayed:
                p.mul_(self.keep[:n])
            adam.step(p, g, self.m[name][:n], self.v[name][:n], rate, eps)

    def _move_heads(self, at: _Batch, A: Tensor, dA: Tensor) -> None:
        if self.decays:
            A[:, :-1].mul_(self._by_lane(self.keep_heads[: at.n]))
        self._move_slots(at, "A", A, dA, self.head_rates)

    def _of_slots(self, at: _Batch, values: Tensor) -> Tensor:
        """The part of this update's slots: a copy, or a view where all slots take part."""
        return values[: at.lanes] if self.every_head else values.index_select(0, at.head)

    def _move_slots(
        self, at: _Batch, name: str, p: Tensor, g: Tensor, rates: tuple[Tensor, Tensor]
    ) -> None:
        """Only parts of this update's slots move; the others and their moments do not.

        ``p`` is what ``_of_slots`` gave; ``rates`` are learning rates and eps ``(E, lanes, 1, 1)``.
        """
        rate, eps = (column[self.e, : at.lanes] for column in rates)
        m, v = self._of_slots(at, self.m[name]), self._of_slots(at, self.v[name])
        adam.step(p, g, m, v, rate, eps)
        if self.every_head:
            return
        for target, part in ((self.p[name], p), (self.m[name], m), (self.v[name], v)):
            target.index_copy_(0, at.head, part)
