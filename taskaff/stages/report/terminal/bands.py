"""Wide tables cut into bands that fit the terminal, each with the leading columns repeated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len
from rich.text import Text

from taskaff.stages.report.terminal.canvas import Canvas, plain_table

GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True)
class Column:
    """A header, which may wrap between words, and one cell a row, which never does."""

    header: str
    cells: list[str]
    right: bool = False

    @cached_property
    def width(self) -> int:
        """Columns of the terminal that the cells need."""
        return max(map(cell_len, [*self.header.split(), *self.cells]), default=0)

    @cached_property
    def natural(self) -> int:
        """Columns that also spare the header from wrapping."""
        return max(self.width, *map(cell_len, self.header.split("\n")))


def add_bands(canvas: Canvas, lead: list[Column], columns: list[Column]) -> None:
    """Print ``lead`` and as many of ``columns`` as fit; then ``lead`` again and the next ones."""
    room = canvas.width - sum(column.width + GAP for column in lead)
    for n, band in enumerate(_bands(columns, room) or [[]]):
        if n:
            canvas.blank()
        _add_band(canvas, [*lead, *band])


def _bands(columns: list[Column], room: int) -> list[list[Column]]:
    """Columns in groups that fit side by side, at least one each."""
    bands: list[list[Column]] = []
    left = -1
    for column in columns:
        if left < column.width:
            bands.append([])
            left = room
        bands[-1].append(column)
        left -= column.width + GAP
    return bands


def _add_band(canvas: Canvas, columns: list[Column]) -> None:
    right = tuple(n for n, column in enumerate(columns) if column.right)
    table = plain_table(*(column.header for column in columns), right=right)
    room = canvas.width - sum(column.width + GAP for column in columns) + GAP
    for shown, column in zip(table.columns, columns, strict=True):
        # Headers stay on one line while there is room, from the left.
        more = min(max(0, room), column.natural - column.width)
        shown.width = column.width + more
        room -= more
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, row))
    canvas.add(table)
