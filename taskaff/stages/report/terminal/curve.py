"""The curve of a capacity: its points side by side, with bars."""

from __future__ import annotations

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from taskaff.stages.report.numbers import curve_bars, short
from taskaff.stages.report.parts import Curve
from taskaff.stages.report.terminal.canvas import Canvas, paragraph


def add_curve(canvas: Canvas, curve: Curve) -> None:
    """As many points side by side as fit, then the next ones."""
    rows = [("r", "error", "±", "")]
    bars = curve_bars([point.error for point in curve.points])
    for point, bar in zip(curve.points, bars, strict=True):
        mark = "*" if point.r == curve.recommended else ""
        rows.append((f"{point.r}{mark}", short(point.error), short(point.stderr), bar * 4))
    width = max(cell_len(part) for row in rows for part in row) + 2
    each = max(1, canvas.width // width - 1)
    for start in range(1, len(rows), each):
        grid = Table.grid()
        columns = [rows[0], *rows[start : start + each]]
        for n in range(len(columns)):
            grid.add_column(width=width, no_wrap=True, justify="right" if n else "left")
        for line in zip(*columns, strict=True):
            grid.add_row(*map(Text, line))
        canvas.add(grid)
    if any(point.r == curve.recommended for point in curve.points):
        text = "* recommended: the smallest r within one standard error of the best"
        paragraph(canvas, text, style="dim")
