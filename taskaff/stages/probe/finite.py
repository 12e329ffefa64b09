"""The part of a gain's error that more seeds do not shrink: the rows at hand are finite.

Seeds draw splits, initial weights and batches of the same rows. Their t interval says what more
seeds would give, not what other rows would. Two parts are added to it:

* *Test rows.* Rows differ in what they gain. The variance of their own gains (not of one seed's
  noise, which the seeds' variance has already) is the mean product of two seeds' gains of one row,
  each less its seed's mean; over the number of rows that tests are drawn from, it is the variance
  that these rows contribute.
* *Training rows.* A mean over all draws of the share ``f`` of a target's rows still has
  ``f / (1 - f)`` of the variance between draws (finite population sampling; Cochran, 1977, section
  2.6). Of the variance between seeds the draw of rows is a part only, ``DRAWN``; initial weights
  and batches are the rest. ``f`` counts as 0.8 at most: beyond it the draws of seeds say too little
  about fresh rows.

What the finite rows of the *source* contribute is not in it: seeds usually draw all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import RowGains, SeedGain

MOST_TRAINED = 0.8

DRAWN = 0.4
"""Share of the variance between seeds that the drawn rows are responsible for. With two initial
weights a split it was 0.29 in all, 0.37 in the median of twelve pairs
(``docs/benchmarks/drawn_rows.py``)."""

LARGE = 1e6
"""Degrees of freedom that are as good as infinitely many."""


class Rows(NamedTuple):
    """What the test rows of all seeds say."""

    variance: float
    """Between rows, of their own gains."""
    pool: float
    """Rows that the tests are drawn from."""
    tested: float
    """Rows of one seed's test."""

    @property
    def of_mean(self) -> float:
        """Variance of the mean gain that the rows at hand contribute."""
        return self.variance / self.pool

    @property
    def between_seeds(self) -> float:
        """Variance between seeds that comes from which rows they draw for the test."""
        return self.variance / self.tested * max(0.0, 1.0 - self.tested / self.pool)


def widened(interval: Interval, seeds: Sequence[SeedGain], confidence: float) -> Interval:
    """The interval over seeds with the part of the finite rows added."""
    known = [seed.test_rows for seed in seeds if seed.test_rows is not None]
    if interval.mean is None or interval.stderr is None:
        return interval
    of_seeds, of_rows = interval.stderr**2, 0.0
    if known:
        rows = tested(known)
        between = max(0.0, interval.stderr**2 * interval.n - rows.between_seeds)
        f = min(float(np.mean([each.trained for each in known])), MOST_TRAINED)
        of_seeds, of_rows = of_seeds + DRAWN * between * f / (1.0 - f), rows.of_mean
    total = of_seeds + of_rows
    # The many test rows tell their part well; degrees of freedom by Welch and Satterthwaite.
    freedom = (interval.n - 1) * (total / of_seeds) ** 2 if of_seeds else np.inf
    reach = float(stdtrit(min(freedom, LARGE), 0.5 + confidence / 2) * np.sqrt(total))
    fixed = float(np.sqrt(max(0.0, total - interval.stderr**2)))
    low, high = interval.mean - reach, interval.mean + reach
    return replace(interval, low=low, high=high, fixed=fixed)


def tested(known: Sequence[RowGains]) -> Rows:
    """The variance between test rows; where no row has two seeds, noise of seeds counts with it."""
    ids = np.concatenate([rows.ids for rows in known])
    centred = [rows.gains - rows.gains.mean(dtype=np.float64) for rows in known]
    gains = np.concatenate(centred).astype(np.float64)
    _, inverse, times = np.unique(ids, return_inverse=True, return_counts=True)
    products = np.bincount(inverse, gains) ** 2 - np.bincount(inverse, gains**2)
    twice = float((times * (times - 1)).sum())
    variance = float(products.sum()) / twice if twice else float(np.mean(gains**2))
    size = float(np.mean([len(rows.ids) for rows in known]))
    pool = max(float(np.mean([rows.pool for rows in known])), size)
    return Rows(max(variance, 0.0), pool, size)
