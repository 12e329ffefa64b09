"""The predictions for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from taskaff.core.records.prediction import Prediction
from taskaff.stages.report import predictions
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.terminal.bands import Column, add_bands
from taskaff.stages.report.terminal.page import Page, heading, paragraph

FEW = 6
"""Of more pairs than this the reasons are left to the other formats."""


def add_predictions(
    page: Page, found: Sequence[Prediction], title: str = predictions.TITLE
) -> None:
    """A row a directed pair; below, what moved each most where they are few."""
    if not found:
        return
    heading(page, title)
    rows, left_out = predictions.shown(found)
    every = tuple(dict.fromkeys(name for each in rows for name in (each.source, each.target)))
    limit = max(8, min(24, page.width // 7))
    short = dict(zip(every, short_names(every, limit), strict=True))
    ways = [f"{short[each.source]} → {short[each.target]}" for each in rows]
    parts = [predictions.cells(each) for each in rows]
    columns = [
        Column(header, [terminal(row[n]) for row in parts])
        for n, header in enumerate(predictions.HEADERS[:-1])
    ]
    add_bands(page, [Column("source → target", ways)], columns)
    for way, each in zip(ways, rows, strict=True):
        if each.gain.value is None:
            paragraph(page, f"{way}: {each.note}", style="dim")
        elif len(rows) <= FEW and each.reasons:
            paragraph(page, f"{way}: {predictions.because(each)}", style="dim")
    for text in predictions.below(rows, left_out):
        paragraph(page, text, style="dim")
