"""A score of every ordered pair as a map: numbers on shades where they fit, else shades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from taskaff.core.records.score import PairTable
from taskaff.stages.report.names import short_names
from taskaff.stages.report.numbers import MISSING
from taskaff.stages.report.parts import HeatMap
from taskaff.stages.report.terminal.canvas import Canvas, heading, paragraph, unwrapped

SHADES = "░▒▓█"
BLUES = (255, 189, 153, 111, 69, 27)
ORANGES = (255, 223, 222, 215, 208, 202)
DARK = 4
"""Colour levels from here on take light letters."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How values become shades: the smallest and largest, and digits enough to tell them apart."""

    low: float
    high: float
    places: int

    @classmethod
    def of(cls, table: PairTable) -> Scale:
        """The scale of the defined values off the diagonal."""
        off = table.value[~np.eye(len(table.value), dtype=bool)]
        off = off[np.isfinite(off)]
        low, high = float(off.min()), float(off.max())
        steps = ((0.2, 2), (0.02, 3))
        return cls(low, high, next((n for least, n in steps if high - low >= least), 4))

    def text(self, x: float) -> str:
        """A value without its leading zero."""
        number = f"{round(x, self.places) + 0.0:.{self.places}f}"
        return number.replace("0.", ".", 1) if abs(x) < 1 else number

    def share(self, x: float) -> float:
        """Where a value lies between the ends, 0 to 1."""
        return (x - self.low) / (self.high - self.low) if self.high > self.low else 1.0

    def shade(self, x: float) -> str:
        """A character, the denser the higher the value."""
        return SHADES[min(len(SHADES) - 1, int(self.share(x) * len(SHADES)))]

    def style(self, x: float) -> str:
        """Colours: blue for high values; with both signs, orange below zero and blue above."""
        if self.low < 0 < self.high:
            share, ramp = abs(x) / max(-self.low, self.high), BLUES if x > 0 else ORANGES
        else:
            share, ramp = self.share(x), BLUES
        level = min(len(ramp) - 1, int(share * len(ramp)))
        letters = "color(231)" if level >= DARK else "color(16)"
        return f"{letters} on color({ramp[level]})"


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns of one cell, and whether there is room for the number beside the shade."""

    wide: int
    values: bool

    @classmethod
    def fitting(cls, k: int, text: int, room: int) -> Grid | None:
        """The roomiest of: number and shade with or without a gap, shade blocks of 3, 2 or 1."""
        digits = len(str(k))
        for extra in (3, 2):
            if k * (text + extra) <= room:
                return cls(text + extra, True)
        wide = next((w for w in (digits + 1, 2, 1) if k * w <= room), 0)
        return cls(wide, False) if wide else None

    def header(self, k: int) -> list[str]:
        """Task numbers above the columns, written downwards where they are too wide."""
        digits = len(str(k))
        if self.wide > digits:
            return ["".join(f"{n:>{self.wide - 1}} " for n in range(1, k + 1))]
        numbers = [f"{n:>{digits}}" for n in range(1, k + 1)]
        return ["".join(n[p].rjust(self.wide) for n in numbers) for p in range(digits)]

    def cell(self, x: float, scale: Scale, color: bool, diagonal: bool) -> Text:
        """One entry: coloured, or with a shade character after the number."""
        if not np.isfinite(x) or diagonal:
            return Text(("·" if diagonal else MISSING).rjust(self.wide - 1) + " " * (self.wide > 1))
        if self.values:
            number = scale.text(x)
            if color:
                return Text(number.rjust(self.wide - 1) + " ", style=scale.style(x))
            return Text(number.rjust(self.wide - 2) + scale.shade(x) + " ")
        if color:
            return Text(" " * self.wide, style=scale.style(x))
        return Text((scale.shade(x) * 2).rjust(self.wide)[-self.wide :])


def add_heatmap(canvas: Canvas, part: HeatMap) -> None:
    """The map, with task numbers above the columns; said, not shown, when it cannot fit."""
    table, names = part.table, part.names
    heading(canvas, f"Heat map of {table.name}")
    k, digits, scale = len(names), len(str(len(names))), Scale.of(table)
    longest = max(len(scale.text(x)) for x in (scale.low, scale.high))
    label = digits + 1 + min(max(8, canvas.width // 5), max(map(cell_len, names)))
    grid = Grid.fitting(k, longest, canvas.width - label - 1)
    if grid is None:
        paragraph(canvas, f"{k:,} tasks do not fit into {canvas.width} columns; see -f csv.")
        return
    for above in grid.header(k):
        unwrapped(canvas, Text(" " * (label + 1) + above, style="bold"))
    for i, name in enumerate(short_names(names, label - digits - 1)):
        line = Text(f"{i + 1:>{digits}} {name}")
        line.pad_right(max(0, label + 1 - line.cell_len))
        for j in range(k):
            line.append_text(grid.cell(float(table.value[i, j]), scale, canvas.color, i == j))
        unwrapped(canvas, line)
    paragraph(canvas, _legend(table, scale, canvas.color), style="dim")


def _legend(table: PairTable, scale: Scale, color: bool) -> str:
    rows = "row = source, column = target; " if table.directed else ""
    low, high = scale.text(scale.low), scale.text(scale.high)
    if not color:
        return f"{rows}{SHADES[0]} = {low}, {SHADES[-1]} = {high}"
    shades = "blue = above zero, orange = below" if scale.low < 0 < scale.high else "blue = high"
    return f"{rows}{shades}; {low} to {high}"
