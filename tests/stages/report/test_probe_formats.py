"""Every format of a probe: the same facts, foreign names, missing numbers, no state."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import jsonschema
import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from stages.report._probes import NASTY, full, pair, result

from taskaff.core.errors import ReportError, UsageError
from taskaff.core.records.data import LabelSchema, TaskInfo
from taskaff.core.records.estimate import Interval
from taskaff.stages.report import FORMATS, ReportOptions, payload, plot, render, result_schema
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.probe.words import footnote, signed, tally


@pytest.mark.parametrize("found", [result(), full(), result(NASTY[:2]), result(pairs=())])
def test_the_document_is_what_the_schema_says(found):
    document = payload(found)
    jsonschema.validate(document, result_schema())
    assert list(document)[-1] == "timings"
    assert len(document["pairs"]) == len(found.pairs)


def test_what_has_no_number_is_null_or_empty_and_says_why():
    unknown = payload(result())["pairs"][1]
    assert (unknown["gain"]["value"], unknown["gain"]["n"]) == (None, 0)
    assert unknown["reason"] == "diverged: b alone"
    rows = list(csv.DictReader(io.StringIO(render(result(), "csv"))))
    assert [row["gain"] for row in rows] == ["0.02", ""]
    assert [row["gain_with_leaks"] for row in rows] == ["0.03", ""]
    assert "diverged: b alone" in render(result(), "table")
    assert "diverged: b alone" in render(result(), "markdown")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("quiet", [False, True])
def test_foreign_names_stay_text(format, quiet):
    for names in zip(NASTY[::2], NASTY[1::2], strict=True):
        text = render(result(names), format, ReportOptions(quiet=quiet, width=80))
        assert "\x1b" not in text
        assert not any(line.startswith("::") for line in text.splitlines())
        if format == "csv":
            rows = list(csv.reader(io.StringIO(text)))
            assert {len(row) for row in rows} == {len(rows[0])}
            assert not any(row[0].startswith("=") for row in rows)
        if format in ("json", "jsonl") and format == "json":
            assert [each["name"] for each in json.loads(text)["tasks"]] == list(names)


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_people_are_told_everything(format):
    text = render(full(), format)
    words = ["Transfer", "Alignment", "Capacity", "Transference", "Task weights", "a note"]
    words += ["mode pairs", "60 target rows", "every update is one batch", "5 seeds"]
    assert all(word in text for word in words)
    assert "ot finished" in render(replace(full(), finished=False), format)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits(width):
    text = render(full(), "table", ReportOptions(width=width))
    assert max(map(len, text.splitlines())) <= width


def test_comparisons_are_told_apart():
    arms = (pair("a", "b"), pair("a", "b", arm="align", against="mtl"))
    text = render(result(pairs=arms), "table")
    assert "Transfer: align, against mtl" in text
    assert text.count("a → b") == 2


def test_of_many_pairs_the_lowest_gains_are_listed_without_a_gap():
    many = tuple(pair(f"s{n}", "t", (99 - n) / 100) for n in range(100))
    text = render(result(pairs=many), "table", ReportOptions(width=120))
    shown = [n for n in range(100) if f"s{n} → t" in text]
    assert shown == list(range(40, 100))
    assert "the lowest gain stands first; the other 40 in -f csv" in text
    assert len(render(result(pairs=many), "jsonl").splitlines()) == 100


def test_a_sweep_has_a_line_a_model_or_a_capacity():
    swept = replace(full(), mode="capacity", pairs=())
    rows = list(csv.DictReader(io.StringIO(render(swept, "csv"))))
    assert [(row["model"], row["r"], row["chosen"]) for row in rows][:2] == [
        ("all", "2", "yes"),
        ("all", "4", "no"),
    ]
    assert [json.loads(line)["model"] for line in render(swept, "jsonl").splitlines()] == [
        "all",
        "a",
    ]
    assert "together need r = 2" in render(swept, "table", ReportOptions(quiet=True))


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.031, "+0.031"), (-0.5, "−0.50"), (0.0, "0"), (1e-9, "0.0000"), (1234.0, "+1,234")],  # noqa: RUF001
)
def test_signs(x, text):
    assert signed(x).startswith(text[:5])


@pytest.mark.parametrize(
    ("call", "reason", "text"),
    [
        ("positive", "interval [+0.1, +0.2] lies above 0", ""),
        ("inconclusive", "interval [-0.1, +0.2] is not beyond the margin 0", ""),
        (
            "inconclusive",
            "time is out after 3 seeds: interval [..] is",
            "time is out after 3 seeds",
        ),
        ("inconclusive", "only 3 rows", "only 3 rows"),
    ],
)
def test_footnotes_say_what_the_interval_does_not(call, reason, text):
    assert footnote(pair("a", "b", call=call, reason=reason)) == text


def test_the_tally_warns_of_intervals_that_miss():
    assert tally([pair("a", "b")], 0.9) == "1 helps, 0 hurts, 0 no effect, 0 undecided"
    assert "of 30 intervals at 90% about 3 miss" in tally([pair("a", "b")] * 30, 0.9)


# -------------------------------------------------------------------- pictures


@pytest.mark.parametrize("format", ["png", "svg"])
def test_the_same_result_is_the_same_picture(format):
    first, second = plot(full(), format), plot(full(), format)
    assert first == second
    assert first.startswith(b"\x89PNG") if format == "png" else ElementTree.fromstring(first)


def test_names_are_no_formulas_and_missing_glyphs_no_error():
    for names in zip(NASTY[::2], NASTY[1::2], strict=True):
        with matplotlib.rc_context({"svg.fonttype": "none"}):  # text as text, formulas in pieces
            picture = ElementTree.fromstring(plot(result(names), "svg"))
        texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
        one, other = (terminal(name) or '""' for name in names)
        assert f"{one} → {other}" in texts


def test_a_picture_needs_numbers():
    with pytest.raises(ReportError, match="nothing to draw"):
        plot(result(pairs=()), "png")
    info = TaskInfo("a", (), "single", ("t",), LabelSchema("none"), {})
    with pytest.raises(UsageError, match="only a probe"):
        plot(info, "png")


def test_a_single_seed_is_drawn_without_interval(monkeypatch):
    drawn, errorbar = [], Axes.errorbar

    def noted(axes, x, y, **options):
        drawn.append((x, y, np.ravel(options["xerr"]).tolist()))
        return errorbar(axes, x, y, **options)

    monkeypatch.setattr(Axes, "errorbar", noted)
    alone = replace(pair("a", "b"), gain=Interval(0.1, n=1))
    several = replace(pair("b", "a"), gain=Interval(0.2, 0.15, 0.3, 0.02, n=5))
    plot(result(pairs=(alone, several)), "svg")
    assert drawn == [(0.1, 0, [0.0, 0.0]), (0.2, 1, pytest.approx([0.05, 0.1]))]
