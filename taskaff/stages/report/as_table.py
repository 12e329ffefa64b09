"""The result for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.overlap import OverlapResult
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.registry import load
from taskaff.stages.report import answers
from taskaff.stages.report.cells import headline, heat_tables
from taskaff.stages.report.escape import guard, terminal
from taskaff.stages.report.facts import encoder_line, rejected
from taskaff.stages.report.names import shorten
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.terminal.answers import add_answers
from taskaff.stages.report.terminal.heatmap import add_heatmap
from taskaff.stages.report.terminal.inspection import add_inspection
from taskaff.stages.report.terminal.mix import add_mix
from taskaff.stages.report.terminal.page import Page
from taskaff.stages.report.terminal.predictions import add_predictions
from taskaff.stages.report.terminal.scores import add_scores
from taskaff.stages.report.terminal.tasks import add_tasks

OTHERS = {
    ProbeResult: "taskaff.stages.report.probe.as_table:render",
    CheckResult: "taskaff.stages.report.check.as_table:render",
    OverlapResult: "taskaff.stages.report.overlap.formats:table",
}


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece."""
    if other := OTHERS.get(type(result)):
        yield from load(other)(result, options)
        return
    if options.quiet:
        yield from verdicts(result)
        return
    page = Page(options)
    if isinstance(result, TaskInfo):
        add_inspection(page, result)
    else:
        add_answers(page, result, "" if options.verbose else _basis(result))
        if options.verbose:
            _add_numbers(page, result, options)
    yield page.text()


def _add_numbers(page: Page, result: ScoreResult, options: ReportOptions) -> None:
    """Everything that the answers rest on."""
    page.blank()
    add_tasks(page, result)
    add_predictions(page, result.predictions)
    add_scores(page, result, options)
    if len(result.tasks) > 2:
        for table in heat_tables(result):
            add_heatmap(page, table, result.names)
    add_mix(page, result)


def _basis(result: ScoreResult) -> str:
    return f"{encoder_line(result)}; -v shows every score"


def verdicts(result: ScoreResult | TaskInfo) -> Iterator[str]:
    """One line an answer; of an inspection, one line."""
    if isinstance(result, TaskInfo):
        yield guard(_one_line(result)) + "\n"
        return
    for text in answers.lines(result) or [headline(result)]:
        yield guard(terminal(text)) + "\n"


def _one_line(info: TaskInfo) -> str:
    rows = f"{sum(info.rows.values()):,} rows"
    labels = f"labels: {info.schema.kind}"
    return f"{shorten(info.name, 40)}: {rows}, {labels}, {rejected(info.files):,} skipped"
