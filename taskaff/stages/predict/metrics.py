"""Measures of predictions against measured gains: order, calls, probabilities, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

BINS = 10


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; NaN where one side does not vary."""
    x, y = rankdata(a), rankdata(b)
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def within(a: Floats, b: Floats, group: np.ndarray, least: int = 4) -> float:
    """Mean over groups (targets) of the rank correlation inside a group."""
    correlations = [
        spearman(a[group == g], b[group == g])
        for g in np.unique(group)
        if (group == g).sum() >= least
    ]
    known = [x for x in correlations if x == x]
    return float(np.mean(known)) if known else float("nan")


def auc(score: Floats, event: np.ndarray) -> float:
    """Probability that an event has a higher score than a non-event."""
    n, m = int(event.sum()), int((~event).sum())
    if not n or not m:
        return float("nan")
    return float((rankdata(score)[event].sum() - n * (n + 1) / 2) / (n * m))


def f1(called: np.ndarray, event: np.ndarray) -> float:
    """Harmonic mean of precision and recall."""
    both = int((called & event).sum())
    total = int(called.sum() + event.sum())
    return 2.0 * both / total if total else float("nan")


def brier(p: Floats, event: np.ndarray) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((p - event) ** 2))


def calibration_error(p: Floats, event: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean gap of probability and frequency, over equal-width bins."""
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [
        (place == k).mean() * abs(p[place == k].mean() - event[place == k].mean())
        for k in range(bins)
        if (place == k).any()
    ]
    return float(np.sum(gaps))


def coverage(low: Floats, high: Floats, y: Floats) -> float:
    """Share of values inside their intervals."""
    return float(((low <= y) & (y <= high)).mean())


def ceiling(correlation: float, seeds: float) -> tuple[float, float]:
    """Correlation that noise lets a perfect predictor reach.

    Parameters
    ----------
    correlation : of the gains of two halves, ``seeds / 2`` seeds each.
    seeds : of both halves together.

    Returns
    -------
    reliability of both halves together (Spearman and Brown), and its square root, the correlation
    of the truth with what was measured.
    """
    if not correlation > 0 or seeds < 2:
        return float("nan"), float("nan")
    reliability = 2 * correlation / (1 + correlation)
    return reliability, float(np.sqrt(reliability))
