"""Covariance alignment: cosine of two centred covariances, free of sampling bias. Ours.

Equation 6 of Wu, Zhang and Re (ICLR 2020) corrected in two points: the tasks are centred, and each
inner product is estimated from disjoint rows. ``<C1, C2>_F`` of two sample covariances is unbiased
only if no row is in both, and ``<C1, C1>_F`` of one sample is always too large. A product across
different folds is free of both faults: a row's fold is a function of its content, so rows that the
tasks share never meet themselves. (Without the folds, and for one sample, this is the U-statistic
idea of Chen, Zhang and Zhong, JASA 2010.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.grams import frobenius_grams
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.tables import for_tasks, pair_table, too_few_rows

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

FLOOR = 0.1
"""Floor of a squared norm, as a share of ``(tr C)^2 / d``, which no covariance can fall below."""

EXPLAIN = (
    "How alike the spread of two tasks' inputs around their own average is, from 0 (different "
    "directions) to 1 (the same distribution, at any number of rows); higher means that a shared "
    "model finds the same structure in both."
)


def covariance_alignment(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``<C1, C2> / sqrt(<C1, C1> <C2, C2>)``, each inner product over different folds only.

    With ``S_f`` the scatter of fold ``f`` about its own mean and ``v_f = max(n_f - 1, 0)``,
    ``<C1, C2> = sum_{f != g} <S1_f, S2_g>_F / sum_{f != g} v1_f v2_g``: every pair of folds counts
    by its degrees of freedom, and a fold of one row drops out. ``extras["uncorrected"]`` is the
    plain cosine of the two pooled within-fold covariances.
    """
    products = _scatter_grams(views)
    scatter = _without_each_fold(products)
    dof = np.array([view.dof for view in views])
    weights = _without_each_fold(_dof_grams(dof))
    traces = np.array([view.fold_variances.sum(axis=1) for view in views])
    columns = np.array([max(int((view.variances > 0).sum()), 1) for view in views])
    floors = FLOOR * _ratio(traces.sum(axis=1), dof.sum(axis=1)) ** 2 / columns
    estimates = np.stack([_cosine(s, w, floors) for s, w in zip(scatter, weights, strict=True)])
    value = np.clip(estimates[0], 0.0, 1.0)
    undefined = too_few_rows(views, settings) + for_tasks(_spread_reasons(views, traces))
    squared = np.diagonal(_ratio(scatter[0], weights[0]))
    remarks = for_tasks(
        [
            f"{view.name!r} has too few rows for its {view.width} dimensions: norm held at a floor"
            if floored
            else ""
            for view, floored in zip(views, squared < floors, strict=True)
        ]
    )
    ends = None
    if settings.intervals:
        ends = interval(value, estimates[1:], settings.confidence, (0.0, 1.0))
        remarks.append((np.isfinite(value) & ~np.isfinite(ends[0]), NO_INTERVAL))
    return pair_table(
        "covariance_alignment",
        value,
        ends,
        explain=EXPLAIN,
        undefined=undefined,
        remarks=remarks,
        extras={"uncorrected": _plain_cosine(products[0])},
    )


def _scatter_grams(views: Sequence[TaskView]) -> Floats:
    """``(1 + FOLDS, k, k)`` inner products of ``M = sum_f S_f`` and of each ``M - 2 S_h``."""

    def band(view: TaskView, a: int, b: int, out: Floats) -> None:
        means = view.fold_means
        scaled = view.n[:, None] * means[:, a:b]
        scatter = out[1:]
        np.multiply(scaled[:, :, None], means[:, None, a:], out=scatter)
        np.subtract(view.signature.sxx[:, a:b, a:], scatter, out=scatter)
        np.sum(scatter, axis=0, out=out[0])
        scatter *= -2.0
        scatter += out[0]

    return frobenius_grams(views, 1 + FOLDS, band)


def _dof_grams(dof: Floats) -> Floats:
    """Inner products of the degrees of freedom ``(k, FOLDS)``, taken as 1 x 1 matrices."""
    total = dof.sum(axis=1)
    vectors = np.concatenate([total[None], total - 2.0 * dof.T])
    return np.asarray(vectors[:, :, None] * vectors[:, None, :])


def _without_each_fold(grams: Floats) -> Floats:
    """Sums over pairs of different folds: of all folds, then with each fold left out.

    Five products are enough for all of them. With ``Q_0 = <M1, M2>`` and
    ``Q_h = <M1 - 2 S1_h, M2 - 2 S2_h>``: ``sum_h Q_h = 4 sum_h <S1_h, S2_h>``, hence
    ``N = sum_{f != g} <S1_f, S2_g> = Q_0 - sum_h Q_h / 4``, and the terms of ``N`` that contain
    fold ``h`` add to ``(Q_0 - Q_h) / 2``.
    """
    total = grams[0] - grams[1:].sum(axis=0) / 4.0
    return np.concatenate([total[None], total - (grams[0] - grams[1:]) / 2.0])


def _cosine(sums: Floats, weights: Floats, floors: Floats) -> Floats:
    """``(k, k)`` ratio of mean inner products, the squared norms held at their floors."""
    inner = _ratio(sums, weights)
    norms = np.sqrt(np.maximum(np.diagonal(inner), floors))
    return _ratio(inner, norms[:, None] * norms[None, :])


def _plain_cosine(inner: Floats) -> Floats:
    norms = np.sqrt(np.diagonal(inner))
    return _ratio(inner, norms[:, None] * norms[None, :])


def _ratio(a: Floats, b: Floats) -> Floats:
    """``a / b``, NaN where ``b`` is zero."""
    return np.asarray(np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b > 0))


def _spread_reasons(views: Sequence[TaskView], traces: Floats) -> list[str]:
    reasons = []
    for view, trace in zip(views, traces, strict=True):
        if (trace > 0).sum() >= 2:
            reasons.append("")
        elif not view.variances.any():
            reasons.append(f"every vector of {view.name!r} is the same")
        else:
            reasons.append(f"rows of {view.name!r} that differ are all in one fold")
    return reasons
