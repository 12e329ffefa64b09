"""The page of an inspection: what was understood of a data set."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.data import TaskInfo
from taskaff.stages.report.facts import TOP, facts, rejected, top_labels
from taskaff.stages.report.names import shorten
from taskaff.stages.report.numbers import percent
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import Heading, Items, Listing, Page, Paragraph, Part, Table


def page(info: TaskInfo, options: ReportOptions, wide: bool) -> Page:  # noqa: ARG001
    """Facts, labels, files, skipped rows, notes."""
    rows = f"{sum(info.rows.values()):,} rows"
    skipped = f"{rejected(info.files):,} skipped"
    verdict = f"{shorten(info.name, 40)}: {rows}, labels: {info.schema.kind}, {skipped}"
    return Page(info.name or '""', [verdict], _parts(info, wide))


def _parts(info: TaskInfo, wide: bool) -> Iterator[Part]:
    name = [] if wide else [("task", info.name or '""')]
    yield Listing([*name, *facts(info)])
    if info.label_counts:
        yield from _labels(info)
    if info.files:
        headers = ("split", "rows", "bytes", "sha256", "path")
        rows = [
            (f.split, f"{f.rows:,}", f"{f.bytes:,}", f.sha256[: None if wide else 12], f.path)
            for f in info.files
        ]
        yield from (Heading("Files"), Table(headers, rows, right=(1, 2), folding=True))
    if rejected(info.files):
        yield from _rejects(info)
    if info.notes:
        yield from (Heading("Notes"), Items(info.notes))


def _labels(info: TaskInfo) -> Iterator[Part]:
    shown, more = top_labels(info)
    total = sum(info.rows.values())
    rows = [(shorten(name, 40), f"{n:,}", percent(n / total) if total else "") for name, n in shown]
    yield Heading("Labels")
    yield Table(("label", "rows", "share"), rows, right=(1, 2), folding=True)
    if more:
        yield Paragraph(f"… {more:,} more")


def _rejects(info: TaskInfo) -> Iterator[Part]:
    yield Heading("Skipped rows")
    shown = info.rejects[:TOP]
    rows = [(each.file, f"{each.row:,}", shorten(each.reason, 300)) for each in shown]
    if shown:
        yield Table(("file", "row", "reason"), rows, right=(1,), folding=True)
    if more := rejected(info.files) - len(shown):
        yield Paragraph(f"… {more:,} more")
