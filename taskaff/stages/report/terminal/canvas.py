"""A canvas of rich renderables that becomes text and looks at nothing but its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from taskaff.stages.report.escape import guard, terminal
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import Numbering

NARROWEST = 40
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Canvas:
    """Renderables one below the other, laid out for ``options.width`` columns."""

    def __init__(self, options: ReportOptions) -> None:
        self.width = max(NARROWEST, options.width)
        self.color = options.color
        self.notes = Numbering()
        self._parts: list[RenderableType] = []

    def add(self, *parts: RenderableType) -> None:
        """Append parts."""
        self._parts += parts

    def blank(self) -> None:
        """Append an empty line."""
        self.add(Text(""))

    def text(self) -> str:
        """All lines, without trailing blanks and without a line that a CI log would obey."""
        console = Console(
            file=StringIO(),
            width=self.width,
            force_terminal=self.color,
            force_jupyter=False,
            color_system="256" if self.color else None,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},
        )
        segments = (segment for part in self._parts for segment in console.render(part))
        found = "".join(map(self._colored, segments))
        lines = [line.rstrip(" ") for line in found.splitlines()]
        return guard("\n".join(lines).strip("\n") + "\n")

    def _colored(self, segment: Segment) -> str:
        if segment.style is None or not self.color:
            return segment.text
        return segment.style.render(segment.text, color_system=ColorSystem.EIGHT_BIT)


def heading(canvas: Canvas, title: str) -> None:
    """A section title; the blank line before it separates the sections."""
    canvas.blank()
    canvas.add(Rule(Text(terminal(title), style="bold"), align="left", characters="─", style="dim"))


def paragraph(canvas: Canvas, text: str, indent: int = 0, style: str = "") -> None:
    """Trusted or untrusted text, wrapped and indented."""
    canvas.add(Padding(Text(terminal(text), style=style), (0, 0, 0, indent)))


def hanging(canvas: Canvas, text: str) -> None:
    """Untrusted text, wrapped with every line but the first indented, the start in bold."""
    start, mark, rest = terminal(text).partition("; ")
    found = Text(start, style="bold")
    found.append(mark + rest, style="not bold")
    first, *others = found.wrap(Console(width=canvas.width), canvas.width - 2)
    canvas.add(first, *(Padding(line, (0, 0, 0, 2)) for line in others))


def unwrapped(canvas: Canvas, text: Text) -> None:
    """Text that is cut at the right edge, never wrapped."""
    text.no_wrap, text.overflow = True, "crop"
    canvas.add(text)


def listing(canvas: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    """Terms with their wrapped explanations, the terms in a column of their own."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bold", max_width=max(8, canvas.width // 2))
    grid.add_column(overflow="fold")
    for term, text in entries:
        grid.add_row(Text(terminal(term)), Text(terminal(text)))
    canvas.add(grid)


def plain_table(*headers: str, right: Sequence[int] = ()) -> Table:
    """A table with a rule under its header and nothing else; ``right`` columns hold numbers."""
    from rich import box

    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
        header_style="bold",
    )
    for n, header in enumerate(headers):
        table.add_column(
            Text(header), justify="right" if n in right else "left", overflow="fold", vertical="top"
        )
    return table


def superscript(number: int) -> str:
    """A footnote mark; nothing for 0."""
    return str(number).translate(SUPERSCRIPTS) if number else ""
