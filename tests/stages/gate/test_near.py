"""Near copies count in the gate as shared rows do."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from stages.gate._evidence import RULES, evidence, scores, table

from taskaff.stages.gate import check

NAMES = ["old", "new"]


def overlapping(near: float, exact: float = 0.0):
    found = table("overlap", NAMES, default=exact, extras=[("near", {}, near)])
    return evidence(candidates=("new",), mix=("old",), scores=scores(NAMES, found))


def found(near: float, exact: float = 0.0):
    result = check(overlapping(near, exact), RULES, date(2026, 1, 1))
    return [finding for finding in result.findings if finding.rule == "overlap"]


def test_near_copies_fail_the_gate():
    for finding in found(0.93):
        assert finding.level == "failed"
        assert finding.value == pytest.approx(0.93)
        assert finding.reason.startswith("93.00% of the rows of ")
        assert finding.reason.endswith(" in about a word only")


def test_exact_and_near_copies_add_up():
    both = found(0.006, 0.006)
    assert {finding.level for finding in both} == {"failed"}
    assert all("and another 0.60% differ from a row there" in each.reason for each in both)
    assert {finding.level for finding in found(0.003, 0.003)} == {"passed"}


def test_unknown_near_copies_change_nothing():
    assert {finding.level for finding in found(np.nan)} == {"passed"}
