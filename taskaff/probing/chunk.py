"""A chunk: runs that are trained together, as stacked arrays, and one update of all of them.

``R`` runs, ``S`` slots (padded to the most), ``L`` lanes a run: one batch an update, or with joint
sampling one for every slot. Runs stand in order of falling ``steps``, so that those still in
training are a leading part, and one that is over is not touched again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.probing import adam
from taskaff.probing.bank import Bank
from taskaff.probing.batches import batch_table, ordinals, slot_sequence
from taskaff.probing.losses import CLASSES, REGRESSION, Labels, gradient
from taskaff.probing.model import (
    DECAYED,
    NEVER,
    TRUNKS,
    Parameters,
    initial_state,
    trunk_backward,
    trunk_forward,
)
from taskaff.probing.records import Run, Slot

if TYPE_CHECKING:
    from taskaff.probing.records import Floats, Ints


class Chunk:
    """Parameters, optimiser state and batch plan of ``R`` runs of one trunk and sampling kind."""

    def __init__(self, bank: Bank, runs: Sequence[Run]) -> None:
        self.bank, self.runs = bank, runs
        self.device = bank.X.device
        self.trunk = runs[0].trunk
        self.S = max(len(run.slots) for run in runs)
        self.L = self.S if runs[0].sampling == "joint" else 1
        self.r = max(run.r for run in runs)
        self.c = max(bank.widths[slot.task] for run in runs for slot in run.slots)
        self.steps = np.array([run.steps for run in runs])
        self.t = 0
        self._initialise()
        self._rates()
        self._labels()
        self._plan()

    # ------------------------------------------------------------ construction

    def _initialise(self) -> None:
        """Initial weights of every run, padded, and the optimiser's zeros."""
        R, S, r, c = len(self.runs), self.S, self.r, self.c
        shapes = {"B": (self.bank.d, r), "b": (1, r), "B2": (r, r), "b2": (1, r)}
        host = {name: np.zeros((R, *shapes[name]), np.float32) for name in TRUNKS[self.trunk]}
        heads = np.zeros((R * S, r + 1, c), np.float32)
        for i, run in enumerate(self.runs):
            widths = tuple(self.bank.widths[slot.task] for slot in run.slots)
            state = initial_state(run, self.bank.d, widths)
            for name, array in host.items():
                value = state[name]
                array[i, : value.shape[0], : value.shape[1]] = value
            for s, (slot, wide) in enumerate(zip(run.slots, widths, strict=True)):
                head = heads[i * S + s]
                head[: run.r, :wide], head[r, :wide] = state[f"A{s}"][:-1], state[f"A{s}"][-1]
                if self.bank.kinds[slot.task] != REGRESSION:
                    head[r, wide:] = NEVER
        self.p: Parameters = {name: self._put(array) for name, array in host.items()}
        self.p["A"] = self._put(heads)
        self.m = {name: torch.zeros_like(value) for name, value in self.p.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.p.items()}

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
        self.decays = any(decay)
        self.one_rate = moving[0] if len(set(moving)) == 1 else None
        unit = all(run.scale == 1.0 for run in runs)
        self.scale = None if unit else column([run.scale for run in runs])
        self.corrections = adam.corrections(int(self.steps.max()), self.device)

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
                at, c = i * self.S + s, self.bank.widths[slot.task]
                kinds[at], widths[at] = self.bank.kinds[slot.task], c
                weights[at] = slot.weight
                if kinds[at] == REGRESSION:
                    key = (slot.task, id(slot.train))
                    if key not in known:
                        known[key] = self.bank.moments(slot.task, slot.train)
                    mean, deviation = known[key]
                    shift[at, 0, :c], over[at, 0, :c] = mean, 1 / deviation
        self.only_classes = bool((kinds == CLASSES).all())
        self.weighted = bool((weights != 1).any())
        self.kinds = self._put(kinds).view(-1, 1, 1)
        self.widths, self.weights = self._put(widths).view(-1, 1, 1), self._put(weights)
        self.shift, self.over = self._put(shift), self._put(over)

    def _plan(self) -> None:
        """For every update and lane: the batch, the head it trains, and that head's step count."""
        R, T, S, L = len(self.runs), int(self.steps.max()), self.S, self.L
        batch = np.zeros((T, R, L), np.int64)
        head = np.broadcast_to(np.arange(R)[:, None] * S + np.arange(L), (T, R, L)).copy()
        count = np.zeros((T, R, L), np.int64)
        tables = _Tables(self.runs[0].batch)
        for i, run in enumerate(self.runs):
            sequences = [np.full(run.steps, s) for s in range(S)] if L > 1 else [slot_sequence(run)]
            for lane, sequence in enumerate(sequences):
                order = ordinals(sequence, len(run.slots))
                head[: run.steps, i, lane] = i * S + sequence
                count[: run.steps, i, lane] = order
                for s, slot in enumerate(run.slots):
                    here = np.flatnonzero(sequence == s)
                    tables.ask(slot, run.seed, len(here), (here, i, lane))
        rows, shares = tables.fill(batch, count)
        self.rows, self.shares = self._put(rows), self._put(shares)
        self.batch = self._put(batch.reshape(T, R * L))
        self.head = self._put(head.reshape(T, R * L))
        self.count = self._put(count.reshape(T, R * L))
        self.every_head = S == L

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    # ------------------------------------------------------------------ update

    def active(self) -> int:
        """Runs that are still in training."""
        return int((self.steps > self.t).sum())

    def update(self) -> None:
        """One optimiser step of every active run."""
        n, L = self.active(), self.L
        lanes = n * L
        batch, head = self.batch[self.t, :lanes], self.head[self.t, :lanes]
        rows = self.rows.index_select(0, batch)
        weights = self.shares.index_select(0, batch).unsqueeze(1)
        if self.weighted:
            weights = weights * self.weights.index_select(0, head).view(-1, 1, 1)
        x = self.bank.X.index_select(0, rows.view(-1)).view(n, -1, self.bank.d)
        p = {name: self.p[name][:n] for name in TRUNKS[self.trunk]}
        scale = None if self.scale is None else self.scale[:n]
        seen = trunk_forward(self.trunk, p, x, scale)
        h = seen.h.view(lanes, -1, self.r + 1)
        A = self.p["A"][:lanes] if self.every_head else self.p["A"].index_select(0, head)
        logits = torch.bmm(A.transpose(1, 2), h.transpose(1, 2))
        dlogits = gradient(logits, self._batch_labels(rows, head), weights).transpose(1, 2)
        dA = torch.bmm(h.transpose(1, 2), dlogits)
        dh = torch.bmm(dlogits, A[:, :-1].transpose(1, 2)).view(n, -1, self.r)
        gradients = trunk_backward(self.trunk, p, seen, dh, scale)
        self._move_trunk(n, gradients)
        self._move_heads(n, head, A, dA)
        self.t += 1

    def _batch_labels(self, rows: Tensor, head: Tensor) -> Labels:
        codes = self.bank.codes.index_select(0, rows.view(-1)).view(rows.shape)
        if self.only_classes:
            return Labels(codes)
        kinds, widths = self.kinds.index_select(0, head), self.widths.index_select(0, head)
        found = self.bank.values.index_select(0, rows.view(-1))
        values = codes.new_zeros((*rows.shape, self.c), dtype=torch.float32)
        width = min(self.c, found.shape[1])
        values[..., :width] = found.view(*rows.shape, -1)[..., :width]
        values.sub_(self.shift.index_select(0, head)).mul_(self.over.index_select(0, head))
        return Labels(codes, values.transpose(1, 2), kinds, widths)

    def _move_trunk(self, n: int, gradients: Parameters) -> None:
        eps, correction = self.corrections.plain[self.t]
        rate: Tensor | float = self.lr[:n] * correction
        if self.one_rate is not None:
            rate = self.one_rate * correction
        for name, g in gradients.items():
            p = self.p[name][:n]
            if self.decays and name in DECAYED:
                p.mul_(self.keep[:n])
            adam.step(p, g, self.m[name][:n], self.v[name][:n], rate, eps)

    def _move_heads(self, n: int, head: Tensor, A: Tensor, dA: Tensor) -> None:
        """Only the heads of this update's tasks move; the others and their moments stand still."""
        lanes = n * self.L
        count = self.count[self.t, :lanes]
        rate = self.corrections.rate.index_select(0, count).view(-1, 1, 1)
        eps = self.corrections.eps.index_select(0, count).view(-1, 1, 1)
        rate = rate * self.lr_heads[:n].repeat_interleave(self.L, 0)
        if self.decays:
            A[:, :-1].mul_(self.keep_heads[:n].repeat_interleave(self.L, 0))
        if self.every_head:
            adam.step(A, dA, self.m["A"][:lanes], self.v["A"][:lanes], rate, eps)
            return
        m, v = self.m["A"].index_select(0, head), self.v["A"].index_select(0, head)
        adam.step(A, dA, m, v, rate, eps)
        for whole, part in ((self.p["A"], A), (self.m["A"], m), (self.v["A"], v)):
            whole.index_copy_(0, head, part)


