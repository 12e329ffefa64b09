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


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_the_interval_lies_around_the_mean(confidence):
    found = t_interval([1.0, 2.0, 6.0], confidence)
    assert found.mean == 3.0
    assert found.stderr == pytest.approx(np.sqrt(7.0 / 3.0))
    reach = stats.t.ppf((1 + confidence) / 2, 2) * found.stderr
    assert (found.low, found.high) == pytest.approx((3.0 - reach, 3.0 + reach))
    assert t_interval([], confidence) == Interval(None, n=0)
    assert t_interval([0.5], confidence) == Interval(0.5, n=1)
    assert t_interval([1.0, np.nan, np.inf], confidence) == Interval(None, n=1)


@pytest.mark.parametrize(
    ("low", "high", "margin", "reason"),
    [
        (0.02, 0.2, 0.01, "interval [+0.0200, +0.2000] lies above 0.01"),
        (-0.2, -0.02, 0.01, "interval [-0.2000, -0.0200] lies below -0.01"),
        (-0.2, -0.02, 0.0, "interval [-0.2000, -0.0200] lies below 0"),
        (-0.01, 0.01, 0.01, "interval [-0.0100, +0.0100] lies within the margin 0.01"),
        (0.01, 0.2, 0.01, "interval [+0.0100, +0.2000] is not beyond the margin 0.01"),
        (-0.2, -0.01, 0.01, "interval [-0.2000, -0.0100] is not beyond the margin 0.01"),
        (-0.02, 0.005, 0.01, "interval [-0.0200, +0.0050] is not beyond the margin 0.01"),
        (-0.005, 0.02, 0.01, "interval [-0.0050, +0.0200] is not beyond the margin 0.01"),
        (0.0, 0.0, 0.0, "interval [+0.0000, +0.0000] is not beyond the margin 0"),
    ],
)
def test_reasons(low, high, margin, reason):
    assert decide(Interval(0.0, low, high, n=5), margin).reason == reason


@pytest.mark.parametrize(("low", "high"), [(None, 0.1), (-0.1, None)])
def test_half_an_interval_decides_nothing(low, high):
    found = decide(Interval(0.0, low, high, n=1), 0.01)
    assert (found.call, found.reason) == (
        "inconclusive",
        "1 seed: an interval needs at least two",
    )


def test_blind_is_what_learns_no_more_than_the_margin_on_average():
    def seed(constant, stl):
        return SeedGain(0, stl, 0.6, 0.5, 0.5, 0, (0.0, 0.0), constant_loss=constant)

    assert blindness([], 0.01) == ""
    assert blindness([seed(0.75, 0.5), seed(0.5, 0.5)], 0.125)  # 0.125 on average
    assert not blindness([seed(0.75, 0.5), seed(0.5, 0.5)], 0.12)
    assert not blindness([seed(0.5, 0.5), seed(np.inf, 0.5)], 9.0)
