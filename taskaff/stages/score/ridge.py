"""The single-task linear model of each task: ridge regression chosen by cross-validation.

Wu, Zhang and Re (ICLR 2020), section 2.2: ``theta = (X'X)^+ X'y``. Deviations: inputs and labels
are centred, so that a task's average text is no part of its model; and a ridge penalty, chosen by
4-fold cross-validation, since a few hundred rows in 50 or more dimensions fit noise without one.
The penalty is in units of the mean eigenvalue of the task's own covariance: the choice does not
change with the scale of the inputs, with zero-padding, or with what the task is compared to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from taskaff.stages.score.splits import PENALTIES, moments, ridge, splits

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature
    from taskaff.core.settings import ScoreSettings
    from taskaff.stages.score.task_statistics import TaskView


@dataclass(frozen=True, eq=False)
class Ridge:
    """Ridge model of a task, on all rows and without each fold, with its held-out errors."""

    level: int
    """Index of the chosen penalty in ``PENALTIES``."""
    theta: Floats
    """``(d, c)``."""
    without: Floats
    """``(FOLDS, d, c)`` model without each fold, same penalty; ``theta`` where a fold is empty."""
    variance: float
    """Label variance, summed over columns."""
    fold_errors: Floats
    """``(FOLDS,)`` held-out squared error per row over ``variance``; NaN where a fold is empty."""
    error: float
    """``fold_errors`` over all rows: about 1 when the inputs say nothing about the labels."""

    @property
    def penalty(self) -> float:
        """Chosen penalty, in units of the mean eigenvalue."""
        return float(PENALTIES[self.level])


def fit(signature: TaskSignature) -> Ridge:
    """Fit the ridge model of a labelled task whose labels and inputs vary in two folds or more."""
    total_moments = moments(signature)
    parts = list(splits(signature))
    errors = np.array([part.errors() for part in parts])
    level = int(np.argmin(errors.sum(axis=0)))
    theta = ridge(total_moments.C, total_moments.S, PENALTIES[level] * total_moments.scale)
    without = np.repeat(theta[None], len(signature.n), axis=0)
    fold_errors = np.full(len(signature.n), np.nan)
    for part, error in zip(parts, errors, strict=True):
        without[part.fold] = part.model(level)
        fold_errors[part.fold] = error[level] / (part.n * total_moments.variance)
    total = float(errors[:, level].sum() / (total_moments.n * total_moments.variance))
    return Ridge(level, theta, without, total_moments.variance, fold_errors, total)


def reason(view: TaskView, settings: ScoreSettings) -> str:
    """Why a task has no linear model, or an empty string."""
    s, name = view.signature, repr(view.name)
    if s.schema.kind == "none" or s.sy.shape[1] == 0:
        return f"{name} has no labels"
    if view.rows < settings.min_rows:
        return f"{name} has {view.rows} rows, fewer than {settings.min_rows}"
    if np.count_nonzero(s.n) < 2:
        return f"{name} repeats one row: there is nothing to hold out"
    if not view.variances.any():
        return f"inputs of {name} do not vary"
    if view not in _MODELS and not moments(s).variance > 0:
        return f"labels of {name} do not vary"
    if not model(view).theta.any():
        return f"labels of {name} are uncorrelated with every input column"
    return ""


def reasons(views: Sequence[TaskView], settings: ScoreSettings) -> list[str]:
    """``reason`` of every task."""
    return [reason(view, settings) for view in views]


def model(view: TaskView) -> Ridge:
    """Ridge model of a task, fitted once per view and freed with it."""
    fitted = _MODELS.get(view)
    if fitted is None:
        fitted = _MODELS[view] = fit(view.signature)
    return fitted


_MODELS: WeakKeyDictionary[TaskView, Ridge] = WeakKeyDictionary()
