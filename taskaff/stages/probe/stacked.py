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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import adam, align
from taskaff.stages.probe.losses import Labels, gradient, lane_losses
from taskaff.stages.probe.model import (
    DECAYED,
    Parameters,
    Pass,
    head_outputs,
    trunk_backward,
    trunk_forward,
)
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.run_arrays import RunArrays
from taskaff.stages.probe.segment import Planner
from taskaff.stages.probe.training_data import TrainingData


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


class Chunk(RunArrays):
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
        super().__init__(data, runs)
        self.trunk = runs[0].trunk
        self.L = self.S if runs[0].together else 1
        self.planner = Planner(runs, self.S, self.L, self.device)
        self.rounds = 0
        self.every_head = self.S == self.L
        self.corrections = adam.corrections(1024, self.device)

    # ------------------------------------------------------- what a trunk is

    def inputs(self, rows: Tensor) -> Any:
        """What the trunk reads of rows ``(m, b)``."""
        return self.data.X.index_select(0, rows.view(-1)).view(*rows.shape, self.d)

    def forward(self, p: Parameters, x: Any, scale: Tensor | None) -> Pass:
        """The shared module's outputs ``h (m, b, r + 1)``, the last column being ones."""
        return trunk_forward(self.trunk, p, x, scale)

    def backward(self, p: Parameters, seen: Pass, dh: Tensor, scale: Tensor | None) -> Parameters:
        """Gradients of the parts of the shared module from ``dh (m, b, r)``."""
        return trunk_backward(self.trunk, p, seen, dh, scale)

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
