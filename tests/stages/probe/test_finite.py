"""What finite rows add to an interval: against simulation of fresh rows."""

from __future__ import annotations

import numpy as np
import pytest

from taskaff.core.records.probe import RowGains, SeedGain
from taskaff.stages.probe.finite import DRAWN, MOST_TRAINED, widened
from taskaff.stages.probe.verdict import t_interval


def seed(number, gains, ids=None, pool=None, trained=0.0):
    gains = np.asarray(gains, np.float32)
    ids = np.arange(len(gains), dtype=np.uint64) if ids is None else np.asarray(ids, np.uint64)
    rows = RowGains(ids, gains, len(gains) if pool is None else pool, trained)
    return SeedGain(
        number, float(gains.mean(dtype=float)), 0.0, 0.0, 0.0, 0, (0.0, 0.0), test_rows=rows
    )


def interval(seeds, confidence=0.9):
    return widened(t_interval([s.gain for s in seeds], confidence), seeds, confidence)


def test_the_same_test_rows_in_every_seed_add_their_standard_error():
    """With no difference between seeds it is the textbook one of a mean over rows."""
    gains = np.random.default_rng(0).normal(0.1, 1.0, 400)
    found = interval([seed(n, gains) for n in range(4)])
    assert found.stderr == pytest.approx(0.0, abs=1e-9)
    assert found.fixed == pytest.approx(gains.std() / 20, rel=1e-3)
    assert found.mean == pytest.approx(gains.mean(), rel=1e-5)


def test_training_rows_add_by_the_share_that_is_drawn():
    plain = [seed(n, np.full(50, gain)) for n, gain in enumerate((0.1, 0.2, 0.3))]
    half = [seed(n, np.full(50, gain), trained=0.5) for n, gain in enumerate((0.1, 0.2, 0.3))]
    every = [seed(n, np.full(50, gain), trained=1.0) for n, gain in enumerate((0.1, 0.2, 0.3))]
    assert interval(plain).fixed == pytest.approx(0.0, abs=1e-6)
    spread = np.std([0.1, 0.2, 0.3], ddof=1)
    assert interval(half).fixed == pytest.approx(np.sqrt(DRAWN) * spread, rel=1e-5)
    most = np.sqrt(DRAWN * MOST_TRAINED / (1 - MOST_TRAINED)) * spread
    assert interval(every).fixed == pytest.approx(most, rel=1e-5)


def test_without_rows_an_interval_stays_as_it_is():
    bare = [SeedGain(n, g, 0.0, 0.0, 0.0, 0, (0.0, 0.0)) for n, g in enumerate((0.1, 0.3))]
    plain = t_interval([0.1, 0.3], 0.9)
    found = widened(plain, bare, 0.9)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))
    assert widened(t_interval([0.1], 0.9), bare[:1], 0.9).low is None


def test_noise_of_seeds_does_not_pass_for_effects_of_rows():
    """Rows that gain alike, and noise: the seeds' own variance has all of it."""
    rng = np.random.default_rng(3)
    found = interval([seed(n, rng.normal(0.1, 1.0, 400)) for n in range(10)])
    assert found.fixed < 0.5 * found.stderr


@pytest.mark.parametrize("drawn", [False, True])
def test_intervals_cover_the_gain_over_fresh_rows(drawn):
    """Row effects and seed effects; 300 data sets, test rows fixed or drawn by every seed."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        effects = rng.normal(0.0, 1.0, 300)
        seeds = []
        for n in range(6):
            rows = rng.permutation(300)[:100] if drawn else np.arange(100)
            noise = rng.normal(0.0, 0.5, 100)
            gains = effects[rows] + noise + rng.normal(0.0, 0.05)
            seeds.append(seed(n, gains, rows, 300 if drawn else 100))
        found = interval(seeds)
        hits += found.low <= 0.0 <= found.high
    assert 0.85 <= hits / 300 <= 0.95
