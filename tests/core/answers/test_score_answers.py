"""What scores alone answer: undecided with the command, unless the mix is concatenated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.report._zoo import result, summary

from taskaff.core.answers import of_score
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.prediction import Prediction
from taskaff.stages.report import ReportOptions, render


def prediction(source, target, verdict, outside=()):
    gain = Estimate(0.1, 0.0, 0.2)
    return Prediction(source, target, gain, 0.1, 0.8, 0.01, 0.9, verdict, outside=outside)


def scored(**more):
    found = result(("a", "b", "c"), scores=("overlap",))
    for array in (found.tables["overlap"].value, found.tables["overlap"].extras["shared"]):
        array[:] = 0.0
    return replace(found, arguments=("a.csv", "'b b.csv'", "c.csv", "--limit 5"), **more)


def test_of_turns_nothing_is_decided_and_the_probe_is_named():
    known = (prediction("a", "b", "negative"), prediction("a", "c", "positive"))
    result = scored(predictions=known)
    assert result.answers == of_score(result)
    first, *others = of_score(result)
    assert {each.call for each in (first, *others)} == {"undecided"}
    assert first.reasons[0] == "run the probe"
    assert "appended (concat), predicted to hurt b and help c" in first.reasons
    assert first.next == "taskaff probe a.csv 'b b.csv' c.csv --limit 5"


def test_of_concatenation_the_predictions_decide():
    known = (
        prediction("a", "b", "negative"),
        prediction("b", "a", "positive"),
        prediction("c", "a", "negative", outside=("encoder",)),
    )
    answers = of_score(scored(predictions=known, recipe="concat"))
    assert [answer.call for answer in answers] == ["apart", "add", "undecided"]


@pytest.mark.parametrize(
    "arguments", [(), ("a.taskaff", "b.csv", "c.csv"), ("-", "b.csv", "c.csv")]
)
def test_no_command_is_proposed_that_could_not_run(arguments):
    assert {each.next for each in of_score(replace(scored(), arguments=arguments))} == {""}


def test_shared_rows_copies_labels_and_words_are_said():
    found = scored()
    table = found.tables["overlap"]
    table.extras["shared"][0, 1] = table.extras["shared"][1, 0] = 40.0
    table.value[1, 0], table.value[0, 1] = 0.999, 0.2
    blank = replace(summary("c", kind="none"), counts=EncodeCounts(100, 80))
    found = replace(found, tasks=(*found.tasks[:2], blank))
    copy, other, blank_one = of_score(found)
    assert "a copy: b has 100% of its rows too" in copy.reasons
    assert "shares 40 rows with a (20% of its own)" in other.reasons
    assert "same label names as b" in copy.reasons
    assert blank_one.reasons == (
        "it has no labels, so that nothing can be trained on it",
        "80% of its words are unknown to the encoder",
    )
    assert copy.next == ""


def test_scores_that_say_nothing_take_one_line():
    found = scored()
    names = ("theorem2", "overlap")
    found = replace(
        found, tables={n: result(("a", "b", "c"), scores=(n,)).tables[n] for n in names}
    )
    table = found.tables["theorem2"]
    table.notes.clear()
    table.notes.update({(i, j): "vacuous: kappa" for i in range(3) for j in range(3) if i != j})
    table.value[0, 1] = np.nan
    for format in ("table", "markdown"):
        text = render(found, format, ReportOptions(width=100))
        assert "theorem2: vacuous for all 6 pairs: kappa" in text
        assert text.count("vacuous") == 1
