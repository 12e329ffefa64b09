"""What the result says of the mix as a whole: capacity, task weights, notes."""

from __future__ import annotations

import math

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from taskaff.core.records.score import Capacity, CapacityPoint, ScoreResult
from taskaff.stages.report.facts import capacity_line, weights_line
from taskaff.stages.report.numbers import short
from taskaff.stages.report.terminal.page import Page, heading, paragraph

BARS = "▁▂▃▄▅▆▇█"


def add_mix(page: Page, result: ScoreResult) -> None:
    """Capacity with its curve, task weights, and the notes of the result."""
    if result.capacity is not None:
        _add_capacity(page, result.capacity)
    if result.weights:
        heading(page, "Task weights")
        for group in result.weights:
            paragraph(page, weights_line(group))
    if result.notes:
        heading(page, "Notes")
        for note in result.notes:
            paragraph(page, note)


def curve_bar(curve: tuple[CapacityPoint, ...]) -> str:
    """The errors as bars from the lowest to the highest."""
    errors = [p.error for p in curve if math.isfinite(p.error)]
    low, high = min(errors, default=0.0), max(errors, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        BARS[round((p.error - low) * scale)] if math.isfinite(p.error) else " " for p in curve
    )


def _add_capacity(page: Page, capacity: Capacity) -> None:
    heading(page, "Capacity of the shared module")
    paragraph(page, capacity_line(capacity))
    if capacity.note:
        paragraph(page, capacity.note, style="dim")
    if not capacity.curve:
        return
    rows = [("r", "error", "±", "")]
    bars = curve_bar(capacity.curve)
    for point, bar in zip(capacity.curve, bars, strict=True):
        mark = "*" if point.r == capacity.recommended else ""
        rows.append((f"{point.r}{mark}", short(point.error), short(point.stderr), bar * 4))
    width = max(cell_len(part) for row in rows for part in row) + 2
    each = max(1, page.width // width - 1)
    for start in range(1, len(rows), each):
        grid = Table.grid()
        columns = [rows[0], *rows[start : start + each]]
        for n in range(len(columns)):
            grid.add_column(width=width, no_wrap=True, justify="right" if n else "left")
        for line in zip(*columns, strict=True):
            grid.add_row(*map(Text, line))
        page.add(grid)
    if any(point.r == capacity.recommended for point in capacity.curve):
        paragraph(
            page,
            "* recommended: the smallest r within one standard error of the best",
            style="dim",
        )
