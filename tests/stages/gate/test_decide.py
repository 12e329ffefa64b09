"""Findings by rule, levels, precedence: from made-up evidence."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.gate._evidence import RULES, evidence, prediction, probed, scores, table, task

from taskaff.core.errors import CheckError
from taskaff.core.records.estimate import Estimate
from taskaff.core.settings import CheckSettings, Limit
from taskaff.stages.gate import check, outside, require_rules, worst

TODAY = datetime.date(2026, 11, 23)
SHARES = st.floats(0, 1)


def levels(result, rule):
    return {(f.task, f.direction): f.level for f in result.findings if f.rule == rule}


# ------------------------------------------------------------------ one number, one limit


@given(SHARES, SHARES, SHARES, SHARES)
def test_an_interval_fails_or_passes_only_as_a_whole(a, b, c, limit):
    low, value, high = sorted((a, b, c))
    level = outside(Estimate(value, low, high), Limit(fail=limit))
    assert level == ("failed" if low > limit else "inconclusive" if high > limit else "passed")


@given(SHARES, SHARES, SHARES)
def test_a_warning_looks_at_the_value(value, one, other):
    warn, fail = sorted((one, other))
    level = outside(Estimate(value), Limit(warn, fail))
    assert level == ("failed" if value > fail else "warned" if value > warn else "passed")


def test_the_limit_itself_is_kept():
    assert outside(Estimate(0.0), Limit(fail=0.0)) == "passed"
    assert outside(Estimate(1e-9), Limit(fail=0.0)) == "failed"


def test_undefined_is_inconclusive():
    assert outside(Estimate(None), Limit(fail=0.5)) == "inconclusive"


# ------------------------------------------------------------------------ probability


@pytest.mark.parametrize(
    ("p", "outcome"),
    [
        (0.1, "passed"),
        (0.4, "warned"),
        (0.55, "warned"),
        (0.56, "inconclusive"),
        (0.65, "inconclusive"),
        (0.66, "failed"),
        (1.0, "failed"),
    ],
)
def test_a_probability_near_its_limit_decides_nothing(p, outcome):
    result = check(evidence(p), RULES, TODAY)
    assert result.outcome == outcome
    assert set(levels(result, "probability_negative").values()) == {outcome}


def test_both_directions_count_unless_told_otherwise():
    harm = [prediction("new", "a", 0.9), prediction("a", "new", 0.1)]
    seen = evidence(mix=("a",), predictions=tuple(harm))
    ways = {
        "both": {"new -> a": "failed", "a -> new": "passed"},
        "into-mix": {"new -> a": "failed"},
        "from-mix": {"a -> new": "passed"},
    }
    for directions, expected in ways.items():
        result = check(seen, replace(RULES, directions=directions), TODAY)
        found = levels(result, "probability_negative")
        assert {way: level for (_, way), level in found.items()} == expected
        assert result.outcome == worst(f for f in result.findings)


def test_no_prediction_is_inconclusive_with_its_reason():
    nothing = prediction("new", "a", 0.5, gain=None, note="no labels")
    seen = evidence(mix=("a",), predictions=(nothing,))
    result = check(seen, RULES, TODAY)
    reasons = {f.direction: f.reason for f in result.findings if f.level == "inconclusive"}
    assert reasons == {
        "new -> a": "undecided: no labels",
        "a -> new": "undecided: no prediction for this pair",
    }


@pytest.mark.parametrize("p", [0.0, 0.4, 0.6, 0.9, 1.0])
def test_a_prediction_outside_of_the_atlas_decides_nothing(p):
    ways = (("new", "a"), ("a", "new"))
    strange = tuple(prediction(*way, p, outside=("target_rows",)) for way in ways)
    result = check(evidence(mix=("a",), predictions=strange), RULES, TODAY)
    assert result.outcome == "inconclusive"
    for finding in result.findings[:2]:
        assert (finding.level, finding.value) == ("inconclusive", None)
        assert "extrapolated: unlike any data set in the atlas (target_rows)" in finding.reason
        assert finding.command == "taskaff check new --probe --budget 5m " + LIMIT


LIMIT = "--config check.max_loss_increase=0.1"


@pytest.mark.parametrize("recipe", ["turns", "share=0.2", "temperature=2", "together"])
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_predictions_decide_for_the_recipe_that_they_are_of_alone(recipe, p):
    result = check(evidence(p), replace(RULES, recipe=recipe), TODAY)
    assert result.outcome == "inconclusive"
    assert set(levels(result, "probability_negative").values()) == {"inconclusive"}
    finding = result.findings[0]
    assert finding.reason == (
        "undecided: the prediction is of concatenated training, and the mix is trained by "
        f"{recipe}: run the probe"
    )
    assert {each.verdict for each in result.predictions} == {"inconclusive"}


@given(SHARES, SHARES, SHARES)
def test_the_word_of_a_prediction_is_that_of_its_finding(p, one, other):
    warn, fail = sorted((one, other))
    rules = replace(RULES, probability_negative=Limit(warn, fail))
    result = check(evidence(p, mix=("a",)), rules, TODAY)
    found = {f.direction: f.level for f in result.findings if f.rule == "probability_negative"}
    for each in result.predictions:
        level = found[f"{each.source} -> {each.target}"]
        assert (each.verdict == "negative") is (level == "failed")
        assert each.verdict == "inconclusive" or level == "failed"


def test_who_suffers_is_told_apart():
    harm = (prediction("new", "a", 0.9), prediction("a", "new", 0.9))
    result = check(evidence(mix=("a",), predictions=harm), RULES, TODAY)
    found = [f for f in result.findings if f.rule == "probability_negative"]
    assert {f.direction: f.who for f in found} == {"new -> a": "mix", "a -> new": "newcomer"}


def test_the_newcomer_may_have_limits_of_its_own():
    rules = replace(RULES, newcomer_probability_negative=Limit(fail=0.95))
    found = levels(check(evidence(0.8, mix=("a",)), rules, TODAY), "probability_negative")
    assert found == {("a", "new -> a"): "failed", ("a", "a -> new"): "passed"}
    hurt = (0.07, 0.06, 0.08)
    seen = evidence(measured={"new": probed("new", a=hurt, b=hurt, new=hurt)})
    measured = replace(MEASURED, newcomer_max_loss_increase=0.1)
    assert levels(check(seen, measured, TODAY), "max_loss_increase") == {
        ("a", "new -> a"): "failed",
        ("b", "new -> b"): "failed",
        ("", "mix -> new"): "passed",
    }


def test_a_limit_on_the_newcomer_where_the_mix_alone_is_judged_warns():
    rules = replace(RULES, directions="into-mix", newcomer_max_loss_increase=0.1)
    result = check(evidence(0.0), rules, TODAY)
    assert [f.reason for f in result.findings if f.rule == "configuration"] == [
        "check.newcomer_max_loss_increase can never fail: "
        'directions = "into-mix" leaves the newcomer out'
    ]


# ---------------------------------------------------------------------- rows, overlap


@pytest.mark.parametrize("p", [0.0, 0.99])
def test_a_tiny_candidate_is_inconclusive_whatever_is_predicted(p):
    result = check(evidence(p, rows=49), RULES, TODAY)
    assert result.outcome == "inconclusive"
    assert levels(result, "min_rows") == {("", ""): "inconclusive"}
    assert levels(result, "probability_negative") == {}


def test_a_tiny_candidate_that_leaks_has_failed():
    assert check(evidence(0.1, shared=0.5, rows=5), RULES, TODAY).outcome == "failed"


def test_a_tiny_task_of_the_mix_leaves_its_own_pairs_open():
    seen = evidence()
    seen = replace(seen, mix=(task("a", 10), task("b")))
    result = check(seen, RULES, TODAY)
    assert levels(result, "min_rows") == {("a", ""): "inconclusive"}
    assert {t for t, _ in levels(result, "probability_negative")} == {"b"}


def overlapping(share, leak, held_out):
    names = ["a", "new"]
    found = table(
        "overlap",
        names,
        {("new", "a"): share},
        extras=[("leak", {("new", "a"): leak}, float("nan")), ("shared", {}, 3.0)],
    )
    seen = evidence(mix=("a",), scores=scores(names, found))
    return replace(seen, mix=(task("a", held_out=held_out),))


def test_held_out_rows_count_by_themselves():
    """Ten thousand rows that share nothing but a test split still leak."""
    result = check(overlapping(0.005, 30, 100), RULES, TODAY)
    [finding] = [f for f in result.findings if f.level == "failed"]
    assert finding.value == 0.3
    assert "30.00% of its held-out rows" in finding.reason
    assert check(overlapping(0.005, 0, 100), RULES, TODAY).outcome == "passed"


def test_a_sampled_overlap_around_its_limit_is_inconclusive():
    names = ["a", "new"]
    found = table("overlap", names, default=0.012, spread=0.005)
    result = check(evidence(mix=("a",), scores=scores(names, found)), RULES, TODAY)
    assert result.outcome == "inconclusive"


# ---------------------------------------------------------------------------- scores


@pytest.mark.parametrize("directed", [True, False])
def test_limits_on_scores(directed):
    names = ["a", "new"]
    found = table("mean_shift", names, {("new", "a"): 0.2}, 0.9, directed, spread=0.05)
    rules = CheckSettings(fail_under={"mean_shift": 0.5})
    result = check(evidence(mix=("a",), scores=scores(names, found)), rules, TODAY)
    got = levels(result, "fail_under.mean_shift")
    assert got == (
        {("a", "new -> a"): "failed", ("a", "a -> new"): "passed"}
        if directed
        else {("a", ""): "failed"}
    )


# -------------------------------------------------------------------------- measured

MEASURED = replace(RULES, probe=True, max_loss_increase=0.02)


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ((0.05, 0.03, 0.07), "failed"),
        ((0.05, 0.01, 0.09), "inconclusive"),
        ((0.01, 0.0, 0.02), "passed"),
        ((-0.2, -0.3, -0.1), "passed"),
        ((None, None, None), "inconclusive"),
    ],
)
def test_the_probe_decides_on_the_whole_interval(found, level):
    safe = (0.0, -0.01, 0.01)
    seen = evidence(0.99, measured={"new": probed("new", a=found, b=safe, new=safe)})
    result = check(seen, MEASURED, TODAY)
    assert levels(result, "max_loss_increase") == {
        ("a", "new -> a"): level,
        ("b", "new -> b"): "passed",
        ("", "mix -> new"): "passed",
    }
    assert levels(result, "probability_negative") == {}
    assert result.outcome == level


def test_a_nearly_solved_task_is_given_the_margin():
    """A loss of 0.004 that becomes 0.008 has doubled, and nobody would notice."""
    safe = (0.0, -0.01, 0.01)
    result = probed("new", a=(1.0, 0.9, 1.1), b=safe, new=safe)
    small = replace(
        result.pairs[0],
        stl_loss=0.004,
        gain=replace(result.pairs[0].gain, mean=-0.004, low=-0.005, high=-0.003),
    )
    seen = evidence(measured={"new": replace(result, pairs=(small, *result.pairs[1:]))})
    assert check(seen, MEASURED, TODAY).outcome == "passed"
    assert check(seen, replace(MEASURED, margin=0.001), TODAY).outcome == "failed"


def test_a_task_that_was_not_measured_is_inconclusive():
    safe = (0.0, -0.01, 0.01)
    seen = evidence(measured={"new": probed("new", a=safe, new=safe)})
    result = check(seen, MEASURED, TODAY)
    assert levels(result, "max_loss_increase")["b", "new -> b"] == "inconclusive"


# --------------------------------------------------------------------- rules that cannot


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (CheckSettings(), "sets no limit"),
        (CheckSettings(max_loss_increase=0.1), "what the probe measures"),
        (CheckSettings(probability_negative=Limit(fail=0.5), probe=True), "no limit is set"),
    ],
)
def test_no_rule_is_an_error_and_no_pass(rules, found):
    with pytest.raises(CheckError, match=found) as error:
        require_rules(rules)
    assert error.value.hint


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"probability_negative": Limit(fail=1.0)}, "check.probability_negative"),
        ({"probability_negative": Limit(0.5, 0.96)}, "check.probability_negative"),
        (
            {"probability_negative": Limit(warn=0.3), "overlap": None},
            "check.probability_negative",
        ),
        ({"overlap": Limit(fail=1.0)}, "check.overlap"),
        ({"fail_under": {"overlap": 0.0}}, "check.fail_under.overlap"),
    ],
)
def test_a_limit_that_can_never_fail_warns(changes, key):
    result = check(evidence(0.0), replace(RULES, **changes), TODAY)
    [finding] = [f for f in result.findings if f.rule == "configuration"]
    assert (finding.level, result.outcome) == ("warned", "warned")
    assert finding.reason.startswith(f"{key} can never fail")
    assert result.candidates[0].outcome == "passed"


def test_usual_limits_warn_of_nothing():
    assert check(evidence(0.0), RULES, TODAY).outcome == "passed"


# ------------------------------------------------------------------------- precedence

ORDER = ("failed", "inconclusive", "warned", "passed")
KINDS = {"passed": 0.1, "warned": 0.4, "inconclusive": 0.6, "failed": 0.9}


@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
def test_the_worst_finding_is_the_outcome(kinds):
    names = tuple(f"c{n}" for n in range(len(kinds)))
    predictions = [
        prediction(*way, KINDS[kind])
        for name, kind in zip(names, kinds, strict=True)
        for way in ((name, "a"), ("a", name))
    ]
    seen = evidence(candidates=names, mix=("a",), predictions=tuple(predictions))
    result = check(seen, RULES, TODAY)
    assert result.outcome == min(kinds, key=ORDER.index)
    assert [each.outcome for each in result.candidates] == kinds
    ranks = [(*ORDER[:3], "waived", "passed").index(f.level) for f in result.findings]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("ends", [{"low": None}, {"high": None}, {"low": None, "high": None}])
def test_an_increase_without_both_ends_decides_nothing(ends):
    safe = (0.0, -0.01, 0.01)
    result = probed("new", a=(0.01, 0.0, 0.02), b=safe, new=safe)
    first = replace(result.pairs[0], gain=replace(result.pairs[0].gain, **ends))
    seen = evidence(measured={"new": replace(result, pairs=(first, *result.pairs[1:]))})
    [found] = [
        f
        for f in check(seen, MEASURED, TODAY).findings
        if f.rule == "max_loss_increase" and f.task == "a"
    ]
    assert (found.level, found.value) == ("inconclusive", None)
    assert "an interval needs at least two seeds" in found.reason
