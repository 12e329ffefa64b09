"""The result for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.records import ScoreResult, TaskInfo
from taskaff.report.cells import cell, headline, heat_tables
from taskaff.report.escape import guard, terminal
from taskaff.report.facts import rejected
from taskaff.report.names import shorten
from taskaff.report.options import ReportOptions
from taskaff.report.terminal.heatmap import add_heatmap
from taskaff.report.terminal.inspection import add_inspection
from taskaff.report.terminal.mix import add_mix
from taskaff.report.terminal.page import Page
from taskaff.report.terminal.predictions import add_predictions
from taskaff.report.terminal.scores import add_scores
from taskaff.report.terminal.tasks import add_tasks


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece."""
    if options.quiet:
        yield guard(_one_line(result)) + "\n"
        return
    page = Page(options)
    if isinstance(result, TaskInfo):
        add_inspection(page, result)
    else:
        add_tasks(page, result)
        add_predictions(page, result.predictions)
        add_scores(page, result, options)
        if len(result.tasks) > 2:
            for table in heat_tables(result):
                add_heatmap(page, table, result.names)
        add_mix(page, result)
    yield page.text()


def _one_line(result: ScoreResult | TaskInfo) -> str:
    if isinstance(result, TaskInfo):
        rows = f"{sum(result.rows.values()):,} rows"
        labels = f"labels: {result.schema.kind}"
        return f"{shorten(result.name, 40)}: {rows}, {labels}, {rejected(result.files):,} skipped"
    if len(result.tasks) != 2:
        return headline(result)
    names = " · ".join(shorten(name, 40) for name in result.names)
    shown = [f"{table.name} {cell(table, 0, 1).both}" for table in heat_tables(result)]
    return terminal(f"{names}: {'; '.join(shown)}")
