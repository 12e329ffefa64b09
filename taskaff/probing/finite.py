"""The part of a gain's error that more seeds do not shrink: the rows at hand are finite.

Seeds draw splits, initial weights and batches of the same rows. Their t interval says what more
seeds would give, not what other rows would. Two parts are added to it:

* *Test rows.* With ``g_r`` the gain of test row ``r``, averaged over the seeds that test it, and
  ``w_r`` its share of the mean, the sample of rows contributes ``sum w_r^2 (g_r - mean)^2``. Where
  every seed draws its test rows from a larger pool, the seeds' own variance has the drawing in it
  already, and only the share ``distinct rows / pool`` of the sum is left to add.
* *Training rows.* A target that trains on the share ``f`` of its rows varies from draw to draw by
  ``1 - f`` of what it would vary over fresh rows, so that the mean over all draws still has
  ``f / (1 - f)`` of the seeds' variance (finite population sampling; Cochran, 1977, section 2.6),
  less what the seeds' different test rows contribute to it.
  ``f`` counts as 0.8 at most: beyond it the draws of seeds say too little about fresh rows.

What the finite rows of the *source* contribute is not in it: seeds usually draw all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from taskaff.probing.records import Interval, RowGains, SeedGain

MOST_TRAINED = 0.8


def widened(interval: Interval, seeds: Sequence[SeedGain], confidence: float) -> Interval:
    """The interval over seeds with the part of the finite rows added."""
    if interval.mean is None or interval.stderr is None:
        return interval
    fixed = float(np.sqrt(_of_test_rows(seeds) + _of_training_rows(interval, seeds)))
    reach = float(stdtrit(interval.n - 1, 0.5 + confidence / 2)) * np.hypot(interval.stderr, fixed)
    low, high = interval.mean - float(reach), interval.mean + float(reach)
    return replace(interval, low=low, high=high, fixed=fixed)


def _of_test_rows(seeds: Sequence[SeedGain]) -> float:
    """Variance of the mean gain that the sample of test rows contributes."""
    known = [seed.test_rows for seed in seeds if seed.test_rows is not None]
    if not known:
        return 0.0
    ids = np.concatenate([rows.ids for rows in known])
    gains = np.concatenate([rows.gains for rows in known]).astype(np.float64)
    each = np.concatenate([np.full(len(r.ids), 1.0 / len(r.ids) / len(known)) for r in known])
    distinct, inverse = np.unique(ids, return_inverse=True)
    weight = np.bincount(inverse, each)
    centred = np.bincount(inverse, each * (gains - each @ gains))
    pool = float(np.mean([rows.pool for rows in known]))
    left = min(1.0, len(distinct) / pool) if pool else 1.0
    return float((centred**2).sum() * left) if len(weight) > 1 else 0.0


def _of_training_rows(interval: Interval, seeds: Sequence[SeedGain]) -> float:
    """Variance that the sample of the target's training rows contributes."""
    known = [seed.test_rows for seed in seeds if seed.test_rows is not None]
    if not known:
        return 0.0
    f = min(float(np.mean([rows.trained for rows in known])), MOST_TRAINED)
    between = (interval.stderr or 0.0) ** 2 * interval.n - _of_test_draws(known)
    return max(between, 0.0) * f / (1.0 - f)


def _of_test_draws(known: Sequence[RowGains]) -> float:
    """Part of the variance between seeds that comes from their test rows, not from training."""
    ids = np.concatenate([rows.ids for rows in known])
    gains = np.concatenate([rows.gains for rows in known]).astype(np.float64)
    distinct, inverse, times = np.unique(ids, return_inverse=True, return_counts=True)
    of_row = np.bincount(inverse, gains) / times
    parts = []
    for rows in known:
        own = rows.gains.astype(np.float64)
        n, drawn = len(own), len(rows.ids) < len(distinct)
        if drawn:
            parts.append(own.var() / n * (1.0 - n / max(rows.pool, n)))
        else:  # the same rows in every seed: what is left of a row's gain without its mean
            parts.append((own - of_row[np.searchsorted(distinct, rows.ids)]).var() / n)
    return float(np.mean(parts))
