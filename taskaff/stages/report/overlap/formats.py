"""Shared rows for people, as a table and in markdown.

The table cuts texts and lists the first rows; the other formats hold every row and its whole text.
"""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.overlap import OverlapResult, RowPlace
from taskaff.stages.report.escape import guard, markdown, terminal
from taskaff.stages.report.names import shorten
from taskaff.stages.report.numbers import percent
from taskaff.stages.report.options import ReportOptions

TOP = 20
"""Rows that the formats for people list without ``-v``."""


def table(result: OverlapResult, options: ReportOptions) -> Iterator[str]:
    """The count, then three lines a row: kind, the target's row, the source's."""
    yield guard(terminal(headline(result))) + "\n"
    shown = result.rows if options.verbose else result.rows[:TOP]
    for row in () if options.quiet else shown:
        yield "\n" + row.kind + (", with different labels" if row.conflict else "") + "\n"
        for name, place in ((result.target, row.target), (result.source, row.source)):
            yield guard(_line(name, place, options.width)) + "\n"
    if not options.quiet and (more := len(result.rows) - len(shown)):
        yield f"\n… {more:,} more: -v lists them, -o rows.csv writes them to a file\n"


def headline(result: OverlapResult) -> str:
    """How many rows of the target the source has."""
    if not result.rows:
        return f"no row of {result.target} is in {result.source}, exactly or nearly"
    share = percent(len(result.rows) / max(result.target_rows, 1))
    torn = f"; {result.conflicts:,} with different labels" if result.conflicts else ""
    return (
        f"{len(result.rows):,} of {result.target_rows:,} rows of {result.target} ({share}) are in "
        f"{result.source}: {result.count('exact'):,} exactly, {result.count('near'):,} but for "
        f"about a word{torn}"
    )


def _line(name: str, place: RowPlace, width: int) -> str:
    where = f"{shorten(place.file, 40)}:{place.row}"
    label = f"  {shorten(place.label, 20)}" if place.label else ""
    start = f"  {shorten(name, 16)}  {where}  {place.split}{label}  "
    return start + shorten(place.text, max(20, width - len(start)))


def as_markdown(result: OverlapResult, options: ReportOptions) -> Iterator[str]:
    """A table of the first rows, texts cut."""
    yield markdown(headline(result)) + "\n"
    shown = result.rows if options.verbose else result.rows[:TOP]
    if shown:
        yield "\n| copy | labels | target | text | source | text |\n|---|---|---|---|---|---|\n"
    for row in shown:
        labels = f"{row.target.label} ≠ {row.source.label}" if row.conflict else row.target.label
        texts = [
            text
            for place in (row.target, row.source)
            for text in (f"{place.file}:{place.row}", shorten(place.text, 80))
        ]
        yield f"| {row.kind} | {' | '.join(markdown(cell) for cell in (labels, *texts))} |\n"
