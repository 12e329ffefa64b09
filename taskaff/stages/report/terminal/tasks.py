"""The header of the table: which encoder, and what is known of each task."""

from __future__ import annotations

from taskaff.core.records.score import ScoreResult
from taskaff.stages.report.facts import TASKS, encoder_line, task_columns, task_notes
from taskaff.stages.report.names import shorten
from taskaff.stages.report.terminal.bands import Column, add_bands
from taskaff.stages.report.terminal.page import Page, heading, paragraph


def add_tasks(page: Page, result: ScoreResult) -> None:
    """Title, encoder and the table of tasks."""
    paragraph(page, encoder_line(result), style="dim")
    heading(page, "Tasks")
    shown = result.tasks[:TASKS]
    limit = max(10, min(32, page.width // 4))
    lead = [
        Column("#", [str(n) for n in range(1, len(shown) + 1)], right=True),
        Column("task", [shorten(task.name, limit) for task in shown]),
    ]
    columns = [Column(header, cells, header != "labels") for header, cells in task_columns(shown)]
    add_bands(page, lead, columns)
    if len(result.tasks) > TASKS:
        paragraph(page, f"and {len(result.tasks) - TASKS:,} more; -f json lists all of them")
    for who, note in task_notes(result):
        paragraph(page, f"{who}: {note}", style="dim")
