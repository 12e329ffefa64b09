"""The result of a probe for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.probe import ProbeResult
from taskaff.stages.report import answers
from taskaff.stages.report.escape import guard, terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.predictions import COMBINED
from taskaff.stages.report.probe.sections import Section, headline, sections
from taskaff.stages.report.probe.words import basis, setup
from taskaff.stages.report.terminal.answers import add_answers
from taskaff.stages.report.terminal.bands import Column, add_bands
from taskaff.stages.report.terminal.page import Page, heading, paragraph, superscript
from taskaff.stages.report.terminal.predictions import add_predictions


def render(result: ProbeResult, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece; when quiet the answers, a line each."""
    if options.quiet:
        for text in answers.lines(result) or [headline(result)]:
            yield guard(terminal(text)) + "\n"
        return
    page = Page(options)
    if not result.finished:
        paragraph(page, "not finished: this is what is known so far", style="bold")
    add_answers(page, result, "" if options.verbose else basis(result))
    if options.verbose:
        _add_numbers(page, result)
    yield page.text()


def _add_numbers(page: Page, result: ProbeResult) -> None:
    """Everything that the answers rest on."""
    page.blank()
    for line in setup(result):
        paragraph(page, line, style="dim")
    for section in sections(result, superscript):
        _add(page, section)
    add_predictions(page, result.predictions)
    add_predictions(page, result.combined, COMBINED)
    if result.notes:
        heading(page, "Notes")
        for note in result.notes:
            paragraph(page, note)


def _add(page: Page, section: Section) -> None:
    heading(page, section.title)
    limit = max(8, min(24, page.width // 7))
    every = tuple(dict.fromkeys(name for names in section.names for name in names))
    short = dict(zip(every, short_names(every, limit), strict=True))
    lead = Column(
        section.headers[0], [" → ".join(map(short.__getitem__, n)) for n in section.names]
    )
    columns = [
        Column(header, [terminal(row[n]) for row in section.rows], n + 1 in section.right)
        for n, header in enumerate(section.headers[1:])
    ]
    add_bands(page, [lead], columns)
    for number, text in enumerate(section.notes, 1):
        paragraph(page, f"{superscript(number)} {text}", style="dim")
    for text in section.below:
        paragraph(page, text, style="dim")
