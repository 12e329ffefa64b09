"""The result for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.records import ScoreResult, TaskInfo
from taskaff.report.cells import cell, headline, heat_tables
from taskaff.report.escape import guard, terminal
from taskaff.report.facts import rejected
from taskaff.report.names import shorten
from taskaff.report.options import ReportOptions
from taskaff.report.terminal.console import open_console, written
from taskaff.report.terminal.heatmap import print_heatmap
from taskaff.report.terminal.inspection import print_inspection
from taskaff.report.terminal.mix import print_mix
from taskaff.report.terminal.scores import print_scores
from taskaff.report.terminal.tasks import print_tasks


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:
    """The whole table as one piece."""
    if options.quiet:
        yield guard(_one_line(result)) + "\n"
        return
    console = open_console(options)
    if isinstance(result, TaskInfo):
        print_inspection(console, result)
    else:
        print_tasks(console, result)
        print_scores(console, result, options)
        if len(result.tasks) > 2:
            for table in heat_tables(result):
                print_heatmap(console, table, result.names, options.color)
        print_mix(console, result)
    yield written(console)


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
