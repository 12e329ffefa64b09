"""A rich console that writes to a string and looks at nothing but its arguments."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from taskaff.report.escape import guard, terminal
from taskaff.report.options import ReportOptions

NARROWEST = 40
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def open_console(options: ReportOptions) -> Console:
    """A console of ``options.width`` columns, with 256 colours or none."""
    return Console(
        file=StringIO(),
        width=max(NARROWEST, options.width),
        force_terminal=options.color,
        force_jupyter=False,
        color_system="256" if options.color else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )


def written(console: Console) -> str:
    """What was printed, without trailing blanks, and without a line that a CI log would obey."""
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip(" ") for line in console.file.getvalue().splitlines()]
    return guard("\n".join(lines).strip("\n") + "\n")


def heading(console: Console, title: str) -> None:
    """A section title; the blank line before it separates the sections."""
    console.print()
    console.print(Rule(Text(title, style="bold"), align="left", characters="─", style="dim"))


def paragraph(console: Console, text: str, indent: int = 0, style: str = "") -> None:
    """Trusted or untrusted text, wrapped with a hanging indent of two columns."""
    body = Text(terminal(text), style=style)
    console.print(Padding(body, (0, 0, 0, indent)))


def listing(console: Console, entries: list[tuple[str, str]]) -> None:
    """Terms with their wrapped explanations, the terms in a column of their own."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bold", max_width=max(8, console.width // 2))
    grid.add_column(overflow="fold")
    for term, text in entries:
        grid.add_row(Text(terminal(term)), Text(terminal(text)))
    console.print(grid)


def plain_table(*headers: str, right: tuple[int, ...] = ()) -> Table:
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
