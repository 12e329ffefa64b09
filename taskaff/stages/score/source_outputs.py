"""What the source's linear model says on the target's rows, as moments: no row is needed.

The outputs ``Z = (X - mean) theta_s (n, q)`` of the source's ridge model are linear in the target's
inputs, so that their covariance is ``theta_s' C theta_s`` and that with the labels ``theta_s' S``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.splits import Moments, moments
from taskaff.stages.score.tables import for_tasks, pair_table
from taskaff.stages.score.task_statistics import without_noise

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature
    from taskaff.stages.score.task_statistics import TaskView


class Outputs(NamedTuple):
    """Covariances over the target's rows, divided by their number."""

    C: Floats
    """``(q, q)`` of the outputs."""
    S: Floats
    """``(q, c)`` of outputs and labels."""
    Y: Floats
    """``(c, c)`` of the labels."""
    rows: int


def of_pairs(
    name: str,
    explain: str,
    value: Callable[[Outputs], float],
    views: Sequence[TaskView],
    settings: ScoreSettings,
    bounds: tuple[float, float],
) -> PairTable:
    """A directed table of ``value``, with a jackknife over folds that leave both tasks at once."""
    missing = reasons(views, settings)
    usable = [i for i in range(len(views)) if not missing[i]]
    folds = [None, *range(FOLDS)] if settings.intervals else [None]
    found = np.full((len(folds), len(views), len(views)), np.nan)
    for t in usable:
        signature = views[t].signature
        for place, fold in enumerate(folds):
            if fold is not None and not signature.n[fold]:
                continue
            part, Y = moments(signature, fold), label_covariance(signature, fold)
            for s in usable:
                if s != t and (fold is None or views[s].n[fold]):
                    found[place, s, t] = value(_outputs(part, Y, views[s], fold))
    ends, remarks = None, []
    if settings.intervals:
        ends = interval(found[0], found[1:], settings.confidence, bounds)
        remarks.append((~np.isfinite(ends[0]) & np.isfinite(found[0]), NO_INTERVAL))
    undefined = for_tasks(missing)
    return pair_table(
        name,
        found[0],
        ends,
        explain=explain,
        directed=True,
        undefined=undefined,
        remarks=remarks,
    )


def _outputs(target: Moments, Y: Floats, source: TaskView, fold: int | None) -> Outputs:
    fitted = model(source)
    theta = fitted.theta if fold is None else fitted.without[fold]
    return Outputs(theta.T @ target.C @ theta, theta.T @ target.S, Y, round(target.n))


def label_covariance(signature: TaskSignature, without: int | None = None) -> Floats:
    """``(c, c)`` covariance of the labels of all rows, or of all but one fold."""
    keep = np.array([fold != without for fold in range(FOLDS)])
    n = max(float(signature.n[keep].sum()), 1.0)
    y = signature.sy[keep].sum(axis=0) / n
    square = signature.syy[keep].sum(axis=0) / n
    Y = square - np.outer(y, y)
    live = without_noise(Y.diagonal(), square.diagonal()) > 0
    return np.asarray(Y * live * live[:, None])
