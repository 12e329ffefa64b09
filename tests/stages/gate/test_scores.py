"""Limits on scores and overlap: level, value, words and hint of each finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.gate._evidence import RULES, evidence, scores, table, task

from taskaff.core.records.estimate import Estimate
from taskaff.core.settings import CheckSettings, Limit
from taskaff.stages.gate.limits import below
from taskaff.stages.gate.scores import fail_under, overlap, score_finding, score_findings

NAMES = ["old", "new"]


@pytest.mark.parametrize(
    ("estimate", "level", "reason"),
    [
        (Estimate(0.4), "failed", "s 0.4000 is below 0.5"),
        (Estimate(0.5), "passed", "s 0.5000 is not below 0.5"),
        (Estimate(0.4, 0.3, 0.49), "failed", "s 0.4000 [0.3000, 0.4900] is below 0.5"),
        (Estimate(0.4, 0.3, 0.5), "inconclusive", "is on both sides of 0.5"),
        (Estimate(0.6, 0.5, 0.7), "passed", "is not below 0.5"),
        (Estimate(0.6, 0.49, 0.7), "inconclusive", "is on both sides of 0.5"),
        (Estimate(None), "inconclusive", "s is undefined: no reason given"),
        (Estimate(None, note="no rows"), "inconclusive", "s is undefined: no rows"),
    ],
)
def test_a_score_and_its_smallest_value(estimate, level, reason):
    found = score_finding("s", estimate, 0.5, "new", "old", "new -> old")
    assert found.level == below(estimate, 0.5) == level
    assert found.reason.endswith(reason)
    assert found.hint == ("" if level == "passed" else "--explain says what the score means")
    assert (found.rule, found.threshold) == ("fail_under.s", 0.5)
    assert (found.value, found.low, found.high) == (estimate.value, estimate.low, estimate.high)


def shares(value=0.0, near=None, leak=None, shared=None, held_out=0, **more):
    extras = {"near": near, "leak": leak, "shared": shared}
    filled = [(name, {}, x) for name, x in extras.items() if x is not None]
    found = table("overlap", NAMES, {("new", "old"): value}, extras=filled, **more)
    seen = evidence(mix=("old",), scores=scores(NAMES, found))
    return replace(seen, mix=(task("old", held_out=held_out),))


def first(seen, limit=None):
    rules = replace(RULES, overlap=limit or Limit(warn=0.005, fail=0.01))
    return next(f for f in overlap(seen, rules) if f.direction == "new -> old")


@pytest.mark.parametrize(
    ("value", "level", "threshold"),
    [
        (0.004, "passed", 0.01),
        (0.005, "passed", 0.01),
        (0.006, "warned", 0.005),
        (0.01, "warned", 0.005),
        (0.011, "failed", 0.01),
    ],
)
def test_levels_of_overlap_and_their_hints(value, level, threshold):
    found = first(shares(value))
    assert (found.level, found.threshold, found.value) == (level, threshold, value)
    assert bool(found.hint) == (level != "passed")
    if found.hint:
        assert (
            "taskaff overlap old new.csv" in found.hint or "taskaff overlap old new" in found.hint
        )
    only = first(shares(value), Limit(warn=0.005))
    assert only.threshold == 0.005
    assert only.level == ("passed" if value <= 0.005 else "warned")


def test_no_limit_and_no_table_give_no_findings():
    assert [*overlap(shares(1.0), replace(RULES, overlap=None))] == []
    assert [*overlap(evidence(scores=scores(["a", "b", "new"])), RULES)] == []


@pytest.mark.parametrize(
    ("leak", "held_out", "value"),
    [
        (30.0, 100, 0.3),
        (0.0, 100, 0.02),
        (1.0, 100, 0.02),
        (500.0, 100, 1.0),
        (30.0, 0, 0.02),
        (np.nan, 100, 0.02),
    ],
)
def test_the_larger_share_counts(leak, held_out, value):
    found = first(shares(0.02, leak=leak, held_out=held_out))
    assert found.value == pytest.approx(value)
    told = leak == leak and held_out and leak > 0
    assert ("of its held-out rows" in found.reason) == bool(told)
    assert found.reason.startswith("2.00% of the rows of old are in new too")


def test_near_copies_are_added_to_every_end():
    found = first(shares(0.3, near=0.4, spread=0.35))
    assert (found.value, found.low, found.high) == pytest.approx((0.7, 0.35, 1.0))
    none = first(shares(0.3, near=np.nan, spread=0.1))
    assert (none.value, none.low, none.high) == pytest.approx((0.3, 0.2, 0.4))
    held = first(shares(0.3, near=0.4, leak=60.0, held_out=100))
    assert held.value == pytest.approx(0.7)  # more than the held-out 0.6


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (shares(0.02), "2.00% of the rows of old are in new too"),
        (shares(0.02, shared=1.0), "2.00% of the rows of old are in new too (1 row)"),
        (shares(0.02, shared=np.nan), "2.00% of the rows of old are in new too"),
        (
            shares(0.0, near=0.5),
            "50.00% of the rows of old differ from a row of new in about a word only",
        ),
        (
            shares(0.0, near=0.5, leak=10.0, held_out=100),
            "0.00% of the rows of old are in new too, and 10.00% of its held-out rows, and "
            "another 50.00% differ from a row there in about a word only",
        ),
        (shares(np.nan), "undecided: no reason given"),
    ],
)
def test_overlap_in_words(seen, reason):
    assert first(seen).reason == reason


def test_an_unknown_overlap_is_inconclusive():
    found = first(shares(np.nan, near=0.5))
    assert (found.level, found.value) == ("inconclusive", None)
    assert found.hint


def test_a_symmetric_score_is_looked_at_once_a_pair():
    names = ["a", "b", "new"]
    for directed, ways in ((True, {"new -> a", "a -> new", "new -> b", "b -> new"}), (False, {""})):
        found = table("mean_shift", names, {}, 0.2, directed)
        seen = evidence(scores=scores(names, found))
        rules = CheckSettings(fail_under={"mean_shift": 0.5, "unknown": 0.1})
        findings = [*fail_under(seen, rules)]
        assert len(findings) == (4 if directed else 2)
        assert {f.direction for f in findings} == ways
        assert [f for f in fail_under(seen, replace(rules, min_rows=501))] == []
        assert len([*fail_under(seen, replace(rules, min_rows=500))]) == len(findings)


def test_the_gate_of_a_score():
    names = ["a", "b"]
    tables = (
        table("one", names, {("a", "b"): 0.3, ("b", "a"): 0.7}, directed=True),
        table("two", names, {("a", "b"): 0.3}, directed=False),
    )
    found = score_findings(scores(names, *tables), {"one": 0.5, "two": 0.5, "none": 0.1})
    assert [(f.rule, f.candidate, f.task, f.direction, f.level) for f in found] == [
        ("fail_under.one", "a", "b", "a -> b", "failed"),
        ("fail_under.one", "b", "a", "b -> a", "passed"),
        ("fail_under.two", "a", "b", "", "failed"),
    ]
