"""What ``taskaff inspect`` understood of a data set."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from taskaff.records import TaskInfo
from taskaff.report.escape import terminal
from taskaff.report.facts import TOP, facts, rejected, top_labels
from taskaff.report.names import shorten
from taskaff.report.numbers import percent
from taskaff.report.terminal.console import heading, listing, paragraph, plain_table


def print_inspection(console: Console, info: TaskInfo) -> None:
    """Facts, labels, files, skipped rows, notes."""
    listing(console, facts(info))
    if info.label_counts:
        _print_labels(console, info)
    if info.files:
        heading(console, "Files")
        table = plain_table("split", "rows", "bytes", "sha256", "path", right=(1, 2))
        for file in info.files:
            cells = (file.split, f"{file.rows:,}", f"{file.bytes:,}", file.sha256[:12])
            table.add_row(*map(Text, cells), Text(terminal(file.path)))
        console.print(table)
    if rejected(info.files):
        _print_rejects(console, info)
    if info.notes:
        heading(console, "Notes")
        for note in info.notes:
            paragraph(console, note)


def _print_labels(console: Console, info: TaskInfo) -> None:
    heading(console, "Labels")
    shown, more = top_labels(info)
    total = sum(info.rows.values())
    table = plain_table("label", "rows", "share", right=(1, 2))
    for name, n in shown:
        share = percent(n / total) if total else ""
        table.add_row(Text(shorten(name, 40)), f"{n:,}", Text(share))
    console.print(table)
    if more:
        paragraph(console, f"… {more:,} more")


def _print_rejects(console: Console, info: TaskInfo) -> None:
    heading(console, "Skipped rows")
    table = plain_table("file", "row", "reason", right=(1,))
    for reject in info.rejects[:TOP]:
        reason = Text(shorten(reject.reason, 300))
        table.add_row(Text(terminal(reject.file)), f"{reject.row:,}", reason)
    if info.rejects:
        console.print(table)
    more = rejected(info.files) - len(info.rejects[:TOP])
    if more > 0:
        paragraph(console, f"… {more:,} more")
