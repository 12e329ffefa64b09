"""Transference: what a step on task i does to task j (T; TAG, Fifty et al. 2021, equation 1).

Every ``every``-th round of a run, from its present weights ``s``: a plain gradient step on the
shared module with task i's loss alone, ``s' = s - lr * dL_i/ds`` (no momentum, heads fixed), and
``Z_ij = 1 - L_j(s') / L_j(s)`` on held-out rows of j. ``Z_jj`` is the yardstick. It is averaged
over the updates of a run. Nothing of the run is touched: lookahead batches come from streams of
their own, and the steps are taken on copies. TAG uses the training batch of both tasks; here i's
batch is a training batch and j's a batch of validation rows. Weights of losses are left out. ``Z``
is the difference of two nearly equal losses, so that a lookahead is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.core.recipe import parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, Progress, TransferenceRow
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.batches import SlotBatches
from taskaff.stages.probe.capacity import ALL, mix_runs, mix_slots
from taskaff.stages.probe.evaluate_stacked import Watching
from taskaff.stages.probe.losses import Labels, gradient, lane_losses
from taskaff.stages.probe.model import (
    Parameters,
    head_outputs,
    shared_shapes,
    trunk_backward,
    trunk_forward,
)
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.stacked import Chunk
from taskaff.stages.probe.transference_rows import transference_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats


class Watch:
    """Measures the runs that ``chosen`` picks, in whatever chunks they come; not aligned ones."""

    def __init__(self, every: int, chosen: Callable[[Run], bool]) -> None:
        self.every, self.chosen = every, chosen
        self.measured: dict[tuple[Any, ...], list[Floats]] = {}
        """Key of a run to ``Z (slots, slots)`` after every ``every``-th round; NaN where j is not
        tested."""

    def __call__(self, chunk: Chunk) -> Watching | None:
        """What measures a chunk between its rounds."""
        numbers = [i for i, run in enumerate(chunk.runs) if self.chosen(run) and not run.align]
        return _Lookahead(chunk, numbers, self.every, self.measured) if numbers else None


class _Lookahead:
    """The chosen runs of one chunk."""

    def __init__(
        self,
        chunk: Chunk,
        numbers: Sequence[int],
        every: int,
        measured: dict[tuple[Any, ...], list[Floats]],
    ) -> None:
        self.chunk, self.every, self.measured = chunk, every, measured
        self.next_round = 0
        runs = [chunk.runs[i] for i in numbers]
        self.chosen = {run.key for run in runs}
        self.tested = [s for s in range(chunk.S) if any(_is_tested(run, s) for run in runs)]
        measured |= {run.key: [] for run in runs}
        self.batches: dict[tuple[object, ...], SlotBatches] = {}

    def measure(self, training: NDArray[np.bool_]) -> None:
        """Measure every chosen run that is still in training."""
        chunk, m = self.chunk, self.next_round // self.every
        self.next_round += self.every
        places = [i for i in np.flatnonzero(training) if chunk.runs[i].key in self.chosen]
        if not places:
            return
        runs = [chunk.runs[i] for i in places]
        Z = self._measure(m, runs, torch.tensor(places, device=chunk.device)).cpu().numpy()
        for k, run in enumerate(runs):
            into = np.full((len(run.slots), len(run.slots)), np.nan)
            for column, j in enumerate(self.tested):
                if _is_tested(run, j):
                    into[:, j] = Z[k, : len(run.slots), column]
            self.measured[run.key].append(into)

    def _measure(self, m: int, runs: Sequence[Run], at: Tensor) -> Tensor:
        """``(runs, slots, tested slots)``."""
        chunk = self.chunk
        shared = shared_shapes(chunk.trunk, chunk.d, chunk.r)
        p = {name: _exact(chunk.p[name][at]) for name in shared}
        scale = None if chunk.scale is None else _exact(chunk.scale[at])
        heads = _exact(chunk.p["A"].view(len(chunk.runs), chunk.S, chunk.r + 1, chunk.c)[at])
        held_out = self._batches(m, runs, self.tested, "validation")
        seen = _Seen(chunk, at, self.tested, *held_out, heads, scale)
        before = seen.losses(p)
        rows, shares = self._batches(m, runs, range(chunk.S), "train")
        lr = _exact(torch.tensor([run.lr for run in runs], device=chunk.device)).view(-1, 1, 1)
        columns = []
        for s in range(chunk.S):
            batch = _Seen(chunk, at, [s], rows[:, [s]], shares[:, [s]], heads, scale)
            g = batch.gradient(p)
            ahead = {name: value - lr * g[name] for name, value in p.items()}
            columns.append(1.0 - seen.losses(ahead) / before)
        return torch.stack(columns, 1)

    def _batches(
        self, m: int, runs: Sequence[Run], slots: Sequence[int], role: str
    ) -> tuple[Tensor, Tensor]:
        """Rows of the ``m``-th batches and their shares of the loss, ``(runs, slots, batch)``."""
        width = runs[0].batch
        rows = np.zeros((len(runs), len(slots), width), np.int64)
        sizes = np.ones((len(runs), len(slots)), np.int64)
        for i, run in enumerate(runs):
            for k, s in enumerate(slots):
                slot = run.slots[s] if s < len(run.slots) else run.slots[0]
                if role == "validation" and not slot.tested:
                    slot = next(other for other in run.slots if other.tested)
                table, _, size = self._known(slot, run, role).take(m, m + 1)
                rows[i, k], sizes[i, k] = table[0], size[0]
        shares = (np.arange(width) < sizes[..., None]) / sizes[..., None]
        return torch.from_numpy(rows).to(self.chunk.device), torch.from_numpy(shares)

    def _known(self, slot: Slot, run: Run, role: str) -> SlotBatches:
        key = slot.stream, run.seed, role, id(getattr(slot, role))
        if key not in self.batches:
            stream = f"{slot.stream}/lookahead/{role}"
            own = replace(slot, train=getattr(slot, role), stream=stream, labels=None)
            self.batches[key] = SlotBatches(own, run)
        return self.batches[key]


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
        self.x = _exact(chunk.data.X[rows.reshape(-1)]).view(self.n, self.k * b, -1)
        self.A = heads[:, list(slots)].reshape(lanes, *heads.shape[2:])
        head = (at[:, None] * chunk.S + torch.tensor(slots, device=at.device)).view(-1)
        self.labels = _exact_labels(chunk.batch_labels(rows.reshape(lanes, b), head))
        self.shares = shares.reshape(lanes, 1, b).to(self.x.device)

    def losses(self, p: Parameters) -> Tensor:
        """``(runs, slots)``."""
        seen = trunk_forward(self.chunk.trunk, p, self.x, self.scale)
        return lane_losses(self._logits(seen.h), self.labels, self.shares).view(self.n, self.k)

    def _logits(self, h: Tensor) -> Tensor:
        h = h.view(self.n * self.k, -1, h.shape[-1])
        return head_outputs(h, self.A)

    def gradient(self, p: Parameters) -> Parameters:
        """Of the shared module."""
        seen = trunk_forward(self.chunk.trunk, p, self.x, self.scale)
        dlogits = gradient(self._logits(seen.h), self.labels, self.shares).transpose(1, 2)
        dh = torch.bmm(dlogits, self.A[:, :-1].transpose(1, 2))
        dh = dh.view(self.n, -1, dh.shape[-1])
        return trunk_backward(self.chunk.trunk, p, seen, dh, self.scale)


def _exact(values: Tensor) -> Tensor:
    """In float64, on the processor where the device has none."""
    device = "cpu" if values.device.type == "mps" else values.device
    return values.to(device).to(torch.float64)


def _exact_labels(labels: Labels) -> Labels:
    if labels.values is None or labels.kinds is None or labels.widths is None:
        return labels
    values, widths = _exact(labels.values), _exact(labels.widths)
    return Labels(labels.codes.to(values.device), values, labels.kinds.to(values.device), widths)


def _is_tested(run: Run, s: int) -> bool:
    return s < len(run.slots) and run.slots[s].tested


# ------------------------------------------------------------------ reading


def pair_rows(
    measured: Mapping[tuple[Any, ...], Sequence[Floats]],
    pairs: Sequence[PairOutcome],
    numbers: Mapping[str, int],
    settings: ProbeSettings,
) -> tuple[TransferenceRow, ...]:
    """One row a pair, from the runs with the weight decay that the pair's seeds chose."""
    rows = []
    for pair in pairs:
        if (pair.arm, pair.against, pair.recipe) != ("mtl", "alone", settings.recipes[0]):
            continue
        at = numbers[pair.source], numbers[pair.target]
        keys = [
            ("mtl", *at, settings.seeds.index(seed.seed), seed.weight_decay[1])
            for seed in pair.seeds
        ]
        Z = [np.array(measured[key]) for key in keys if key in measured]
        series = [(z[:, 1, 0], z[:, 0, 0]) for z in Z]
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
    first = parse(settings.recipes[0])
    recipe = "turns" if first.together else str(first)  # which needs one set of inputs
    decay = settings.weight_decay[:1]
    prepared = prepare(
        tasks, replace(settings, recipes=(recipe,), weights="equal", weight_decay=decay)
    )
    runs = [
        run
        for n in range(len(settings.seeds))
        for run in mix_runs(prepared, (ALL, settings.r, n), mix_slots(prepared, n), settings.r)
    ]
    watch = Watch(settings.transference_every, lambda _: True)
    prepared.train(runs, progress, watch)
    Z = [np.array(watch.measured[run.key]) for run in runs]
    rows = [
        _row(one.name, other.name, [(z[:, i, j], z[:, j, j]) for z in Z], settings, ALL)
        for i, one in enumerate(tasks)
        for j, other in enumerate(tasks)
        if i != j
    ]
    return tuple(rows), len(runs)


def _row(
    source: str,
    target: str,
    seeds: Sequence[tuple[Floats, Floats]],
    settings: ProbeSettings,
    kind: str,
) -> TransferenceRow:
    return transference_row(source, target, seeds, kind, settings, settings.confidence)
