"""A check for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from taskaff.gate_records import CheckResult
from taskaff.predict_records import Finding
from taskaff.report.check import words
from taskaff.report.escape import guard, terminal
from taskaff.report.names import shorten
from taskaff.report.options import ReportOptions
from taskaff.report.predictions import TITLE
from taskaff.report.terminal.bands import Column, add_bands
from taskaff.report.terminal.page import Page, heading, paragraph, plain_table

COLORS = {"failed": "red", "inconclusive": "yellow", "warned": "yellow", "waived": "cyan"}
NAMES = 30
"""Columns of the terminal for a name."""


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece; one line when quiet."""
    if options.quiet:
        yield guard(terminal(words.summary(result))) + "\n"
        return
    page = Page(options)
    paragraph(page, words.setup(result), style="dim")
    if state := words.baseline(result):
        paragraph(page, state, style="dim")
    _candidates(page, result)
    shown = [finding for finding in result.findings if finding.level != "passed"]
    if shown:
        heading(page, "Findings")
        for finding in shown:
            _finding(page, result, finding, options.explain)
    if result.predictions:
        _predictions(page, result)
    for title, texts in (("Notes", result.notes),):
        if texts:
            heading(page, title)
            for text in texts:
                paragraph(page, text)
    page.blank()
    paragraph(page, words.summary(result), style=_style(result.outcome))
    yield page.text()


def _style(level: str) -> str:
    return f"bold {COLORS.get(level, 'green')}"


def _candidates(page: Page, result: CheckResult) -> None:
    heading(page, "Candidates")
    table = plain_table("candidate", "rows", "outcome", "worst finding", right=(1,))
    for name, rows, outcome, worst in words.candidates(result):
        table.add_row(
            Text(shorten(name, NAMES)), rows, Text(outcome, _style(outcome)), Text(terminal(worst))
        )
    page.add(table)


def _finding(page: Page, result: CheckResult, finding: Finding, explain: bool) -> None:
    paragraph(page, words.line(finding), style=COLORS.get(finding.level, ""))
    if explain:
        for text in words.explanation(result, finding):
            paragraph(page, text, indent=2, style="dim")


def _predictions(page: Page, result: CheckResult) -> None:
    """Both directions of every pair, most harmful first, as many as a person reads."""
    heading(page, TITLE)
    shown, left = words.ranked(result)
    names = [f"{shorten(p.source, NAMES)} → {shorten(p.target, NAMES)}" for p in shown]
    cells: Sequence[tuple[str, list[str]]] = words.prediction_columns(shown)
    add_bands(page, [Column("source → target", names)], [Column(h, c, True) for h, c in cells])
    if left:
        paragraph(
            page, f"{left:,} more are less harmful; -f csv or -f json gives all.", style="dim"
        )
