"""Measures of predictions against naive ones."""

from __future__ import annotations

import math

import numpy as np
import oracles as naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.stages.predict import baselines, metrics

NUMBERS = st.lists(st.integers(-4, 4), min_size=2, max_size=24)


@given(NUMBERS, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_order(a, random):
    b = [x + random.randint(-2, 2) for x in a]
    group = [random.randint(0, 2) for _ in a]
    x, y, g = np.array(a, float), np.array(b, float), np.array(group)
    np.testing.assert_allclose(metrics.spearman(x, y), naive.rank_correlation(a, b), atol=1e-12)
    if any(group.count(k) >= 4 for k in group):
        with np.errstate(all="ignore"):
            inside = [k for k in range(3) if group.count(k) >= 4]
            found = [naive.rank_correlation(x[g == k], y[g == k]) for k in inside]
        known = [f for f in found if f == f]
        expected = sum(known) / len(known) if known else math.nan
        np.testing.assert_allclose(metrics.within(x, y, g), expected, atol=1e-12)


def test_groups_of_three_do_not_count_and_those_of_four_do():
    a, b = np.arange(7.0), np.array([0.0, 1, 2, 9, 8, 7, 6])
    group = np.array([0, 0, 0, 1, 1, 1, 1])
    assert metrics.within(a, b, group) == -1.0
    assert math.isnan(metrics.within(a[:6], b[:6], group[:6]))
    assert metrics.within(a[:6], b[:6], group[:6], least=3) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
@settings(max_examples=30)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs):
    called, event = (np.array([pair[k] for pair in pairs], dtype=bool) for k in (0, 1))
    both, calls, events = sum(c and e for c, e in pairs), called.sum(), event.sum()
    found = metrics.f1(called, event)
    if not calls and not events:
        assert math.isnan(found)
    elif not both:
        assert found == 0.0
    else:
        assert found == pytest.approx(2 / (calls / both + events / both))


def test_events_of_one_kind_have_no_order():
    for event in (np.zeros(4, bool), np.ones(4, bool)):
        assert math.isnan(metrics.auc(np.arange(4.0), event))


def test_calibration_looks_into_ten_bins():
    p = np.array([0.05, 0.15, 0.95, 1.0])
    event = np.array([True, False, True, True])
    expected = (0.95 + 0.15 + 2 * abs(0.975 - 1.0)) / 4
    assert metrics.calibration_error(p, event) == pytest.approx(expected)
    assert metrics.calibration_error(p, event, bins=1) == pytest.approx(abs(p.mean() - 0.75))


def test_ends_belong_to_an_interval():
    low, high = np.zeros(6), np.ones(6)
    y = np.array([-0.1, 0.0, 0.5, 1.0, 1.1, 2.0])
    assert metrics.coverage(low, high, y) == 0.5


@given(noise=st.floats(0.01, 20.0))
def test_the_ceiling_of_a_truth_with_noise(noise):
    """Truth of variance 1; each half adds noise of variance ``noise``, the whole half of it."""
    halves = 1 / (1 + noise)
    reliability, correlation = metrics.ceiling(halves, 4)
    assert reliability == pytest.approx(1 / (1 + noise / 2))
    assert correlation == pytest.approx(1 / math.sqrt(1 * (1 + noise / 2)))


def test_there_is_no_ceiling_without_two_halves_that_agree():
    assert metrics.ceiling(1.0, 2) == (1.0, 1.0)
    for arguments in ((0.0, 8), (-0.5, 8), (math.nan, 8), (0.5, 1)):
        assert all(math.isnan(x) for x in metrics.ceiling(*arguments))


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_h_score(seed):
    random = np.random.default_rng(seed)
    q, n = int(random.integers(2, 6)), int(random.integers(3, 200))
    A, B = random.normal(size=(q, q)), random.normal(size=(q, 2))
    C, between = A @ A.T, B @ B.T
    assert baselines.h_score(C, between, n) == pytest.approx(naive.h_score(C, between, n))
    assert baselines.h_score(np.eye(q), between, n) == 0.0  # all alike: shrunk to nothing


def test_cosine():
    assert baselines.cosine(np.array([3.0, 4.0]), np.array([1.0, 0.0])) == pytest.approx(0.6)
    assert math.isnan(baselines.cosine(np.zeros(2), np.ones(2)))
