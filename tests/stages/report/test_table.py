"""The terminal table: fits its width, shows what it must, and says what it left out."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from stages.report._zoo import HOSTILE, ZOO, inspection, names, result

from taskaff.core.records.data import TaskInfo
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import ScoreResult
from taskaff.core.settings import ScoreSettings
from taskaff.stages.report import ReportOptions, render
from taskaff.stages.report.names import short_names, shorten
from taskaff.stages.report.numbers import MISSING, count, percent, short

SGR = re.compile(r"\x1b\[[0-9;]*m")


def table(zoo: ScoreResult | TaskInfo, **options: object) -> str:
    return render(zoo, "table", ReportOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(("width", "color"), [(40, False), (40, True), (80, False), (140, True)])
@pytest.mark.parametrize("name", ZOO)
def test_no_line_is_wider_than_the_terminal(name: str, width: int, color: bool) -> None:
    text = table(ZOO[name], width=width, explain=True, color=color)
    assert "\x1b" not in text or color
    assert max(cell_len(line) for line in SGR.sub("", text).splitlines()) <= width + 1


def test_colour_changes_no_letter_of_the_tables() -> None:
    zoo = result(names(2))
    coloured = table(zoo, color=True)
    assert "\x1b[" in coloured
    strip = [line.rstrip() for line in SGR.sub("", coloured).splitlines()]
    assert strip == table(zoo).splitlines()


def test_two_tasks_give_a_list_with_value_interval_and_chance_level() -> None:
    text = table(ZOO["two"])
    assert re.search(r"covariance_alignment +0\.94 +\[0\.92, 0\.95\]", text)
    assert re.search(r"source_gain +mr → cr +0\.036", text)
    assert re.search(r"\n +cr → mr +-0\.004", text)
    assert re.search(r"theorem2 +mr → cr +0\.67 not met¹", text)
    assert "¹ the order of 1.0e+00 source rows asked, 800 there" in text
    assert re.search(r"overlap +mr → cr +48 \(0\.95%\) +\[0\.92%, 0\.99%\]", text)
    assert "chance 0.12, excess 0.27" in text
    assert "chance 0.12, excess 0.27" in table(ZOO["two"], width=80)
    assert "Heat map" not in text


def test_explain_prints_the_sentence_of_the_score_and_nothing_else_does() -> None:
    for name in ("two", "seven"):
        sentence = "covariance_alignment says how much"
        assert sentence in table(ZOO[name], explain=True)
        assert sentence not in table(ZOO[name])


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_every_pair_of_some_tasks_is_in_the_table_with_every_score(width: int) -> None:
    zoo = ZOO["seven"]
    assert isinstance(zoo, ScoreResult)
    text = table(zoo, width=width)
    for score in zoo.tables.values():
        for i, j in zoo.pairs(directed=score.directed):
            way = f"{zoo.names[i]} {'→' if score.directed else '·'} {zoo.names[j]} "
            value = short(score.at(i, j).value)
            if score.name in ("covariance_alignment", "source_gain"):
                lines = [line for line in text.splitlines() if line.startswith(way)]
                assert any(f" {value} [" in line for line in lines)


def test_undefined_scores_have_a_footnote_once() -> None:
    text = table(ZOO["undefined"])
    assert MISSING + "¹" in text
    assert text.count("only 7 rows, at least 10 are needed") == 1
    assert re.search(r"^¹ only 7 rows", text, re.MULTILINE)


def test_many_tasks_show_both_ends_and_where_the_rest_is() -> None:
    text = table(ZOO["thirty"])
    assert "435 pairs in all, with 10 scores: -f csv" in text
    zoo = ZOO["thirty"]
    assert isinstance(zoo, ScoreResult)
    value = np.triu(zoo.tables["covariance_alignment"].value, 1)
    i, j = np.unravel_index(value.argmax(), value.shape)
    assert f"{zoo.names[i]} · {zoo.names[j]}" in text


def test_heat_map_shows_numbers_where_they_fit_and_shades_where_not() -> None:
    zoo = ZOO["seven"]
    assert isinstance(zoo, ScoreResult)
    text = table(zoo)
    value = zoo.tables["covariance_alignment"].value
    row = next(line for line in text.splitlines() if line.startswith("1 mr"))
    assert row.count("·") == 0 or "Tasks" in text
    heat = text.split("Heat map of covariance_alignment")[1].splitlines()[2]
    found = re.findall(r"\.\d\d", heat)
    assert [float(x) for x in found] == [round(float(x), 2) for x in value[0, 1:]]
    assert "██" in table(ZOO["thirty"])
    many = table(result(names(90), scores=("covariance_alignment",)))
    assert "90 tasks do not fit into 100 columns" in many
    assert "█" in table(result(names(60), scores=("covariance_alignment",)))


def test_heat_map_of_equal_or_undefined_values() -> None:
    zoo = result(names(3), scores=("covariance_alignment", "source_gain"))
    zoo.tables["covariance_alignment"].value[:] = 0.5
    zoo.tables["source_gain"].value[:] = np.nan
    for color in (False, True):
        text = SGR.sub("", table(zoo, color=color))
        assert ".5000" in text
        assert "Heat map of source_gain" not in text


def test_header_says_what_is_known_of_the_tasks() -> None:
    text = table(ZOO["seven"], width=140)
    assert "encoder glove 1.0.0, 50 dimensions; intervals at 90%" in text
    line = next(line for line in text.splitlines() if line.startswith("2  cr"))
    for word in ("1,731", "2 classes", "2.1%", "12 (0.69%)"):
        assert word in line
    assert "padded from" not in text
    assert "one split only" not in text
    leaking = replace(ZOO["two"].tasks[0], split_leak=Estimate(7.0, 7.0, 7.0))
    other = replace(ZOO["two"], tasks=(leaking, ZOO["two"].tasks[1]))
    assert re.search(r"in other splits.*\n.*\n1  mr .* 7 \(0\.70%\)", table(other, width=140))
    assert "cr: one split only" in table(other)


def test_exact_values_have_no_interval() -> None:
    zoo = result(names(2), scores=("overlap", "covariance_alignment"))
    for each in zoo.tables.values():
        each.low[:] = each.high[:] = each.value
    scores = table(zoo).split("Scores ")[1].split("Capacity")[0]
    assert "[" not in scores


def test_intervals_left_out_are_said() -> None:
    zoo = replace(ZOO["two"], settings=ScoreSettings(intervals=False))
    assert "intervals left out" in table(zoo)


def test_capacity_marks_the_recommendation() -> None:
    text = table(ZOO["two"])
    assert "r = 3; the single-task capacities sum to 4 (mr 2, cr 2)" in text
    assert "3*" in text
    assert "█" in text


def test_inspection_says_how_each_column_was_used() -> None:
    text = table(ZOO["inspect"])
    for line in (
        "input     single texts, from text",
        "labels    14 classes, from label",
        "not used  id",
        "rows      1,000 (train 900, test 100)",
        "skipped   2",
        "… 4 more",
        "data/mr/train.csv   17  3 cells where the header has 2",
    ):
        assert line in text
    pair = inspection(layout="pair", text_columns=("premise", "hypothesis"), vector_width=None)
    assert "text pairs, from premise, hypothesis" in table(pair)
    vectors = inspection(layout="vectors", text_columns=(), vector_width=384)
    assert "ready vectors, 384 dimensions" in table(vectors)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("format", ["table", "markdown"])
def test_quiet_is_short(name: str, format: str) -> None:
    text = render(ZOO[name], format, ReportOptions(quiet=True))
    answers = len(ZOO[name].tasks) if isinstance(ZOO[name], ScoreResult) else 1
    if format == "table":
        assert text.count("\n") == (answers if answers > 1 else 1)
    assert text.strip()


def test_quiet_prints_an_answer_a_line() -> None:
    names = [line.partition(":")[0] for line in table(ZOO["seven"], quiet=True).splitlines()]
    assert names == list(ZOO["seven"].names)
    assert table(ZOO["inspect"], quiet=True) == "mr: 1,000 rows, labels: classes, 2 skipped\n"


@settings(max_examples=40)
@given(st.lists(st.text(), min_size=2, max_size=4, unique=True), st.text(), st.booleans())
def test_no_text_reaches_the_terminal_as_a_command(
    labels: list[str], note: str, color: bool
) -> None:
    zoo = result(tuple(labels), scores=("overlap", "source_gain"), undefined=note)
    text = SGR.sub("", table(zoo, color=color)) if color else table(zoo)
    assert all(c.isprintable() or c in "\n\u200d" or c.isspace() for c in text)
    assert "\x1b" not in text
    info = inspection(labels[0], notes=(note,), columns=tuple(labels), dialect={"x": note})
    assert "\x1b" not in table(info)


@given(st.text(max_size=60), st.integers(4, 30))
def test_shortened_text_fits(text: str, limit: int) -> None:
    assert 0 < cell_len(shorten(text, limit)) <= limit or not text.strip()


def test_shortened_names_stay_different() -> None:
    long = tuple(f"{'common-start-' * 4}{i}{'-common-end' * 4}" for i in range(12))
    assert len(set(short_names(long, 14))) == 12
    assert len(set(short_names(HOSTILE, 10))) == len(HOSTILE)
    assert short_names(("mr", "cr"), 10) == ["mr", "cr"]


@pytest.mark.parametrize(
    ("x", "seen"),
    [
        (0.8712, "0.87"),
        (0.0, "0"),
        (-0.0041, "-0.004"),
        (0.00001, "0.0000"),
        (-8.2e-07, "0.0000"),
        (-0.0003, "-0.0003"),
        (-0.0996, "-0.10"),
        (0.0994, "0.099"),
        (1e6, "1.0e+06"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (999.7, "1,000"),
        (12345.6, "12,346"),
        (1.0, "1.00"),
        (None, MISSING),
        (float("nan"), MISSING),
        (float("inf"), MISSING),
    ],
)
def test_short_numbers(x: float | None, seen: str) -> None:
    assert short(x) == seen


@pytest.mark.parametrize(
    ("share", "seen"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.9996, "100%"),
        (0.0061, "0.61%"),
        (0.123, "12.3%"),
        (0.00001, "<0.01%"),
        (None, MISSING),
    ],
)
def test_percentages(share: float | None, seen: str) -> None:
    assert percent(share) == seen


def test_counts() -> None:
    assert count(7852.0) == "7,852"
    assert count(None) == MISSING
