"""Transference: what a step on task i does to task j (T; TAG, Fifty et al. 2021, equation 1).

Every ``every``-th update of a run, from its present weights ``s``: a plain gradient step on the
shared module with task i's loss alone, ``s' = s - lr * dL_i/ds`` (no momentum, heads fixed), and
``Z_ij = 1 - L_j(s') / L_j(s)`` on held-out rows of j. ``Z_jj`` is the yardstick. It is averaged
over the updates of a run. Nothing of the run is touched: lookahead batches come from streams of
their own, and the steps are taken on copies. TAG uses the training batch of both tasks; here i's
batch is a training batch and j's a batch of validation rows. Weights of losses are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.probing.batches import batch_table
from taskaff.probing.capacity import ALL, mix_run, mix_slots
from taskaff.probing.chunk import Chunk
from taskaff.probing.losses import Labels, gradient, lane_losses
from taskaff.probing.model import TRUNKS, Parameters, trunk_backward, trunk_forward
from taskaff.probing.prepare import prepare
from taskaff.probing.records import (
    PairOutcome,
    ProbeSettings,
    Progress,
    Run,
    Sampling,
    Slot,
    TransferenceRow,
)
from taskaff.probing.verdict import t_interval
from taskaff.records import TaskVectors

if TYPE_CHECKING:
    from taskaff.probing.records import Floats, Ints

WINDOWS = 10
"""Parts of training over which the mean is shown."""

Found = dict[tuple[Any, ...], "Floats"]
"""Key of a run to ``Z (measurements, slots, slots)``; NaN where j is not judged."""


class Watch:
    """Measures the runs that ``chosen`` picks, in whatever chunks they come; not aligned ones."""

    def __init__(self, every: int, chosen: Callable[[Run], bool]) -> None:
        self.every, self.chosen = every, chosen
        self.found: Found = {}

    def __call__(self, chunk: Chunk) -> Callable[[], None] | None:
        """What to call before every update of a chunk."""
        numbers = [i for i, run in enumerate(chunk.runs) if self.chosen(run) and not run.align]
        return _Lookahead(chunk, numbers, self.every, self.found).before_update if numbers else None


class _Lookahead:
    """The chosen runs of one chunk."""

    def __init__(self, chunk: Chunk, numbers: Sequence[int], every: int, found: Found) -> None:
        self.chunk, self.numbers, self.every, self.found = chunk, numbers, every, found
        runs = [chunk.runs[i] for i in numbers]
        self.judged = [s for s in range(chunk.S) if any(_judged(run, s) for run in runs)]
        for run in runs:
            shape = -(-run.steps // every), len(run.slots), len(run.slots)
            found[run.key] = np.full(shape, np.nan)
        self.train_batches = _Batches(chunk, runs, range(chunk.S), every, "train")
        self.held_out = _Batches(chunk, runs, self.judged, every, "validation")
        lr = torch.tensor([run.lr for run in runs], dtype=torch.float32, device=chunk.device)
        self.lr = lr.view(-1, 1, 1)

    def before_update(self) -> None:
        """Measure when it is time."""
        chunk = self.chunk
        if chunk.t % self.every:
            return
        active = chunk.active()
        runs = [i for i in self.numbers if i < active]
        if not runs:
            return
        at = torch.tensor(runs, device=chunk.device)
        Z = self._measure(chunk.t // self.every, at).cpu().numpy()
        for k, i in enumerate(runs):
            run = chunk.runs[i]
            into = self.found[run.key][chunk.t // self.every]
            for column, j in enumerate(self.judged):
                if _judged(run, j):
                    into[:, j] = Z[k, : len(run.slots), column]

    def _measure(self, m: int, at: Tensor) -> Tensor:
        """``(runs, slots, judged slots)``."""
        chunk, n = self.chunk, len(at)
        p = {name: chunk.p[name][at] for name in TRUNKS[chunk.trunk]}
        scale = None if chunk.scale is None else chunk.scale[at]
        heads = chunk.p["A"].view(len(chunk.runs), chunk.S, chunk.r + 1, chunk.c)[at]
        seen = _Seen(chunk, at, self.judged, *self.held_out.at(m, n), heads, scale)
        before = seen.losses(p)
        rows, shares = self.train_batches.at(m, n)
        columns = []
        for s in range(chunk.S):
            batch = _Seen(chunk, at, [s], rows[:, [s]], shares[:, [s]], heads, scale)
            g = batch.gradient(p)
            ahead = {name: value - self.lr[:n] * g[name] for name, value in p.items()}
            columns.append(1.0 - seen.losses(ahead) / before)
        return torch.stack(columns, 1)


class _Seen:
    """One batch of each of some slots, for every run: losses and the gradient of their sum."""

    def __init__(
        self,
        chunk: Chunk,
        at: Tensor,
        slots: Sequence[int],
        rows: Tensor,
        shares: Tensor,
        heads: Tensor,
        scale: Tensor | None,
    ) -> None:
        self.chunk, self.scale = chunk, scale
        self.n, self.k, b = rows.shape
        lanes = self.n * self.k
        self.x = chunk.bank.X[rows.reshape(-1)].view(self.n, self.k * b, -1)
        self.A = heads[:, list(slots)].reshape(lanes, *heads.shape[2:])
        head = (at[:, None] * chunk.S + torch.tensor(slots, device=at.device)).view(-1)
        self.labels: Labels = chunk.batch_labels(rows.reshape(lanes, b), head)
        self.shares = shares.reshape(lanes, 1, b)

    def losses(self, p: Parameters) -> Tensor:
        """``(runs, slots)``."""
        seen = trunk_forward(self.chunk.trunk, p, self.x, self.scale)
        return lane_losses(self._logits(seen.h), self.labels, self.shares).view(self.n, self.k)

    def _logits(self, h: Tensor) -> Tensor:
        h = h.view(self.n * self.k, -1, h.shape[-1])
        return torch.bmm(self.A.transpose(1, 2), h.transpose(1, 2))

    def gradient(self, p: Parameters) -> Parameters:
        """Of the shared module."""
        seen = trunk_forward(self.chunk.trunk, p, self.x, self.scale)
        dlogits = gradient(self._logits(seen.h), self.labels, self.shares).transpose(1, 2)
        dh = torch.bmm(dlogits, self.A[:, :-1].transpose(1, 2))
        dh = dh.view(self.n, -1, dh.shape[-1])
        return trunk_backward(self.chunk.trunk, p, seen, dh, self.scale)


class _Batches:
    """Batches of some slots of all chosen runs at every measurement."""

    def __init__(
        self, chunk: Chunk, runs: Sequence[Run], slots: Sequence[int], every: int, role: str
    ) -> None:
        width, count = runs[0].batch, -(-max(run.steps for run in runs) // every)
        rows = np.zeros((count, len(runs), len(slots), width), np.int64)
        sizes = np.ones((count, len(runs), len(slots)), np.int64)
        known: dict[tuple[object, ...], tuple[Ints, Ints]] = {}
        for i, run in enumerate(runs):
            for k, s in enumerate(slots):
                slot = run.slots[s] if s < len(run.slots) else run.slots[0]
                if role == "validation" and not slot.judged:
                    slot = next(other for other in run.slots if other.judged)
                key = slot.stream, run.seed, id(getattr(slot, role))
                if key not in known:
                    known[key] = _table(slot, run.seed, width, count, role)
                rows[:, i, k], sizes[:, i, k] = known[key]
        self.rows, self.sizes = (torch.from_numpy(a).to(chunk.device) for a in (rows, sizes))
        self.width = torch.arange(width, device=chunk.device)

    def at(self, m: int, n: int) -> tuple[Tensor, Tensor]:
        """Rows and their shares of the loss ``(n, slots, batch)``; active runs stand first."""
        sizes = self.sizes[m, :n, :, None]
        return self.rows[m, :n], (self.width < sizes) / sizes.float()


def _table(slot: Slot, seed: int, width: int, count: int, role: str) -> tuple[Ints, Ints]:
    stream = f"{slot.stream}/lookahead/{role}"
    return batch_table(replace(slot, train=getattr(slot, role), stream=stream), seed, width, count)


def _judged(run: Run, s: int) -> bool:
    return s < len(run.slots) and run.slots[s].judged


# ------------------------------------------------------------------ reading


def pair_rows(
    found: Found,
    pairs: Sequence[PairOutcome],
    numbers: Mapping[str, int],
    settings: ProbeSettings,
) -> tuple[TransferenceRow, ...]:
    """One row a pair, from the runs with the weight decay that the pair's seeds chose."""
    rows = []
    for pair in pairs:
        if (pair.arm, pair.against) != ("mtl", "alone"):
            continue
        at = numbers[pair.source], numbers[pair.target]
        keys = [
            ("mtl", *at, settings.seeds.index(seed.seed), seed.weight_decay[1])
            for seed in pair.seeds
        ]
        series = [(found[key][:, 1, 0], found[key][:, 0, 0]) for key in keys if key in found]
        if series:
            rows.append(_row(pair.source, pair.target, series, settings, "pair"))
    return tuple(rows)


