"""The baseline: stable bytes, what is worse, what does not compare, what is corrupt."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.gate._evidence import RULES, evidence, prediction, scores, table, task

from taskaff.core.errors import CheckError
from taskaff.core.records.data import ROW_IDENTITY
from taskaff.core.records.embedding import EncoderCard
from taskaff.stages.gate import check, load, merged, read

TODAY = datetime.date(2026, 11, 23)


def lock_of(seen, rules=RULES):
    return check(seen, rules, TODAY).lock


def compared(before, now, rules=RULES):
    return check(now, rules, TODAY, ("x.lock.json", load(lock_of(before, rules), "x.lock.json")))


def of_baseline(result):
    return [f for f in result.findings if f.rule == "baseline"]


def test_the_same_check_gives_the_same_bytes():
    one = evidence(0.1, candidates=("b", "c"), mix=("m", "a"))
    other = replace(
        one,
        candidates=one.candidates[::-1],
        mix=one.mix[::-1],
        predictions=one.predictions[::-1],
    )
    assert lock_of(one) == lock_of(other)
    assert lock_of(one).endswith("}\n")
    assert lock_of(one).isascii()


@given(st.floats(-4e-6, 4e-6))
def test_noise_of_a_machine_changes_no_byte(noise):
    assert lock_of(evidence(0.25 + noise)) == lock_of(evidence(0.25))


def test_the_lock_names_no_path_and_no_time():
    text = lock_of(evidence())
    assert ".csv" not in text
    assert "2026" not in text


@given(st.floats(0, 0.5))
def test_what_was_written_compares_equal_to_itself(p):
    result = compared(evidence(p), evidence(p))
    assert result.baseline.state == "compared"
    assert {f.level for f in of_baseline(result)} == {"passed"}


@pytest.mark.parametrize(
    ("now", "level"), [(0.05, "passed"), (0.15, "passed"), (0.16, "failed"), (0.29, "failed")]
)
def test_worse_than_the_baseline_fails_though_the_limit_is_kept(now, level):
    result = compared(evidence(0.1), evidence(now))
    found = [f for f in of_baseline(result) if f.reason.startswith("probability_negative")]
    assert {f.level for f in found} == {level}
    assert result.outcome == level
    assert all(bool(f.hint) is (level == "failed") for f in found)


def test_a_score_is_worse_when_it_is_lower():
    names = ["a", "new"]
    rules = replace(RULES, fail_under={"mean_shift": 0.1})

    def seen(value):
        tables = [table("overlap", names), table("mean_shift", names, default=value)]
        return evidence(mix=("a",), scores=scores(names, *tables))

    assert compared(seen(0.9), seen(0.8), rules).outcome == "failed"
    assert compared(seen(0.8), seen(0.9), rules).outcome == "passed"


def test_a_number_that_is_gone_is_inconclusive():
    gone = tuple(replace(p, gain=replace(p.gain, value=None)) for p in evidence().predictions)
    assert compared(evidence(), evidence(predictions=gone)).outcome == "inconclusive"


def other_encoder(seen):
    return replace(seen, scores=replace(seen.scores, encoder=EncoderCard("other", "0" * 64, 2)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_encoder, "encoder fake, not other"),
        (lambda e: replace(e, mix=(task("a", 501), *e.mix[1:])), "a has other rows"),
        (lambda e: replace(e, predictor="fake 2"), "another version"),
        (lambda e: evidence(mix=("a", "b", "c")), "c is new"),
        (lambda e: evidence(mix=("a",)), "b is gone"),
    ],
)
def test_what_does_not_compare_is_inconclusive_with_the_reason(change, why):
    result = compared(evidence(), change(evidence()))
    [finding] = of_baseline(result)
    assert result.baseline.state == "not comparable"
    assert (finding.level, result.outcome) == ("inconclusive", "inconclusive")
    assert why in finding.reason
    assert "--write-baseline" in finding.hint


def test_other_settings_do_not_compare():
    lock = load(lock_of(evidence()), "x")
    result = check(evidence(), replace(RULES, margin=0.1), TODAY, ("x", lock))
    assert result.baseline.state == "not comparable"


def test_a_baseline_of_another_row_identity_does_not_compare():
    lock = json.loads(lock_of(evidence()))
    assert lock.pop("row_identity") == ROW_IDENTITY
    result = check(evidence(), RULES, TODAY, ("x", load(json.dumps(lock), "x")))
    assert result.baseline.state == "not comparable"
    assert "another rule" in result.baseline.reason


def test_a_candidate_that_the_baseline_does_not_know_has_nothing_to_compare():
    result = compared(evidence(), evidence(candidates=("other",)))
    assert of_baseline(result) == []


def test_a_candidate_with_new_rows_compares():
    """That is what a baseline is for: the data set has changed, is it worse?"""
    seen = evidence(0.3)
    seen = replace(seen, candidates=(task("new", 900),))
    assert compared(evidence(0.1), seen).outcome == "failed"


GOOD = json.loads(lock_of(evidence()))


def broken(**changes):
    return json.dumps({**GOOD, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "<<<<<<< HEAD\n{}",
        lock_of(evidence())[:100],
        broken(version=2),
        broken(version="1"),
        broken(mix=[]),
        broken(mix={"a": {"rows": "5", "inputs": []}}),
        broken(encoder=None),
        broken(predictor=3),
        broken(candidates={"new": {"rows": 5, "inputs": []}}),
        broken(candidates={"new": {"rows": 5, "inputs": [], "numbers": {"overlap: x": "0"}}}),
        '{"version": 1, "version": 1}',
        lock_of(evidence()).replace("0.1", "NaN"),
        "[" * 100_000,
    ],
)
def test_a_corrupt_lock_is_refused(text):
    with pytest.raises(CheckError, match="not a baseline") as error:
        load(text, "taskaff.lock.json")
    assert error.value.where.file == "taskaff.lock.json"
    assert "--write-baseline" in error.value.hint


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "taskaff.lock.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckError, match=r"taskaff\.lock\.json"):
        read(path)


def test_predictions_are_those_of_the_pair():
    seen = evidence(predictions=(prediction("new", "a", 0.2),), mix=("a",))
    numbers = json.loads(lock_of(seen))["candidates"]["new"]["numbers"]
    assert numbers == {
        "overlap: a -> new": 0.0,
        "overlap: new -> a": 0.0,
        "probability_negative: new -> a": 0.2,
    }


# ------------------------------------------------------------------------- merging

CHOICES = st.sets(st.sampled_from("vwxyz"), min_size=1)


def added(before, now, **more):
    return merged(load(lock_of(before), "x"), lock_of(now), "x.lock.json", **more)


@given(CHOICES, CHOICES)
def test_a_second_baseline_keeps_the_candidates_of_the_first(first, second):
    one, other = (evidence(candidates=tuple(sorted(names))) for names in (first, second))
    text, dropped = added(one, other)
    both = tuple(sorted(first | second))
    assert (text, dropped) == (lock_of(evidence(candidates=both)), ())
    assert added(other, one)[0] == text
    assert added(evidence(candidates=both), one)[0] == text


def test_numbers_of_the_same_candidate_are_replaced():
    text, _ = added(evidence(0.1), evidence(0.2))
    assert text == lock_of(evidence(0.2))


def test_numbers_that_no_longer_compare_are_never_lost_silently():
    before, now = evidence(candidates=("x", "y")), evidence(candidates=("y",), mix=("a",))
    with pytest.raises(CheckError, match=r"numbers of x would be lost.*b is gone") as error:
        added(before, now)
    assert "taskaff check --write-baseline" in error.value.hint
    assert added(before, now, force=True) == (lock_of(now), ("x",))


def test_a_candidate_that_has_joined_the_mix_is_none_any_more():
    before, now = evidence(candidates=("x",)), evidence(candidates=("y",), mix=("a", "b", "x"))
    assert added(before, now) == (lock_of(now), ())


def test_another_recipe_does_not_compare_with_what_was_measured():
    rules = replace(RULES, probe=True, max_loss_increase=0.1, recipe="turns")
    lock = load(lock_of(evidence(), rules), "x")
    other = replace(rules, recipe="concat")
    assert check(evidence(), rules, TODAY, ("x", lock)).baseline.state == "compared"
    found = check(evidence(), other, TODAY, ("x", lock))
    assert "another margin or recipe" in found.baseline.reason


def test_the_command_that_writes_it_anew_names_what_it_would_drop():
    now = evidence(candidates=("y",), mix=("a",))
    [finding] = of_baseline(compared(evidence(candidates=("x", "y")), now))
    assert finding.command == "taskaff check y --write-baseline --force"
    assert "drops those of x" in finding.advice


@pytest.mark.parametrize("probe", [True, False])
def test_the_recipe_is_a_condition_of_what_was_measured_alone(probe):
    for recipe in ("turns", "concat", "share=0.1"):
        rules = replace(RULES, probe=probe, max_loss_increase=0.1 if probe else None, recipe=recipe)
        kept = json.loads(lock_of(evidence(), rules))["settings"].get("recipe")
        assert kept == (recipe if probe and recipe != "turns" else None)


def test_in_words_a_number_is_worse_by_more_than_is_allowed():
    for now, end in ((0.29, ", worse by more than 0.05"), (0.11, " is 0.1100 now")):
        reasons = [f.reason for f in of_baseline(compared(evidence(0.1), evidence(now)))]
        assert any(reason.endswith(end) for reason in reasons), reasons
    gone = evidence(predictions=(prediction("new", "a", 0.1, gain=None),), mix=("a",))
    gone = replace(gone, predictions=(*gone.predictions, prediction("a", "new", 0.1)))
    before = evidence(0.1, mix=("a",))
    [lost] = [f for f in of_baseline(compared(before, gone)) if f.value is None]
    assert lost.reason.endswith(" and is undefined now")
