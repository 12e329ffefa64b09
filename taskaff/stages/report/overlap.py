"""The page of shared rows: how many there are, and the first of them with their texts cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskaff.core.records.overlap import OverlapResult, RowPlace, SharedRow
from taskaff.stages.report.names import shorten
from taskaff.stages.report.numbers import percent
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import Gap, Line, Page, Paragraph, Part, Table

TOP = 20
"""Rows that are listed without ``-v``."""


def page(result: OverlapResult, options: ReportOptions, wide: bool) -> Page:
    """The count, then the rows: a row of a table each, or three lines."""
    said = headline(result)
    return Page("Shared rows", [said], _parts(result, said, options, wide))


def _parts(result: OverlapResult, said: str, options: ReportOptions, wide: bool) -> Iterator[Part]:
    yield Line(said)
    shown = result.rows if options.verbose else result.rows[:TOP]
    if wide and shown:
        headers = ("copy", "labels", "target", "text", "source", "text")
        yield Table(headers, [*map(_cells, shown)])
    for row in () if wide else shown:
        yield from (Gap(), Line(row.kind + (", with different labels" if row.conflict else "")))
        for name, place in ((result.target, row.target), (result.source, row.source)):
            yield Line(_line(name, place, options.width))
    if more := len(result.rows) - len(shown):
        yield Gap()
        yield Paragraph(f"… {more:,} more: -v lists them, -o rows.csv writes them to a file")


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


def _cells(row: SharedRow) -> Sequence[str]:
    labels = f"{row.target.label} ≠ {row.source.label}" if row.conflict else row.target.label
    texts = [
        text
        for place in (row.target, row.source)
        for text in (f"{place.file}:{place.row}", shorten(place.text, 80))
    ]
    return [row.kind, labels, *texts]


def _line(name: str, place: RowPlace, width: int) -> str:
    where = f"{shorten(place.file, 40)}:{place.row}"
    label = f"  {shorten(place.label, 20)}" if place.label else ""
    start = f"  {shorten(name, 16)}  {where}  {place.split}{label}  "
    return start + shorten(place.text, max(20, width - len(start)))
