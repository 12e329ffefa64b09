"""What ``taskaff inspect`` understood of a data set."""

from __future__ import annotations

from rich.text import Text

from taskaff.core.records.data import TaskInfo
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.facts import TOP, facts, rejected, top_labels
from taskaff.stages.report.names import shorten
from taskaff.stages.report.numbers import percent
from taskaff.stages.report.terminal.page import Page, heading, listing, paragraph, plain_table


def add_inspection(page: Page, info: TaskInfo) -> None:
    """Facts, labels, files, skipped rows, notes."""
    listing(page, [("task", info.name or '""'), *facts(info)])
    if info.label_counts:
        _add_labels(page, info)
    if info.files:
        heading(page, "Files")
        table = plain_table("split", "rows", "bytes", "sha256", "path", right=(1, 2))
        for file in info.files:
            cells = (file.split, f"{file.rows:,}", f"{file.bytes:,}", file.sha256[:12])
            table.add_row(*map(Text, cells), Text(terminal(file.path)))
        page.add(table)
    if rejected(info.files):
        _add_rejects(page, info)
    if info.notes:
        heading(page, "Notes")
        for note in info.notes:
            paragraph(page, note)


def _add_labels(page: Page, info: TaskInfo) -> None:
    heading(page, "Labels")
    shown, more = top_labels(info)
    total = sum(info.rows.values())
    table = plain_table("label", "rows", "share", right=(1, 2))
    for name, n in shown:
        share = percent(n / total) if total else ""
        table.add_row(Text(shorten(name, 40)), f"{n:,}", Text(share))
    page.add(table)
    if more:
        paragraph(page, f"… {more:,} more")


def _add_rejects(page: Page, info: TaskInfo) -> None:
    heading(page, "Skipped rows")
    table = plain_table("file", "row", "reason", right=(1,))
    for reject in info.rejects[:TOP]:
        reason = Text(shorten(reject.reason, 300))
        table.add_row(Text(terminal(reject.file)), f"{reject.row:,}", reason)
    if info.rejects:
        page.add(table)
    more = rejected(info.files) - len(info.rejects[:TOP])
    if more > 0:
        paragraph(page, f"… {more:,} more")
