"""The verdict of one pair, and of a run."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskaff.cli._gate import (
    Finding,
    Verdict,
    exit_code,
    findings,
    judge,
    parse_limits,
    summary,
)
from taskaff.errors import UsageError
from taskaff.records import Estimate

NUMBERS = st.floats(-10, 10)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_an_interval_passes_or_fails_only_as_a_whole(a, b, c, limit):
    low, value, high = sorted((a, b, c))
    verdict = judge(Estimate(value, low, high), limit)
    if verdict is Verdict.passed:
        assert low >= limit
    elif verdict is Verdict.failed:
        assert high < limit
    else:
        assert low < limit <= high


@given(NUMBERS, NUMBERS)
def test_without_an_interval_the_value_decides(value, limit):
    expected = Verdict.failed if value < limit else Verdict.passed
    assert judge(Estimate(value), limit) is expected


@given(NUMBERS)
def test_undefined_is_inconclusive(limit):
    assert judge(Estimate(None, note="too few rows"), limit) is Verdict.inconclusive


@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0, 5))
def test_a_higher_limit_never_turns_a_failure_into_a_pass(value, spread, limit, more):
    assume(spread >= 0)
    estimate = Estimate(value, value - spread, value + spread)
    order = [Verdict.passed, Verdict.inconclusive, Verdict.failed]
    before, after = judge(estimate, limit), judge(estimate, limit + more)
    assert order.index(before) <= order.index(after)


def finding(verdict):
    return Finding("overlap", "a and b", Estimate(0.5), 0.4, verdict)


@given(st.lists(st.sampled_from(Verdict)), st.sampled_from([None, "pass", "fail"]), st.booleans())
def test_exit_code_by_precedence(verdicts, mapped, exit_zero):
    code = exit_code([finding(verdict) for verdict in verdicts], mapped, exit_zero)
    if Verdict.failed in verdicts:
        expected = 1
    elif Verdict.inconclusive in verdicts:
        expected = {None: 3, "pass": 0, "fail": 1}[mapped]
    else:
        expected = 0
    assert code == (0 if exit_zero else expected)


def test_lines():
    undefined = Finding(
        "overlap", "a → b", Estimate(None, note="4 rows"), 0.4, Verdict.inconclusive
    )
    assert str(undefined) == "inconclusive: overlap of a → b is undefined (4 rows), limit 0.4"
    found = [undefined, finding(Verdict.passed), finding(Verdict.passed)]
    assert summary(found) == "inconclusive: 1 inconclusive, 2 passed of 3 checks"


@pytest.mark.parametrize("number", ["", "x", "nan", "inf", "1,5"])
def test_limits_are_finite_numbers(number):
    with pytest.raises(UsageError, match="SCORE=VALUE"):
        parse_limits([f"overlap={number}"], ["overlap"], [])


def test_limits():
    limits = parse_limits(["a=0.5", "b=-1e-3"], ["a", "b"], ["b", "a"])
    assert limits == {"a": 0.5, "b": -0.001}


def test_no_limits_means_no_findings():
    assert findings(None, {}) == []
