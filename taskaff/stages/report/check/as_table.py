"""A check for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from taskaff.core.records.check import CheckResult
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import guard, terminal
from taskaff.stages.report.names import shorten
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.predictions import TITLE
from taskaff.stages.report.terminal.bands import Column, add_bands
from taskaff.stages.report.terminal.page import (
    Page,
    command,
    hanging,
    heading,
    paragraph,
    plain_table,
)

COLORS = {"failed": "red", "inconclusive": "yellow", "warned": "yellow", "waived": "cyan"}
NAMES = 30
"""Columns of the terminal for a name."""


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece: answers, open findings, what to do next.

    Quiet are the answers alone; verbose adds the set-up, the candidates and the predictions.
    """
    if options.quiet:
        yield "".join(guard(terminal(line)) + "\n" for line in words.answers(result))
        return
    page = Page(options)
    for line in words.answers(result):
        hanging(page, line)
    if found := words.opened(result):
        heading(page, "Findings")
        for group in found:
            _group(page, result, group, options.explain)
    _measured(page, result)
    if options.verbose:
        _behind(page, result)
    if result.notes:
        heading(page, "Notes")
        for text in result.notes:
            paragraph(page, text)
    page.blank()
    paragraph(page, words.summary(result), style=_style(result.outcome))
    for advice, line in words.steps(result):
        paragraph(page, advice)
        if line:
            command(page, line)
    yield page.text()


def _behind(page: Page, result: CheckResult) -> None:
    """What stands behind the answers."""
    heading(page, "Set-up")
    paragraph(page, words.setup(result))
    if state := words.baseline(result):
        paragraph(page, state)
    _candidates(page, result)
    if result.predictions:
        _predictions(page, result)


def _measured(page: Page, result: CheckResult) -> None:
    if lines := words.measured(result):
        heading(page, words.WITHIN)
        for line in lines:
            paragraph(page, line)


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


def _group(page: Page, result: CheckResult, group: words.Group, explain: bool) -> None:
    paragraph(page, group.line, style=COLORS.get(group.first.level, ""))
    if explain:
        lines = (text for each in group.findings for text in words.explanation(result, each))
        for text in dict.fromkeys(lines):
            paragraph(page, text, indent=2, style="dim")


def _predictions(page: Page, result: CheckResult) -> None:
    """Both directions of every pair, most harmful first, as many as a person reads."""
    heading(page, TITLE)
    shown, left = words.ranked(result)
    names = [f"{shorten(p.source, NAMES)} → {shorten(p.target, NAMES)}" for p in shown]
    cells: Sequence[tuple[str, list[str]]] = words.prediction_columns(result, shown)
    add_bands(page, [Column("source → target", names)], [Column(h, c, True) for h, c in cells])
    if left:
        paragraph(
            page, f"{left:,} more are less harmful; -f csv or -f json gives all.", style="dim"
        )
