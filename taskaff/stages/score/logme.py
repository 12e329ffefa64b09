"""LogME: how well do the source's model outputs explain the target's labels?

You, Liu, Wang and Long, *LogME: Practical Assessment of Pre-trained Models for Transfer Learning*
(ICML 2021): the largest log evidence a row of a Bayesian linear regression of each label column of
the target on features of its rows, averaged over columns. The features here are the outputs of the
source's linear model, since the vectors themselves are the same for every source. Label columns
(classes are columns of 0 and 1) are centred and divided by their deviation, so that a column about
which nothing is known has ``-log(2 pi e) / 2 = -1.419``, in whatever unit it is.

Deviation: the evidence holds ``log |alpha I + beta Z'Z|``, whose ``q - rank`` directions without
data give ``(q - rank) log alpha`` and cancel as many of the prior's ``q log alpha``. Usual code
sums over the singular values alone and keeps all ``q`` of the prior's: with fewer rows than
features, or dependent ones (as class columns are), features that carry nothing then change it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.source_outputs import Outputs, of_pairs

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "How well what the source's linear model says explains the target's labels: log evidence of a "
    "Bayesian regression (LogME), in nats a row and label column. -1.419: not at all. Compare the "
    "sources of one target: how much can be explained is the target's own."
)

RANK = 1e-10
"""Eigenvalues below this share of the largest are no directions."""
STEPS, CLOSE = 20, 1e-3
"""Most steps of the fixed point, and the relative change that ends them."""


def logme(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """Mean log evidence a row and label column of the labels, given the source's outputs."""
    return of_pairs("logme", EXPLAIN, evidence, views, settings, (-math.inf, math.inf))


def evidence(outputs: Outputs, steps: int = STEPS) -> float:
    """Mean over label columns that vary; NaN if none does. ``steps``: of MacKay's fixed point."""
    values, vectors = np.linalg.eigh(outputs.C)
    significant = values > RANK * max(float(values.max(initial=0.0)), 1e-300)
    variances = np.diagonal(outputs.Y)
    live = variances > 0
    if not live.any():
        return math.nan
    b = outputs.rows * (vectors[:, significant].T @ outputs.S[:, live]) / np.sqrt(variances[live])
    return float(_largest(outputs.rows * values[significant], b, outputs.rows, steps).mean())


def _largest(s: Floats, b: Floats, n: int, steps: int) -> Floats:
    """``(c,)`` largest log evidence a row, by MacKay's fixed point; ``y'y = n`` of every column.

    ``s (q,)``: eigenvalues of ``Z'Z``; ``b (q, c)``: ``Z'y`` in their basis.
    """
    s = s[:, None]
    alpha = beta = np.ones(b.shape[1])

    def fit() -> tuple[Floats, Floats, Floats]:
        inverse = 1.0 / (alpha + beta * s)
        m = beta * b * inverse
        residual = n - 2.0 * (m * b).sum(axis=0) + (s * m**2).sum(axis=0)
        return inverse, m, np.maximum(residual, 1e-12 * n)

    for _ in range(steps):
        inverse, m, residual = fit()
        gamma = (beta * s * inverse).sum(axis=0)
        before = alpha, beta
        alpha = np.maximum(gamma, 1e-12) / np.maximum((m**2).sum(axis=0), 1e-12)
        beta = np.maximum(n - gamma, 1e-3) / residual
        changes = zip((alpha, beta), before, strict=True)
        if all((np.abs(new - old) <= CLOSE * old).all() for new, old in changes):
            break
    inverse, m, residual = fit()
    # (q log alpha) of the prior and ((q - rank) log alpha) of the determinant leave rank log alpha.
    terms = n * np.log(beta / (2.0 * np.pi)) + len(s) * np.log(alpha) + np.log(inverse).sum(axis=0)
    return np.asarray((terms - beta * residual - alpha * (m**2).sum(axis=0)) / (2.0 * n))
