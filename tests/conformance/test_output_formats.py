"""What every format must do with every result, however awkward."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pytest
from stages.report._zoo import HOSTILE, ZOO, names, result

from taskaff.core.errors import UsageError
from taskaff.stages.report import CHECK_FORMATS, FORMATS, ReportOptions, pieces, render, suffixes

PEOPLE = ("table", "markdown")
OPTIONS = {
    "plain": ReportOptions(),
    "narrow": ReportOptions(width=40, explain=True),
    "wide": ReportOptions(width=140, explain=True),
    "colour": ReportOptions(color=True, width=80),
    "quiet": ReportOptions(quiet=True),
}
SGR = re.compile(r"\x1b\[[0-9;]*m")
everything = pytest.mark.parametrize("name", ZOO)
every_format = pytest.mark.parametrize("format", FORMATS)
machines = pytest.mark.parametrize("format", [f for f in FORMATS if f not in PEOPLE])
every_option = pytest.mark.parametrize("options", OPTIONS)


@cache
def shown(name: str, format: str, options: str) -> str:
    return render(ZOO[name], format, OPTIONS[options])


def assert_safe(text: str) -> None:
    """No character that a terminal obeys or hides, no line that a CI log obeys."""
    unsafe = {c for c in set(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert unsafe <= {"\n", "\u200d"}
    assert "##[" not in text
    assert not any(line.strip().startswith("::") for line in text.splitlines())
    text.encode("utf-8")


@everything
@pytest.mark.parametrize("format", PEOPLE)
@every_option
def test_is_safe_to_print_whatever_the_options(name: str, format: str, options: str) -> None:
    text = shown(name, format, options)
    if format == "table" and OPTIONS[options].color:
        text = SGR.sub("", text)
    assert_safe(text)


@everything
@machines
def test_formats_for_machines_ignore_the_options_and_are_safe(name: str, format: str) -> None:
    text = render(ZOO[name], format)
    assert {render(ZOO[name], format, options) for options in OPTIONS.values()} == {text}
    assert_safe(text)


@everything
@pytest.mark.parametrize("format", PEOPLE)
@every_option
def test_ends_with_one_line_end(name: str, format: str, options: str) -> None:
    text = shown(name, format, options)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@everything
@every_format
def test_is_deterministic_and_ignores_the_environment(
    name: str, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(name, format, "plain")
    for key, value in {"COLUMNS": "33", "FORCE_COLOR": "1", "TERM": "dumb", "LINES": "3"}.items():
        monkeypatch.setenv(key, value)
    assert render(ZOO[name], format) == before
    assert "".join(pieces(ZOO[name], format)) == before


@every_format
def test_names_of_tasks_and_scores_are_shown(format: str) -> None:
    text = render(ZOO["two"], format).replace("\\", "")
    for word in ("mr", "cr", "covariance_alignment", "source_gain", "overlap", "not met"):
        assert word in text


@every_format
def test_inspection_shows_what_was_skipped_or_counted(format: str) -> None:
    text = render(ZOO["inspect"], format).replace("\\", "")
    for word in ("mr", "train.csv", "900", "2"):
        assert word in text


def test_every_format_has_a_suffix_of_its_own_but_one_for_logs() -> None:
    assert set(suffixes(FORMATS).values()) == set(FORMATS)
    assert set(CHECK_FORMATS) - set(suffixes(CHECK_FORMATS).values()) == {"github"}


def test_unknown_format_says_what_is_near() -> None:
    with pytest.raises(UsageError) as caught:
        render(ZOO["two"], "jsno")
    assert "json" in (caught.value.hint or "")


@pytest.mark.parametrize("name", HOSTILE)
@every_format
def test_one_hostile_name_is_safe_everywhere(name: str, format: str) -> None:
    hostile = result((name, "plain"), undefined=name)
    text = render(hostile, format)
    assert_safe(text)
    assert "plain" in text


def test_formats_for_machines_hold_every_pair() -> None:
    thirty = result(names(30), scores=("covariance_alignment",))
    assert render(thirty, "csv").count("\n") == 30 * 29 + 1
    assert render(thirty, "jsonl").count("\n") == 30 * 29
