"""What finite rows add to an interval: against simulation of fresh rows."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from taskaff.core.records.probe import RowGains, SeedGain
from taskaff.stages.probe import finite
from taskaff.stages.probe.finite import DRAWN, LARGE, MOST_TRAINED, widened
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


def naive_variance(seeds):
    """Mean product of two seeds' gains of one row, each less the mean of its seed."""
    found = defaultdict(list)
    for one in seeds:
        gains = one.test_rows.gains.astype(float)
        for row, gain in zip(one.test_rows.ids.tolist(), gains - gains.mean(), strict=True):
            found[row].append(gain)
    products = [a * b for gains in found.values() for a, b in permutations(gains, 2)]
    alone = [gain**2 for gains in found.values() for gain in gains]
    return np.mean(products or alone)


def drawn(n, pool, rows, trained, effect=1.0, offset=0.2, noise=0.3, numbers=4):
    rng = np.random.default_rng(n)
    effects = rng.normal(0.0, effect, 1000)
    found = []
    for number in range(numbers):
        ids = np.arange(n) if pool is None else rng.permutation(1000)[: rows + number]
        gains = effects[ids] + rng.normal(offset * number, noise, len(ids))
        found.append(seed(number, gains, ids, pool, trained + 0.1 * number))
    return found


CASES = {
    "the same rows": drawn(40, None, 40, 0.3),
    "drawn rows": drawn(7, 80, 60, 0.5),
    "few of many": drawn(3, 1000, 30, 0.0),
    "nearly all": drawn(9, 70, 60, 0.6),
    "the draw explains all": drawn(5, 1000, 20, 0.2, effect=5.0, offset=0.0, noise=0.0),
    "noise alone": drawn(11, None, 30, 0.4, effect=0.0, offset=0.1),
    "no row twice": [seed(n, [0.1, 0.4 + n], [2 * n, 2 * n + 1], 50, 0.2) for n in range(3)],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_the_parts_of_the_interval(name, confidence):
    """The formulas of the head of the module, step by step."""
    seeds = CASES[name]
    k = len(seeds)
    values = [s.gain for s in seeds]
    variance = max(0.0, naive_variance(seeds))
    size = np.mean([len(s.test_rows.ids) for s in seeds])
    pool = max(size, np.mean([s.test_rows.pool for s in seeds]))
    found = finite.tested([s.test_rows for s in seeds])
    assert (found.variance, found.pool, found.tested) == pytest.approx((variance, pool, size))
    assert found.of_mean == pytest.approx(variance / pool)
    between_tests = variance / size * (1 - size / pool)
    assert found.between_seeds == pytest.approx(between_tests, abs=1e-12)
    spread = np.var(values, ddof=1)
    f = min(0.8, np.mean([s.test_rows.trained for s in seeds]))
    training = DRAWN * max(0.0, spread - between_tests) * f / (1 - f)
    of_seeds = spread / k + training
    whole = of_seeds + variance / pool
    freedom = min((k - 1) * (whole / of_seeds) ** 2, LARGE)
    reach = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(whole)
    wide = interval(seeds, confidence)
    assert wide.high - wide.mean == pytest.approx(reach, rel=1e-6)
    assert wide.mean - wide.low == pytest.approx(reach, rel=1e-6)
    assert wide.fixed == pytest.approx(np.sqrt(whole - spread / k), rel=1e-4, abs=1e-9)
    assert (wide.mean, wide.stderr, wide.n) == (
        np.mean(values),
        pytest.approx(np.sqrt(spread / k)),
        k,
    )


def test_seeds_without_rows_are_left_out_of_what_rows_say():
    seeds = [*CASES["drawn rows"], SeedGain(9, 0.3, 0.1, 0.0, 0.0, 0, (0.0, 0.0))]
    plain = t_interval([s.gain for s in seeds], 0.9)
    found = widened(plain, seeds, 0.9)
    rows = finite.tested([s.test_rows for s in seeds[:-1]])
    between = max(0.0, plain.stderr**2 * 5 - rows.between_seeds)
    extra = DRAWN * between * 0.65 / 0.35 + rows.of_mean
    assert found.fixed == pytest.approx(np.sqrt(extra))


def test_seeds_that_agree_exactly_have_the_rows_error_alone():
    gains = np.random.default_rng(0).normal(0.1, 1.0, 400)
    found = interval([seed(n, gains) for n in range(4)])
    assert found.high - found.mean == pytest.approx(1.6449 * found.fixed, rel=1e-3)
