"""Delete-one-fold jackknife intervals (Efron and Stein, Annals of Statistics 1981).

The same fold leaves both tasks at once. A row's fold is a function of its content, so rows that two
tasks share leave together and the interval knows that they are shared.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

NO_INTERVAL = "no interval: too few rows in some fold"


def t_quantile(confidence: float) -> float:
    """Two-sided quantile of Student's t with 3 degrees of freedom (4 folds), by bisection.

    Its distribution function is ``1/2 + (u / (1 + u^2) + arctan u) / pi`` with ``u = t / sqrt 3``.
    """
    low, high = 0.0, 1e9
    for _ in range(200):
        u = (low + high) / 2.0
        inside = 2.0 * (u / (1.0 + u * u) + math.atan(u)) / math.pi
        low, high = (u, high) if inside < confidence else (low, u)
    return low * math.sqrt(3.0)


def standard_error(replicates: Floats) -> Floats:
    """Jackknife standard error of ``(F, ...)`` replicates over their first axis; NaN stays."""
    folds = len(replicates)
    spread = ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt((folds - 1) / folds * spread))


def interval(
    value: Floats,
    replicates: Floats,
    confidence: float,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> tuple[Floats, Floats]:
    """``value -+ t * standard error`` within ``bounds``; NaN where a replicate is undefined."""
    reach = t_quantile(confidence) * standard_error(replicates)
    low, high = np.clip(value - reach, *bounds), np.clip(value + reach, *bounds)
    return np.asarray(low), np.asarray(high)