def mix_rows(
    tasks: Sequence[TaskVectors], settings: ProbeSettings, progress: Progress | None = None
) -> tuple[tuple[TransferenceRow, ...], int]:
    """All tasks as targets in one model, at the first weight decay: rows, and runs trained.

    Raises
    ------
    ProbeError : a task of which no training rows, or those of one label, are left.
    """
    prepared = prepare(tasks, replace(settings, sampling=_apart(settings)))
    runs = [
        mix_run(
            prepared,
            (ALL, settings.r, n),
            mix_slots(prepared, n),
            settings.r,
            settings.weight_decay[0],
        )
        for n in range(len(settings.seeds))
    ]
    watch = Watch(settings.transference_every, _every_run)
    prepared.train(runs, progress, watch)
    Z = [watch.found[run.key] for run in runs]
    rows = [
        _row(one.name, other.name, [(z[:, i, j], z[:, j, j]) for z in Z], settings, ALL)
        for i, one in enumerate(tasks)
        for j, other in enumerate(tasks)
        if i != j
    ]
    return tuple(rows), len(runs)


def _every_run(_: Run) -> bool:
    return True


def _apart(settings: ProbeSettings) -> Sampling:
    """Joint sampling needs one set of inputs, which a mix of all tasks need not have."""
    return "mixed" if settings.sampling == "joint" else settings.sampling


def _row(
    source: str,
    target: str,
    seeds: Sequence[tuple[Floats, Floats]],
    settings: ProbeSettings,
    kind: str,
) -> TransferenceRow:
    """From one ``(Z_ij, Z_jj)`` a seed, each a series over measurements."""
    z = [float(np.mean(series)) for series, _ in seeds]
    own = [float(np.mean(series)) for _, series in seeds]
    ratios = [a / b if b > 0 else float("nan") for a, b in zip(z, own, strict=True)]
    parts = min(WINDOWS, *(len(series) for series, _ in seeds))
    curves = [[float(w.mean()) for w in np.array_split(series, parts)] for series, _ in seeds]
    ends = np.cumsum([len(w) for w in np.array_split(seeds[0][0], parts)])
    level = settings.confidence
    return TransferenceRow(
        source,
        target,
        t_interval(z, level),
        t_interval(ratios, level),
        tuple(int(end) * settings.transference_every for end in ends),
        tuple(np.mean(curves, axis=0).tolist()),
        t_interval(own, level),
        kind,
        tuple(tuple(curve) for curve in curves),
    )
