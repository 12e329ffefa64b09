"""The answers of a probe: one a source, by the rule; signs that agree with the verdicts."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.answers import call_of, capacity_sentence, effects_of, of_probe
from taskaff.core.answers.probe import verdict_of
from taskaff.core.records.estimate import Interval, Verdict
from taskaff.core.records.probe import CapacitySweep, PairOutcome, ProbeResult, ProbeTask
from taskaff.core.settings import ProbeSettings
from taskaff.stages.report import ReportOptions, render
from taskaff.stages.report.answers import SIGNS, blocks

CALLS = ("positive", "negative", "neutral", "inconclusive")
GAINS = {"positive": 0.03, "negative": -0.04, "neutral": 0.001, "inconclusive": 0.02}


def interval(mean, reach=0.005):
    return Interval(mean, mean - reach, mean + reach, reach / 2, 5)


def pair(source, target, call, **more):
    gain = GAINS[call]
    fields = {
        "gain": interval(gain),
        "metric": "accuracy",
        "metric_gain": interval(gain / 2),
        "verdict": Verdict(call, "interval [+0.0, +0.0] is not beyond the margin 0.01"),
        "leaked": 0.0,
        "arm": "mtl",
        "against": "alone",
        "recipe": "turns",
        "share": 0.5,
    }
    return PairOutcome(source=source, target=target, stl_loss=0.5, seeds=(), **(fields | more))


def probe(names, pairs, mode="pairs", arguments=("a.csv", "b.csv"), **settings):
    return ProbeResult(
        mode=mode,
        tasks=tuple(ProbeTask(name, 100, "classes", 2, 60, 60, 10, 30) for name in names),
        pairs=tuple(pairs),
        settings=ProbeSettings(**{"recipes": ("turns", "concat"), **settings}),
        rule="",
        runs=1,
        arguments=arguments,
    )


@st.composite
def probes(draw, least=2):
    names = "abcdefgh"[: draw(st.integers(least, 8))]
    ways = [(s, t) for s in names for t in names if s != t]
    calls = draw(st.lists(st.sampled_from(CALLS), min_size=len(ways), max_size=len(ways)))
    return probe(names, [pair(*way, call) for way, call in zip(ways, calls, strict=True)])


@given(probes())
def test_every_data_set_has_one_answer_by_the_rule(result):
    answers = of_probe(result)
    assert [answer.name for answer in answers] == [task.name for task in result.tasks]
    for answer in answers:
        own = [p.verdict.call for p in result.pairs if p.source == answer.name]
        assert answer.call == call_of(own)
        assert answer.reasons


@given(probes(), st.randoms())
def test_the_order_of_the_data_sets_changes_no_answer(result, random):
    tasks = random.sample(result.tasks, len(result.tasks))
    pairs = random.sample(result.pairs, len(result.pairs))
    shuffled = of_probe(replace(result, tasks=tuple(tasks), pairs=tuple(pairs)))
    assert [answer.name for answer in shuffled] == [task.name for task in tasks]
    calls = {answer.name: answer.call for answer in of_probe(result)}
    assert {answer.name: answer.call for answer in shuffled} == calls


@given(probes(least=3))
def test_the_signs_are_those_of_the_pairs(result):
    first = blocks(result)[0].signs
    names = [task.name for task in result.tasks]
    for i, source in enumerate(names):
        assert first[i][i] == "·"
        for j, target in enumerate(names):
            if i != j:
                assert first[i][j] == SIGNS[result.pair(source, target).verdict.call]


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("seed", range(5))
def test_eight_data_sets_take_about_a_screen(seed, width):
    random = Random(seed)
    ways = [(s, t) for s in "abcdefgh" for t in "abcdefgh" if s != t]
    both = [(way, recipe) for way in ways for recipe in ("turns", "concat")]
    pairs = [pair(*way, random.choice(CALLS), recipe=recipe) for way, recipe in both]
    text = render(probe("abcdefgh", pairs), "table", ReportOptions(width=width, verbose=False))
    lines = text.splitlines()
    commands = [line for line in lines if line.startswith("  taskaff ")]
    assert all(len(line) <= width for line in lines if line not in commands)
    assert len(lines) <= 3 * 8 + 18


def test_harm_counts_before_help_and_both_are_said():
    [answer, _] = of_probe(
        probe(
            "abc",
            [pair("a", "b", "positive"), pair("a", "c", "negative"), pair("b", "a", "neutral")],
        )
    )
    assert answer.call == "apart"
    assert answer.reasons[:2] == (
        "hurts c (−2.0 points accuracy)",  # noqa: RUF001
        "helps b (+1.5 points accuracy)",
    )
    assert answer.next == "taskaff probe a.csv b.csv --shares"


def test_a_unit_is_named_once():
    several = [pair("a", name, "positive") for name in "bcde"]
    [answer] = of_probe(probe("abcde", several))
    assert answer.reasons == ("helps b (+1.5 points accuracy), c (+1.5) and 2 more",)


def test_two_data_sets_are_told_with_intervals():
    [answer] = of_probe(probe("ab", [pair("a", "b", "positive")]))
    assert answer.reasons == (
        "helps b (+1.5 [+1.0, +2.0] points accuracy, gain in loss +0.030 [+0.025, +0.035])",
    )
    assert answer.next == ""


def test_the_loss_is_said_where_the_metric_disagrees_or_is_missing():
    worse = pair("a", "b", "positive", metric_gain=interval(-0.01))
    without = pair("a", "c", "positive", metric_gain=Interval(None))
    [answer] = of_probe(probe("abc", [worse, without]))
    assert "gain in loss +0.030, −1.0 points accuracy" in answer.reasons[0]  # noqa: RUF001
    assert "c (gain in loss +0.030)" in answer.reasons[0]


def test_what_appending_does_is_told_beside_turns():
    turns, concat = pair("a", "b", "neutral"), pair("a", "b", "negative", recipe="concat")
    [answer] = of_probe(probe("ab", [turns, concat]))
    assert answer.call == "same"
    assert "appended (concat): hurts b" in answer.reasons


@pytest.mark.parametrize(
    ("now", "best", "verdict"),
    [
        ("positive", "negative", "positive"),
        ("neutral", "positive", "positive"),
        ("negative", "positive", "positive"),
        ("negative", "neutral", "neutral"),
        ("negative", "inconclusive", "negative"),
        ("negative", None, "negative"),
        ("inconclusive", "negative", "negative"),
        ("inconclusive", "neutral", "inconclusive"),
        ("neutral", "negative", "neutral"),
    ],
)
def test_the_best_share_counts_where_the_first_recipe_does_not_help(now, best, verdict):
    known = None if best is None else pair("a", "b", best, recipe="best share", share=0.2)
    assert verdict_of(pair("a", "b", now), known) == verdict


def test_the_share_stands_in_the_answer():
    pairs = [
        pair("a", "b", "neutral"),
        pair("a", "b", "negative", recipe="concat"),
        pair("a", "b", "positive", recipe="best share", share=0.2),
    ]
    [answer] = of_probe(probe("ab", pairs, shares=True))
    assert answer.call == "add"
    assert answer.reasons[0].startswith("helps b at a share of about 20% (")


def test_shared_rows_are_told():
    [answer] = of_probe(probe("ab", [pair("a", "b", "positive", leaked=1200.0)]))
    assert answer.reasons[-1] == "shared rows were taken out: 1,200 with b"


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("interval [-0.1, +0.1] is not beyond the margin 0.01", "--target-rows 100 --max-seeds 15"),
        (
            "the target alone learns no more than 0.01 beyond a constant",
            "b.csv --seeds 3 --target-rows all",
        ),
    ],
)
def test_what_is_undecided_says_what_would_decide_it(reason, command):
    unclear = pair("a", "b", "inconclusive", verdict=Verdict("inconclusive", reason))
    asked = ("a.csv", "b.csv", "--seeds 3", "--target-rows 100")
    [answer] = of_probe(probe("ab", [unclear], arguments=asked))
    assert answer.next.endswith(command)
    assert of_probe(probe("ab", [unclear], arguments=()))[0].next == ""


def test_of_a_mix_the_added_data_set_alone_has_an_answer():
    pairs = [
        pair("c", "a", "positive", arm="mix", against="mix without"),
        pair("c", "b", "neutral", arm="mix", against="mix without"),
        pair("c", "c", "negative", arm="mix"),
        pair("c", "all", "positive", arm="mix", against="mix without"),
    ]
    [answer] = of_probe(probe("abc", pairs, mode="mix", recipes=("turns",)))
    assert (answer.name, answer.call) == ("c", "apart")
    assert "helps a (+1.5 points accuracy)" in answer.reasons
    assert any(reason.startswith("the mix hurts it") for reason in answer.reasons)
    assert any(reason.startswith("over all tasks +3.0%") for reason in answer.reasons)


def test_transfer_is_told_as_fine_tuning():
    tuned = pair("a", "b", "positive", arm="fine-tuned", recipe="")
    [answer] = of_probe(probe("ab", [tuned], mode="transfer"))
    assert answer.reasons[0].startswith("fine-tuning after it helps b (")


def test_a_sweep_says_the_capacity():
    swept = CapacitySweep("all", (2, 4), (interval(0.5), interval(0.4)), (), 4, 4)
    result = replace(probe("ab", [], mode="capacity"), capacity=(swept,))
    assert of_probe(result) == ()
    assert "need r = 4" in capacity_sentence(result)
    assert "no capacity" in capacity_sentence(
        replace(result, capacity=(replace(swept, chosen=None),))
    )


def test_a_label_in_the_text_is_told_of_its_own_data_set():
    notes = ("a: the label may be written into the text: x", "b: 3 rows were cut")
    pairs = [pair("a", "b", "positive"), pair("b", "a", "positive")]
    first, second = of_probe(replace(probe("ab", pairs), notes=notes))
    assert first.reasons[-1] == "the label may be written into the text: x"
    assert len(second.reasons) == 1


def test_controls_are_no_effects():
    control = pair("a", "b", "positive", arm="permuted source")
    found = effects_of(probe("ab", [pair("a", "b", "neutral"), control]))
    assert [each.verdict for each in found["a"]] == ["neutral"]


SENTENCES = (
    probe("ab", [pair("a", "b", "positive", leaked=12.0), pair("b", "a", "negative")]),
    probe("abc", [pair("a", "b", "positive"), pair("a", "c", "inconclusive")], shares=True),
    probe("abc", [pair("a", "b", "neutral"), pair("a", "c", "neutral", recipe="concat")]),
    probe("ab", [pair("a", "b", "positive", arm="fine-tuned", recipe="")], mode="transfer"),
    probe("ab", [pair("b", t, "negative", arm="mix") for t in ("b", "all")], mode="mix"),
)
"""Results whose answers have every kind of sentence."""


@pytest.mark.parametrize("result", SENTENCES, ids=range(len(SENTENCES)))
@pytest.mark.parametrize("width", [80, 120])
def test_every_sentence_is_whole_at_any_width(result, width):
    lines = render(result, "table", ReportOptions(width=width, verbose=False)).splitlines()
    assert all(len(line) <= width for line in lines)
    text = " ".join(line.strip() for line in lines)
    for answer in of_probe(result):
        assert f"{answer.name}: {answer.words}; {'; '.join(answer.reasons)}" in text
        assert f"  {answer.next}" in lines or not answer.next
