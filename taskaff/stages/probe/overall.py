"""The mean over all tasks of a mix: each task's gain in units of what a constant loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from taskaff.core.records.probe import PairOutcome, SeedGain
from taskaff.stages.probe.comparison import paired
from taskaff.stages.probe.metrics import MAIN
from taskaff.stages.probe.prepare import Prepared

ALL = "all"
"""Target of the outcome over all tasks."""

NOTE = (
    "overall: mean over tasks of each task's gain as a share of the held-out loss of a constant "
    "(label frequencies or mean); its losses, and the margin, are in that unit"
)


def overall(
    prepared: Prepared,
    pairs: Sequence[PairOutcome],
    constants: Mapping[tuple[int, int], float],
) -> PairOutcome:
    """Mean over tasks, each task's losses relative to that of a constant.

    Not relative to its own: a task that is nearly solved would decide the mean alone.

    Parameters
    ----------
    found : one comparison of each task, in their order.
    constants : held-out loss of a constant predictor, by seed number and task.
    """
    settings, tasks = prepared.settings, prepared.tasks
    kinds = {MAIN[task.schema.kind] for task in tasks}
    metric = kinds.pop() if len(kinds) == 1 else "mean of main metrics"
    of_each = [{seed.seed: seed for seed in pair.seeds} for pair in pairs]
    seeds = [
        _mean([gains[seed] for gains in of_each], [constants[n, i] for i in range(len(tasks))])
        for n, seed in enumerate(settings.seeds)
        if all(seed in gains for gains in of_each)
    ]
    unusable = [pair.verdict.reason for pair in pairs if pair.gain.mean is None]
    words = pairs[0].against, pairs[0].arm
    return paired(settings, (tasks[-1].name, ALL), metric, seeds, unusable, words)


def _mean(same: Sequence[SeedGain], constants: Sequence[float]) -> SeedGain:
    return replace(
        same[0],
        stl_loss=_relative([s.stl_loss for s in same], constants),
        mtl_loss=_relative([s.mtl_loss for s in same], constants),
        stl_metric=float(np.mean([s.stl_metric for s in same])),
        mtl_metric=float(np.mean([s.mtl_metric for s in same])),
        constant_loss=1.0,
        test_rows=None,
        predicted=None,
    )


def _relative(losses: Sequence[float], constants: Sequence[float]) -> float:
    shares = [x / c if c > 0 else float("nan") for x, c in zip(losses, constants, strict=True)]
    return float(np.mean(shares))
