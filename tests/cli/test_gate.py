"""``--fail-under``: limits from the command line, the gate's own rule, exit codes."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.gate._evidence import scores, table

from taskaff.cli.gate import judged, lines, mapped, parse_limits, summary
from taskaff.core.errors import UsageError
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.finding import Finding
from taskaff.core.settings import CheckSettings
from taskaff.stages.gate import check, worst
from taskaff.stages.report import payload

NUMBERS = st.floats(-10, 10)
LEVELS = ("failed", "inconclusive", "passed")


def result(value, spread=0.0, directed=False):
    names = ["a", "new"]
    return scores(
        names, table("mean_shift", names, {("new", "a"): value}, value, directed, (), spread)
    )


@given(NUMBERS, st.floats(0, 5), NUMBERS, st.booleans())
def test_score_and_check_judge_by_one_rule(value, spread, limit, directed):
    """The same numbers against the same limit, by ``score --fail-under`` and by ``[check]``."""
    scored = judged(result(value, spread, directed), {"mean_shift": limit})
    tasks = {name: CheckedTask(name, 500) for name in ("a", "new")}
    seen = Evidence((tasks["new"],), (tasks["a"],), scored)
    rules = CheckSettings(fail_under={"mean_shift": limit})
    checked = check(seen, rules, datetime.date(2026, 11, 28)).findings

    def keys(findings):
        return sorted((f.rule, f.direction, f.level, f.value, f.reason) for f in findings)

    assert keys(checked) == keys(scored.findings)


@given(NUMBERS, st.floats(0, 5), NUMBERS)
def test_an_interval_passes_or_fails_only_as_a_whole(value, spread, limit):
    [finding] = judged(result(value, spread), {"mean_shift": limit}).findings
    low, high = value - spread, value + spread
    expected = "passed" if low >= limit else "failed" if high < limit else "inconclusive"
    assert finding.level == expected


def test_undefined_is_inconclusive():
    [finding] = judged(result(np.nan), {"mean_shift": 0.5}).findings
    assert (finding.level, finding.value) == ("inconclusive", None)


def test_findings_stand_in_the_json_of_a_score():
    found = payload(judged(result(0.1), {"mean_shift": 0.5}))["findings"]
    assert [(f["rule"], f["level"], f["threshold"]) for f in found] == [
        ("fail_under.mean_shift", "failed", 0.5)
    ]
    assert payload(result(0.1))["findings"] == []


def finding(level):
    return Finding("fail_under.overlap", "a", "b", "", level, 0.5, 0.4, "overlap 0.5 is below 1")


@given(st.lists(st.sampled_from(LEVELS)), st.sampled_from([None, "pass", "fail"]), st.booleans())
def test_exit_code_by_precedence(levels, inconclusive, exit_zero):
    code = mapped(worst(map(finding, levels)), inconclusive, exit_zero)
    if "failed" in levels:
        expected = 1
    elif "inconclusive" in levels:
        expected = {None: 3, "pass": 0, "fail": 1}[inconclusive]
    else:
        expected = 0
    assert code == (0 if exit_zero else expected)


def test_lines():
    found = [finding("inconclusive"), finding("passed"), finding("passed")]
    assert list(lines(found)) == [
        "inconclusive: fail_under.overlap of a and b: overlap 0.5 is below 1",
        "inconclusive: 1 inconclusive, 2 passed of 3 checks",
    ]
    assert summary(found[1:]) == "passed: 2 passed of 2 checks"


@pytest.mark.parametrize("number", ["", "x", "nan", "inf", "1,5"])
def test_limits_are_finite_numbers(number):
    with pytest.raises(UsageError, match="SCORE=VALUE"):
        parse_limits([f"overlap={number}"], ["overlap"], [])


def test_limits():
    limits = parse_limits(["a=0.5", "b=-1e-3"], ["a", "b"], ["b", "a"])
    assert limits == {"a": 0.5, "b": -0.001}


def test_nothing_to_check_is_no_pass():
    with pytest.raises(UsageError, match="nothing to check"):
        judged(result(0.5), {"overlap": 0.5})
    assert judged(result(0.5), {}).findings == ()
