"""Waivers: what they accept, until when, and what is said of them."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from stages.gate._evidence import RULES, evidence

from taskaff.core.errors import ConfigError
from taskaff.core.settings import Waived
from taskaff.stages.gate import check, require_known

TODAY = datetime.date(2026, 11, 23)
DAY = datetime.timedelta(days=1)


def waived(pair=("a", "new"), expires=None):
    return Waived(pair, "known, see docs", expires)


def outcome(p, *waivers, **more):
    result = check(evidence(p, mix=("a",), **more), replace(RULES, waivers=waivers), TODAY)
    return result, [f for f in result.findings if f.rule == "waiver"]


@pytest.mark.parametrize(("p", "level"), [(0.9, "failed"), (0.6, "inconclusive"), (0.4, "warned")])
@pytest.mark.parametrize("pair", [("a", "new"), ("new", "a")])
def test_a_waived_pair_passes_and_is_shown_with_its_reason(p, level, pair):
    result, said = outcome(p, waived(pair, TODAY + DAY))
    assert (result.outcome, said) == ("passed", [])
    findings = [f for f in result.findings if f.rule == "probability_negative"]
    assert {(f.level, f.was, f.waiver) for f in findings} == {
        ("waived", level, "known, see docs (until 2026-11-24)")
    }


def test_only_its_own_pair():
    result = check(evidence(0.9), replace(RULES, waivers=(waived(),)), TODAY)
    found = {(f.task, f.level) for f in result.findings if f.rule == "probability_negative"}
    assert found == {("a", "waived"), ("b", "failed")}
    assert result.outcome == "failed"


def test_the_last_day_counts():
    assert outcome(0.9, waived(expires=TODAY))[0].outcome == "passed"


def test_an_expired_waiver_no_longer_applies_and_says_so():
    result, [said] = outcome(0.9, waived(expires=TODAY - DAY))
    assert result.outcome == "failed"
    assert "expired on 2026-11-22 and no longer applies" in said.reason
    assert (said.level, bool(said.hint)) == ("warned", True)


def test_an_expired_waiver_warns_though_everything_passes():
    result, [said] = outcome(0.1, waived(expires=TODAY - DAY))
    assert (result.outcome, said.level) == ("warned", "warned")


@pytest.mark.parametrize("pair", [("a", "new"), ("new", "new"), ("a", "a")])
def test_a_waiver_that_waives_nothing_warns(pair):
    result, [said] = outcome(0.1, waived(pair))
    assert result.outcome == "warned"
    assert "waives nothing" in said.reason


def test_a_waiver_of_another_candidate_is_left_alone():
    """Another job checks it: no word about it here."""
    assert outcome(0.1, waived(("a", "other")))[1] == []


def test_the_rows_of_a_tiny_candidate_cannot_be_waived():
    assert outcome(0.1, waived(), rows=5)[0].outcome == "inconclusive"


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"waivers\[1\] names 'nw'") as error:
        require_known((waived(), waived(("a", "nw"))), ["a", "b", "new"])
    assert "did you mean 'new'?" in error.value.hint
