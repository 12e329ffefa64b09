"""The answer on a candidate, from findings made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stages.gate._evidence import evidence, probed

from taskaff.core.records.estimate import Interval
from taskaff.core.records.finding import Finding
from taskaff.core.records.probe import Verdict
from taskaff.stages.gate.answers import MOST, answer

PREDICTED, MEASURED = "probability_negative", "max_loss_increase"


def finding(rule, level="passed", value=0.1, task="a", reason="", **more):
    way = more.pop("direction", f"new -> {task}" if task else "")
    candidate = more.pop("candidate", "new")
    reason = reason or f"{rule} of {task} is {value}"
    return Finding(rule, candidate, task, way, level, value, 0.5, reason, **more)


def said(findings, outcome="passed", seen=None):
    seen = seen or evidence()
    return answer(seen, seen.candidates[0], outcome, findings)


def test_of_rules_that_passed_the_largest_number_is_a_reason():
    found = said(
        [
            finding(PREDICTED, value=0.1, task="a"),
            finding(PREDICTED, value=0.3, task="b"),
            finding(PREDICTED, "warned", 0.4, "b", "a warning"),
            finding(PREDICTED, value=0.9, candidate="another"),
            finding("overlap", value=0.0),
            finding("overlap", value=None),
            finding("fail_under.mean_shift", value=0.7),
        ]
    )
    assert found.call == "add"
    assert found.reasons == ("a warning", "probability_negative of b is 0.3")
    shared = said([finding(PREDICTED, value=0.0), finding("overlap", value=0.2, task="b")])
    assert shared.reasons == ("overlap of b is 0.2",)


@pytest.mark.parametrize("rule", [PREDICTED, MEASURED])
def test_without_a_limit_on_effects_that_is_said(rule):
    none = "no limit on its effects is set"
    assert said([finding("overlap", value=0.2)]).reasons == ("overlap of a is 0.2", none)
    assert none not in said([finding(rule)]).reasons


def test_what_is_waived_comes_before_what_warns():
    warned = finding("fail_under.mean_shift", "warned", reason="it is low")
    waived = finding(MEASURED, "waived", task="b", reason="it rises")
    lone = finding("baseline", "warned", task="", reason="it is old", direction="")
    assert said([warned, waived, lone]).reasons == (
        "accepted by a waiver: it rises",
        "new -> a: it is low",
        "new: it is old",
    )


@pytest.mark.parametrize(("outcome", "call"), [("failed", "apart"), ("inconclusive", "undecided")])
def test_what_decided_is_the_reason(outcome, call):
    findings = [
        finding(PREDICTED, outcome, reason="undecided: nobody knows"),
        finding("fail_under.x", outcome, reason="x is below 1", hint="do it: taskaff first"),
        finding("overlap", outcome, reason="undecided: nobody knows", hint="or: taskaff second"),
        finding("overlap", "warned", reason="not this", hint="no: taskaff third"),
    ]
    found = said(findings, outcome)
    assert found.call == call
    assert found.reasons == ("nobody knows", "new -> a: x is below 1")
    assert found.next == "taskaff first"
    assert said(findings[:1], outcome).next == ""


@pytest.mark.parametrize("more", [0, 1, 2])
def test_three_reasons_are_given(more):
    findings = [finding(PREDICTED, "failed", reason=f"r{n}") for n in range(MOST + more)]
    found = said(findings, "failed").reasons
    assert found[:3] == ("r0", "r1", "r2")
    assert found[3:] == ((f"and {more} more reasons",) if more else ())


def measured(calls):
    """A probe of the mix with ``calls``: task to verdict and gain."""
    result = probed("new", **dict.fromkeys(calls, (0.0, -0.1, 0.1)))
    pairs = [
        replace(
            pair,
            verdict=Verdict(calls[pair.target][0], ""),
            gain=Interval(calls[pair.target][1], n=5),
        )
        for pair in result.pairs
    ]
    return evidence(measured={"new": replace(result, pairs=tuple(pairs))})


@pytest.mark.parametrize(
    ("calls", "call"),
    [
        ({"a": ("neutral", 0.0), "new": ("neutral", 0.0)}, "same"),
        ({"a": ("neutral", 0.0), "new": ("positive", 0.1)}, "add"),
    ],
)
def test_no_difference_is_what_was_measured_within_the_margin(calls, call):
    findings = [finding(MEASURED, task="a"), finding(MEASURED, task="", direction="mix -> new")]
    assert said(findings, seen=measured(calls)).call == call
    assert said(findings).call == "add"  # nothing was measured


def test_measured_effects_are_told_the_largest_gain_first():
    seen = measured({"a": ("positive", 0.1), "b": ("positive", 0.3), "new": ("negative", -0.2)})
    findings = [finding(MEASURED, task=name) for name in ("a", "b", "")]
    reasons = said(findings, seen=seen).reasons
    assert [reason.split(" ")[0] for reason in reasons] == ["b", "a", "new"]
    assert reasons[2].startswith("new in the mix ")
    only = said([finding(PREDICTED, task="a")], seen=seen).reasons
    assert only == ("probability_negative of a is 0.1",)
