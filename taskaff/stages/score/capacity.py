"""Capacity of the linear shared module (Wu, Zhang and Re, ICLR 2020, section 2.2 and Table 1).

Cross-validated reduced-rank multi-task regression over the capacity ``r``, from signatures alone:
held-out squared error of every task relative to its label variance, averaged over tasks. The
recommendation is the smallest ``r`` within one standard error (over folds) of the best. The same
rule gives each task's own capacity, and their sum the upper bound of the paper's rule of thumb.
Every task keeps the ridge penalty of its single-task model. From ``r`` = number of label columns on
the shared module holds all single-task models, and nothing is transferred (Proposition 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import Capacity, CapacityPoint
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.reduced_rank import Problem, single_task_ranks
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.splits import held_out, moments
from taskaff.stages.score.subspaces import basis

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView


def capacity(views: Sequence[TaskView], settings: ScoreSettings) -> Capacity:
    """Recommended capacity, its curve, and the single-task capacities of the labelled tasks."""
    missing = reasons(views, settings)
    labelled = [v for v, why in zip(views, missing, strict=True) if not why]
    left_out = "; ".join(f"left out: {why}" for why in missing if why)
    turns = [_turn(view) for view in labelled]
    folds = [[_fold(v, t, f) for v, t in zip(labelled, turns, strict=True)] for f in range(FOLDS)]
    single = {
        view.name: _smallest(_curve(list(range(1, turns[i].shape[1] + 1)), _single(folds, i)))
        for i, view in enumerate(labelled)
    }
    bound = sum(single.values()) if single else None
    if len(labelled) < 2:
        note = "capacity needs two labelled tasks"
        return Capacity(None, (), single, bound, "; ".join(filter(None, (note, left_out))))
    columns = sum(turn.shape[1] for turn in turns)
    grid = settings.capacities or capacity_grid(min(columns, labelled[0].width))
    points = _curve(sorted(set(grid)), _shared(folds, sorted(set(grid))))
    best = _smallest(points)
    notes = [left_out] if left_out else []
    if best >= columns:
        notes.insert(0, f"{best} holds all {columns} single-task models: nothing is transferred")
    return Capacity(best, points, single, bound, "; ".join(notes))


def capacity_grid(most: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, 16, 24 ... and ``most`` itself."""
    doubling = [2**power for power in range(most.bit_length())]
    middle = [3 * 2**power for power in range(most.bit_length())]
    return sorted({r for r in (*doubling, *middle) if r < most} | {most})


@dataclass(frozen=True, eq=False)
class _Fold:
    """One task with one fold held out; labels turned to their ``q`` predictable directions."""

    C: Floats
    """``(d, d)`` training covariance plus the task's penalty."""
    S: Floats
    """``(d, q)`` over the square root of the label variance."""
    rows: float
    xx: Floats
    xy: Floats
    yy: float

    def error(self, theta: Floats) -> float:
        """Held-out squared error per row over the label variance; NaN without rows."""
        if not self.rows:
            return float("nan")
        fitted = (theta * (self.xx @ theta - 2.0 * self.xy)).sum()
        return float((self.yy + fitted) / self.rows)


def _turn(view: TaskView) -> Floats:
    """Orthonormal ``(c, q)``: the label directions that the inputs say anything about.

    One-hot columns sum to 1, so ``c`` classes have ``q = c - 1``. The rest of ``Y`` is constant or
    unpredictable, whatever the shared module is, and only adds to the error.
    """
    return basis(model(view).theta.T)


def _fold(view: TaskView, turn: Floats, fold: int) -> _Fold:
    task = model(view)
    train = moments(view.signature, without=fold)
    rows, xx, xy, yy = held_out(view.signature, fold, train)
    unit = np.sqrt(task.variance)
    return _Fold(
        C=train.C + max(task.penalty * train.scale, 1e-300) * np.eye(view.width),
        S=train.S @ turn / unit,
        rows=rows,
        xx=xx,
        xy=xy @ turn / unit,
        yy=yy / task.variance,
    )


def _shared(folds: Sequence[Sequence[_Fold]], grid: Sequence[int]) -> Floats:
    """``(FOLDS, len(grid))`` held-out errors of the shared module, averaged over tasks."""
    errors_by_fold = np.full((len(folds), len(grid)), np.nan)
    for fold, tasks in enumerate(folds):
        held = [task.rows > 0 for task in tasks]
        if not any(held):
            continue
        problem = Problem(np.stack([task.C for task in tasks]), [task.S for task in tasks])
        for column, r in enumerate(grid):
            errors = [t.error(m) for t, m in zip(tasks, problem.models(r), strict=True)]
            errors_by_fold[fold, column] = np.nanmean(errors)
    return errors_by_fold


def _single(folds: Sequence[Sequence[_Fold]], i: int) -> Floats:
    """``(FOLDS, q)`` held-out errors of task ``i`` alone at rank 1 ... ``q``."""
    errors = np.full((len(folds), folds[0][i].S.shape[1]), np.nan)
    for row, tasks in zip(errors, folds, strict=True):
        if tasks[i].rows:
            models = single_task_ranks(tasks[i].C, tasks[i].S)
            row[:] = [tasks[i].error(theta) for theta in models]
    return errors


def _curve(grid: Sequence[int], errors: Floats) -> tuple[CapacityPoint, ...]:
    """Mean over folds, and its standard error."""
    used = errors[np.isfinite(errors).all(axis=1)]
    spread = used.std(axis=0, ddof=1) / np.sqrt(len(used)) if len(used) > 1 else used[0] * 0.0
    return tuple(
        CapacityPoint(int(r), float(e), float(s))
        for r, e, s in zip(grid, used.mean(axis=0), spread, strict=True)
    )


def _smallest(points: Sequence[CapacityPoint]) -> int:
    """The smallest capacity within one standard error of the best."""
    best = min(points, key=lambda point: point.error)
    return next(point.r for point in points if point.error <= best.error + best.stderr)
