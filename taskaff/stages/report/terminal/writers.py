"""A writer for every part of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from taskaff.stages.report import parts
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.terminal.bands import GAP, Column, add_bands
from taskaff.stages.report.terminal.canvas import (
    Canvas,
    hanging,
    heading,
    listing,
    paragraph,
    plain_table,
    superscript,
    unwrapped,
)
from taskaff.stages.report.terminal.curve import add_curve
from taskaff.stages.report.terminal.heatmap import add_heatmap
from taskaff.stages.report.terminal.signs import add_signs

HEADER = 16
"""Headers are folded after an underscore to about this many columns."""


def _line(canvas: Canvas, part: parts.Line) -> None:
    """Never wrapped, so that a command can be copied."""
    text = "  " * part.code + terminal(part.text)
    canvas.add(Text(text, no_wrap=True, overflow="ignore"))


def _items(canvas: Canvas, part: parts.Items) -> None:
    for text in part.texts:
        if part.answers:
            hanging(canvas, text)
        else:
            paragraph(canvas, text, style=part.style)


def _table(canvas: Canvas, part: parts.Table) -> None:
    shown = _shortened(canvas, part)
    columns = [
        Column(_folded(terminal(header)), [shown(cell) for cell in cells], n in part.right)
        for n, (header, cells) in enumerate(zip(part.headers, part.columns, strict=True))
    ]
    if not part.folding:
        add_bands(canvas, columns[: part.lead], columns[part.lead :])
        return
    table = plain_table(*(column.header for column in columns), right=part.right)
    for row in part.rows:
        table.add_row(*(Text(shown(each), getattr(each, "style", "")) for each in row))
    canvas.add(table)


def _shortened(canvas: Canvas, part: parts.Table) -> Callable[[parts.Cell], str]:
    """Writes a cell, with names cut so that they stay different."""
    least, most, share = part.names
    limit = max(least, min(most, canvas.width // share))
    cells = (cell for row in part.rows for cell in row if isinstance(cell, parts.Names))
    names = tuple(dict.fromkeys(name for cell in cells for name in cell.names))
    short = dict(zip(names, short_names(names, limit), strict=True))
    return lambda cell: _cell(canvas, cell, short)


def _cell(canvas: Canvas, cell: parts.Cell, short: dict[str, str]) -> str:
    if isinstance(cell, parts.Names):
        return f" {cell.mark} ".join(short[name] for name in cell.names)
    if isinstance(cell, parts.Noted):
        return terminal(cell.text) + superscript(canvas.notes.mark(cell))
    return terminal(cell.text if isinstance(cell, parts.Styled) else cell)


def _folded(name: str) -> str:
    lines = [""]
    for part in name.replace("_", "_\n").split("\n"):
        if lines[-1] and cell_len(lines[-1] + part) > HEADER:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _footnotes(canvas: Canvas, _: parts.Footnotes) -> None:
    for n, text in canvas.notes.flush():
        paragraph(canvas, f"{superscript(n)} {text}", style="dim")


def _score_list(canvas: Canvas, part: parts.ScoreList) -> None:
    """Aligned without headers; explanations below their score, with a gap between scores."""
    ways = tuple(dict.fromkeys(name for row in part.rows if row[1] for name in row[1].names))
    short = dict(zip(ways, short_names(ways, 12 if canvas.width >= 100 else 8), strict=True))
    lines = [
        (
            "" if n and part.rows[n - 1][0] == name else terminal(name),
            _cell(canvas, way, short) if way else "",
            _cell(canvas, value, short),
            interval,
            terminal(beside),
            explain,
        )
        for n, (name, way, value, interval, beside, explain) in enumerate(part.rows)
    ]
    widths = [max(cell_len(line[n]) for line in lines) for n in range(4)]
    for n, line in enumerate(lines):
        if n and line[0] and any(each[5] for each in lines):
            canvas.blank()
        _score_line(canvas, line, widths)
        if line[5]:
            paragraph(canvas, line[5], indent=4, style="dim")


def _score_line(canvas: Canvas, parts: Sequence[str], widths: Sequence[int]) -> None:
    """Name, direction, value, interval; further numbers beside them or on a line of their own."""
    line = Text()
    for part, width in zip(parts[:4], widths, strict=True):
        line.append(part + " " * (width - cell_len(part) + GAP))
    beside = line.cell_len + cell_len(parts[4]) <= canvas.width
    if beside:
        line.append(parts[4], style="dim")
    unwrapped(canvas, line)
    if parts[4] and not beside:
        paragraph(canvas, parts[4], indent=sum(widths[:2]) + 2 * GAP, style="dim")


WRITERS: dict[type, Callable[[Canvas, Any], None]] = {
    parts.Heading: lambda canvas, part: heading(canvas, part.text),
    parts.Gap: lambda canvas, _: canvas.blank(),
    parts.Paragraph: lambda canvas, part: paragraph(canvas, part.text, part.indent, part.style),
    parts.Line: _line,
    parts.Items: _items,
    parts.Listing: lambda canvas, part: listing(canvas, part.entries),
    parts.Table: _table,
    parts.Footnotes: _footnotes,
    parts.ScoreList: _score_list,
    parts.Signs: add_signs,
    parts.HeatMap: add_heatmap,
    parts.Curve: add_curve,
}
