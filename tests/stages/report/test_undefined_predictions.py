"""Where nothing can be predicted, every format says so and none shows a number."""

from __future__ import annotations

import json
from dataclasses import replace

from stages.gate._evidence import RULES, evidence, prediction
from stages.report._checks import TODAY

from taskaff.core.records.estimate import Estimate
from taskaff.stages.gate import check
from taskaff.stages.report import predictions, render
from taskaff.stages.report.documents import document

WHY = "nothing to predict: 'a' has no linear model (labels, rows or inputs)"
NOTHING = replace(
    prediction("new", "a", 0.5),
    gain=Estimate(None, note=WHY),
    probability_negative=None,
    probability_positive=None,
    verdict="inconclusive",
    note=WHY,
)


def test_cells_and_json():
    assert predictions.cells(NOTHING) == ["\u2013"] * 3 + ["inconclusive", WHY]
    found = document(NOTHING)
    assert found["probability_negative"] is None
    assert found["probability_positive"] is None
    assert found["gain"]["value"] is None


def test_of_many_those_in_the_middle_are_left_out():
    ends = [prediction("new", f"t{n}", n / 100) for n in range(100)]
    kept, left_out = predictions.shown([NOTHING, *ends])
    assert left_out == 101 - predictions.MOST
    assert NOTHING not in kept


def test_a_check():
    defined = prediction("a", "new", 0.2)
    result = check(evidence(mix=("a",), predictions=(NOTHING, defined)), RULES, TODAY)
    assert result.outcome == "inconclusive"
    text = render(result, "table")
    lines = [line.split() for line in text.splitlines() if "\u2192" in line.split()[1:2]]
    assert lines[-1] == ["new", "\u2192", "a", *["\u2013"] * 3, "inconclusive"]
    assert lines[-2][:4] == ["a", "\u2192", "new", "0.20"]
    (told,) = [p for p in json.loads(render(result, "json"))["predictions"] if p["source"] == "new"]
    assert (told["probability_negative"], told["gain"]["value"]) == (None, None)
