"""The scores of the pairs: a list for two tasks, tables for some, the highest of many."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report.cells import (
    MOST_PAIRS,
    ORDER,
    WIDE,
    Footnotes,
    Pair,
    cell,
    folded,
    groups,
    heat_tables,
    pairs_of,
    ranked,
)
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.terminal.bands import GAP, Column, add_bands
from taskaff.stages.report.terminal.page import (
    Page,
    heading,
    listing,
    paragraph,
    superscript,
    unwrapped,
)

HEADER = 16
"""Score names are folded after an underscore to about this many columns."""


def add_scores(page: Page, result: ScoreResult, options: ReportOptions) -> None:
    """Every score of every pair, or what fits of it, then the notes."""
    whole, (result, silent) = result, folded(result)
    if not whole.tables or len(result.tasks) < 2:
        return
    notes = Footnotes()
    if len(result.tasks) == 2 and result.tables:
        _add_list(page, result, options, notes)
    elif len(result.tasks) <= WIDE:
        _add_tables(page, result, notes)
    else:
        _add_highest(page, result, notes)
    for n, text in enumerate(notes.texts, 1):
        paragraph(page, f"{superscript(n)} {text}", style="dim")
    if 2 < len(result.tasks) <= WIDE and result.tables:
        paragraph(page, ORDER, style="dim")
    if silent:
        page.blank()
    for text in silent:
        paragraph(page, text)
    if options.explain and len(result.tasks) > 2:
        heading(page, "What the numbers mean")
        listing(page, [(t.name, t.explain) for t in whole.tables.values() if t.explain])


def way(table: PairTable, names: list[str], pair: Pair) -> str:
    """``a → b`` for a source and a target, ``a · b`` without direction."""
    return f"{names[pair[0]]} {'→' if table.directed else '·'} {names[pair[1]]}"


# ---------------------------------------------------------------- two tasks: a list


def _add_list(page: Page, result: ScoreResult, options: ReportOptions, notes: Footnotes) -> None:
    heading(page, "Scores")
    names = short_names(result.names, 12 if page.width >= 100 else 8)
    blocks = {table.name: _rows(table, result, names, notes) for table in result.tables.values()}
    rows = [row for block in blocks.values() for row in block]
    widths = [max(cell_len(row[n]) for row in rows) for n in range(4)]
    for number, table in enumerate(result.tables.values()):
        if options.explain and number:
            page.blank()
        for row in blocks[table.name]:
            _add_row(page, row, widths)
        if options.explain and table.explain:
            paragraph(page, table.explain, indent=4, style="dim")


def _add_row(page: Page, row: tuple[str, ...], widths: list[int]) -> None:
    """Name, direction, value, interval; further numbers beside them or on a line of their own."""
    line = Text()
    for part, width in zip(row[:4], widths, strict=False):
        line.append(part + " " * (width - cell_len(part) + GAP))
    beside = line.cell_len + cell_len(row[4]) <= page.width
    if beside:
        line.append(row[4], style="dim")
    unwrapped(page, line)
    if row[4] and not beside:
        paragraph(page, row[4], indent=sum(widths[:2]) + 2 * GAP, style="dim")


def _rows(
    table: PairTable, result: ScoreResult, names: list[str], notes: Footnotes
) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for n, pair in enumerate(pairs_of(result, table)):
        shown = cell(table, *pair)
        direction = way(table, names, pair) if table.directed else ""
        value = terminal(shown.value) + superscript(notes.mark(shown.note or shown.detail))
        name = "" if n else terminal(table.name)
        found.append((name, direction, value, shown.interval, terminal(shown.beside)))
    return found


# ---------------------------------------------------------- some tasks: pairs by scores


def _add_tables(page: Page, result: ScoreResult, notes: Footnotes) -> None:
    names = short_names(result.names, max(8, min(14, page.width // 8)))
    for group in groups(result):
        directed = group[0].directed
        heading(page, "Scores from source to target" if directed else "Scores of pairs")
        pairs = pairs_of(result, group[0])
        first = Column(
            "source → target" if directed else "pair", [way(group[0], names, p) for p in pairs]
        )
        columns = [_column(table, pairs, notes) for table in group]
        add_bands(page, [first], columns)


def _column(table: PairTable, pairs: list[Pair], notes: Footnotes) -> Column:
    cells = []
    for pair in pairs:
        shown = cell(table, *pair)
        cells.append(terminal(shown.both) + superscript(notes.mark(shown.note)))
    return Column(_fold(terminal(table.name)), cells)


def _fold(name: str) -> str:
    lines = [""]
    for part in name.replace("_", "_\n").split("\n"):
        if lines[-1] and cell_len(lines[-1] + part) > HEADER:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


# ------------------------------------------------------- many tasks: the highest


def _add_highest(page: Page, result: ScoreResult, notes: Footnotes) -> None:
    names = short_names(result.names, max(10, min(24, page.width // 5)))
    for table in heat_tables(result):
        order = ranked(table)
        shown = order[:MOST_PAIRS]
        heading(page, f"{terminal(table.name)}: the highest first")
        first = "source → target" if table.directed else "pair"
        pairs = Column(first, [way(table, names, pair) for pair in shown])
        add_bands(page, [pairs], [_column(table, shown, notes)])
        if left := len(order) - len(shown):
            paragraph(page, f"the other {left:,} in -f csv", style="dim")
    k = len(result.tasks)
    page.blank()
    paragraph(
        page,
        f"{k * (k - 1) // 2:,} pairs in all, with {len(result.tables)} scores: "
        "-f csv, -f jsonl or -f json gives all of them.",
    )