class _Tables:
    """Batch tables of a chunk: each slot's batches once, however many runs use them."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.asked: dict[tuple[str, int, int], tuple[Slot, int, int]] = {}
        self.uses: list[tuple[tuple[str, int, int], tuple[Ints, int, int]]] = []

    def ask(self, slot: Slot, seed: int, count: int, use: tuple[Ints, int, int]) -> None:
        """Note that ``use`` (updates, run, lane) takes the first ``count`` batches of a slot."""
        if not count:
            return
        key = (slot.stream, seed, id(slot.train))
        known = self.asked.get(key, (slot, seed, 0))
        self.asked[key] = (slot, seed, max(count, known[2]))
        self.uses.append((key, use))

    def fill(self, batch: Ints, count: Ints) -> tuple[Ints, np.ndarray]:
        """Write table rows into ``batch``; return all tables and each row's share of a batch."""
        starts, tables, sizes, at = {}, [], [], 0
        for key, (slot, seed, need) in self.asked.items():
            table, size = batch_table(slot, seed, self.width, need)
            starts[key], at = at, at + need
            tables.append(table)
            sizes.append(size)
        for key, (here, run, lane) in self.uses:
            batch[here, run, lane] = starts[key] + count[here, run, lane]
        size = np.concatenate(sizes)[:, None]
        shares = np.where(np.arange(self.width) < size, 1.0 / size, 0.0).astype(np.float32)
        return np.concatenate(tables), shares
