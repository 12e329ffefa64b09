from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from taskaff.probing.records import Interval
from taskaff.probing.verdict import decide, t_interval


def test_the_interval_is_the_textbook_one():
    values = [0.1, 0.3, -0.2, 0.4, 0.25]
    found = t_interval(values, 0.9)
    low, high = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.n == 5


@pytest.mark.parametrize(
    ("low", "high", "margin", "call"),
    [
        (0.01, 0.2, 0.0, "positive"),
        (0.01, 0.2, 0.01, "inconclusive"),
        (-0.2, -0.02, 0.01, "negative"),
        (-0.2, 0.02, 0.0, "inconclusive"),
        (-0.005, 0.005, 0.01, "inconclusive"),
    ],
)
def test_a_verdict_needs_the_whole_interval_beyond_the_margin(low, high, margin, call):
    verdict = decide(Interval((low + high) / 2, low, high, n=5), margin)
    assert verdict.call == call
    assert f"{low:+.4f}" in verdict.reason


def test_one_seed_or_a_divergence_decides_nothing():
    assert "at least two" in decide(t_interval([1.0], 0.9), 0.0).reason
    broken = decide(Interval(0.5, 0.4, 0.6, n=5), 0.0, ["diverged: a", "diverged: a"])
    assert (broken.call, broken.reason) == ("inconclusive", "diverged: a")
    assert t_interval([0.1, float("nan")], 0.9).mean is None
