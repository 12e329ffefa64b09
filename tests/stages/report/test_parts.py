"""Pages: every kind of part has a writer in both formats, and every result a page."""

from __future__ import annotations

import pytest
from stages.report.test_documents import RESULTS

from taskaff.stages.report import ReportOptions, as_markdown, parts, render
from taskaff.stages.report.parts import (
    PAGES,
    Footnotes,
    Names,
    Noted,
    Numbering,
    Page,
    Part,
    Table,
    page_of,
)
from taskaff.stages.report.terminal import writers


def test_both_writers_know_every_kind_of_part():
    known = (each for each in vars(parts).values() if isinstance(each, type))
    kinds = {each for each in known if issubclass(each, Part)} - {Part}
    assert kinds == set(as_markdown.WRITERS) == set(writers.WRITERS)
    assert len(kinds) > 9


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("wide", [False, True])
def test_every_result_has_a_page_of_parts(kind, wide):
    page = page_of(RESULTS[kind], ReportOptions(explain=True), wide)
    assert page.title
    assert page.verdicts
    assert all(isinstance(part, Part) for part in page.parts)


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_the_same_note_has_one_number_and_names_stay_apart(format, monkeypatch):
    rows = [
        (Names(("a" * 60 + end, "b")), Noted("1", note))
        for end, note in (("x", "why"), ("y", ""), ("z", "why"))
    ]
    made = Page("T", [], [Table(("who", "n"), rows), Footnotes()])
    monkeypatch.setitem(PAGES, Page, f"{__name__}:itself")
    text = render(made, format)
    assert text.count("why") == 1
    ways = [line.split("→")[0].strip("| ") for line in text.splitlines() if "→" in line]
    assert len(ways) == len(set(ways)) == 3


def itself(page, options, wide):
    """A page that was made by hand."""
    assert options is not None
    assert wide in (True, False)
    return page


def test_numbers_start_again_after_the_footnotes():
    notes = Numbering()
    cells = (Noted("x", "a"), Noted("x", "b"), "x", Noted("x", "a"))
    assert [notes.mark(cell) for cell in cells] == [1, 2, 0, 1]
    assert notes.flush() == [(1, "a"), (2, "b")]
    assert notes.mark(Noted("x", "b")) == 1
