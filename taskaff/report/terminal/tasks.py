"""The header of the table: which encoder, and what is known of each task."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from taskaff.records import ScoreResult
from taskaff.report.facts import encoder_line, task_columns, task_notes
from taskaff.report.names import shorten
from taskaff.report.terminal.console import heading, paragraph, plain_table

LISTED = 40
"""Tasks listed one by one."""


def print_tasks(console: Console, result: ScoreResult) -> None:
    """Title, encoder and the table of tasks."""
    paragraph(console, encoder_line(result), style="dim")
    heading(console, "Tasks")
    shown = result.tasks[:LISTED]
    columns = task_columns(shown)
    widths = [_narrowest(header, cells) for header, cells in columns]
    limit = max(10, min(32, console.width - sum(width + 3 for width in widths) - 6))
    right = (0, *(n + 2 for n, (header, _) in enumerate(columns) if header != "labels"))
    table = plain_table("#", "task", *(header for header, _ in columns), right=right)
    names = [shorten(task.name, limit) for task in shown]
    widths = [2, max(map(cell_len, [*names, "task"])), *widths]
    for column, width in zip(table.columns, widths, strict=True):
        column.min_width = width
    for n, name in enumerate(names):
        table.add_row(str(n + 1), Text(name), *(Text(cells[n]) for _, cells in columns))
    console.print(table)
    if len(result.tasks) > LISTED:
        paragraph(console, f"and {len(result.tasks) - LISTED:,} more; -f json lists all of them")
    for who, note in task_notes(result):
        paragraph(console, f"{who}: {note}", style="dim")


def _narrowest(header: str, cells: list[str]) -> int:
    """The width at which no cell wraps and the header breaks between words only."""
    return max(map(cell_len, [*header.split(), *cells]))
