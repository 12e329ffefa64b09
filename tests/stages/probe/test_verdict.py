from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import SeedGain
from taskaff.stages.probe.verdict import blindness, decide, t_interval


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
        (-0.005, 0.005, 0.01, "neutral"),
        (-0.005, 0.011, 0.01, "inconclusive"),
        (0.0, 0.0, 0.0, "inconclusive"),
    ],
)
def test_a_verdict_needs_the_whole_interval_beyond_the_margin(low, high, margin, call):
    verdict = decide(Interval((low + high) / 2, low, high, n=5), margin)
    assert verdict.call == call
    assert f"{low:+.4f}" in verdict.reason


def test_no_effect_is_not_called_where_none_could_have_shown():
    """The target alone is no better than a constant: there is nothing to improve or spoil."""

    def seed(constant):
        return SeedGain(0, 0.6, 0.6, 0.5, 0.5, 0, (0.0, 0.0), constant_loss=constant)

    gain = Interval(0.0, -0.005, 0.005, n=5)
    blind = blindness([seed(0.605)] * 5, 0.01)
    assert decide(gain, 0.01, blind=blind).call == "inconclusive"
    assert "constant predictor" in decide(gain, 0.01, blind=blind).reason
    assert decide(gain, 0.01, blind=blindness([seed(0.65)] * 5, 0.01)).call == "neutral"
    assert decide(Interval(0.1, 0.05, 0.15, n=5), 0.01, blind=blind).call == "positive"
    assert blindness([seed(float("nan"))], 0.01) == ""


def test_one_seed_or_a_divergence_decides_nothing():
    assert "at least two" in decide(t_interval([1.0], 0.9), 0.0).reason
    broken = decide(Interval(0.5, 0.4, 0.6, n=5), 0.0, ["diverged: a", "diverged: a"])
    assert (broken.call, broken.reason) == ("inconclusive", "diverged: a")
    assert t_interval([0.1, float("nan")], 0.9).mean is None
