"""Mean shift: cross-validated standardised distance of two tasks' means. Ours, from known parts.

A Mahalanobis-like distance in the pooled within-task metric, regularised all the way to the
diagonal: with ``d`` comparable to ``n`` the diagonal rule beats the inverse of a full pooled
covariance (Bickel and Levina, Bernoulli 2004), and its value does not depend on how much a
shrinkage had to be. Sampling noise is removed by multiplying differences of *different* folds
(the cross-validated distance of Walther et al., NeuroImage 2016), as in ``covariance_alignment``:
the squared distance of two samples of one distribution is 0 on average, at any ``n``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.grams import dealt, on_every_core
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.tables import Why, pair_table, too_few_rows

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

BLOCK = 64
"""Tasks compared with one task at a time: their differences stay in the processor's cache."""
UNLIKE = 1.0 - np.eye(FOLDS)
"""Pairs of different folds."""

EXPLAIN = (
    "How far apart the average inputs of two tasks lie, in standard deviations within a task "
    "(root mean square over the embedding's columns): 0 means no shift that sampling would not "
    "explain, 0.2 a small one, 0.8 a large one; higher means more different."
)


def mean_shift(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``sqrt(max(0, D))`` with ``D`` the mean over columns of the squared standardised difference.

    ``D = sum_{f != g} a_f a_g delta_f' V^-1 delta_g / (p sum_{f != g} a_f a_g)`` with
    ``delta_f (d,)`` the difference of the two means of fold ``f``,
    ``a_f = n1_f n2_f / (n1_f + n2_f)`` its precision, ``V`` the diagonal of ``(C1 + C2) / 2`` (each
    task counts alike, whatever its size) and ``p`` the number of columns with ``V > 0``. The
    interval is the jackknife's of ``D``, ``V`` held at its full-sample value; then the root.
    """
    k = len(views)
    folds = np.array([view.n for view in views])
    means = np.array([view.fold_means for view in views])
    variances = np.array([view.variances for view in views])
    squared = np.full((1 + FOLDS, k, k), np.nan)
    varying = np.zeros((k, k))

    def compare(tasks: Sequence[int]) -> None:
        for i in tasks:
            for start in range(i, k, BLOCK):
                others = slice(start, min(start + BLOCK, k))
                squared[:, i, others], varying[i, others] = _against(
                    i, others, folds, means, variances
                )

    for _ in on_every_core(compare, dealt(range(k)), 16.0 * k * k * views[0].width):
        pass
    squared = np.triu(squared) + np.transpose(np.triu(squared, 1), (0, 2, 1))
    value = np.sqrt(np.maximum(squared[0], 0.0))
    undefined = [
        *too_few_rows(views, settings),
        (np.maximum(varying, varying.T) == 0, "no column varies in either task"),
        (~np.isfinite(value), "the two tasks have rows in one common fold at most"),
    ]
    ends, remarks = None, _constant_columns(views, variances)
    if settings.intervals:
        low, high = interval(squared[0], squared[1:], settings.confidence, (0.0, np.inf))
        ends = np.sqrt(low), np.sqrt(high)
        remarks.append((np.isfinite(value) & ~np.isfinite(low), NO_INTERVAL))
    return pair_table(
        "mean_shift", value, ends, explain=EXPLAIN, undefined=undefined, remarks=remarks
    )


def _against(
    i: int, others: slice, folds: Floats, means: Floats, variances: Floats
) -> tuple[Floats, Floats]:
    """``D`` of task ``i`` with other tasks: with all folds, then without each."""
    scale = (variances[i] + variances[others]) / 2.0
    varying = np.count_nonzero(scale, axis=1).astype(np.float64)
    np.divide(1.0, np.sqrt(scale, out=scale), out=scale, where=scale > 0)
    both = folds[i] * folds[others]
    precision = np.divide(both, folds[i] + folds[others], out=np.zeros_like(both), where=both > 0)
    delta = means[others] - means[i]
    delta *= scale[:, None, :]
    products = delta @ delta.transpose(0, 2, 1)
    np.einsum("mff->mf", products)[...] = 0.0
    tops = _sums_without(precision * (products @ precision[:, :, None])[:, :, 0])
    bottoms = _sums_without(precision * (precision @ UNLIKE)) * varying
    return np.divide(tops, bottoms, out=np.full_like(tops, np.nan), where=bottoms > 0), varying


def _sums_without(rows: Floats) -> Floats:
    """``(1 + FOLDS, m)`` sums of symmetric matrices from their row sums ``(m, FOLDS)``.

    The first is of all entries, the others without the row and the column of each fold; the
    diagonals are zero.
    """
    total = rows.sum(axis=1)
    return np.concatenate([total[None], total - 2.0 * rows.T])


def _constant_columns(views: Sequence[TaskView], variances: Floats) -> list[Why]:
    """Pairs with a column that is constant in both tasks at two different values."""
    constant = variances == 0.0
    if not constant.any():
        return []
    means = np.array([view.mean for view in views])
    size = np.abs(means)
    apart = np.zeros((len(means), len(means)), dtype=bool)
    for i in range(len(means)):
        unlike = np.abs(means - means[i]) > 1e-9 * np.maximum(size, size[i])
        apart[i] = (unlike & constant & constant[i]).any(axis=1)
    return [(apart, "left out: columns that are constant in both tasks at different values")]
