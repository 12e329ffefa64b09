"""The result as GitHub markdown: a comment on a pull request, or a page of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from taskaff.stages.report import answers, parts
from taskaff.stages.report.escape import markdown, terminal
from taskaff.stages.report.numbers import short
from taskaff.stages.report.options import ReportOptions

MOST_SIGNS = 12
"""Of more data sets the matrix of signs is left out."""


def render(result: Any, options: ReportOptions) -> Iterator[str]:
    """The parts of the page; every text is escaped here, at the last moment."""
    page = parts.page_of(result, options, wide=True)
    if options.quiet:
        yield from (f"- {markdown(text)}\n" for text in page.verdicts)
        return
    yield f"## {markdown(page.title)}\n"
    notes = parts.Numbering()
    for part in page.parts:
        yield WRITERS[type(part)](part, notes)


def pipe_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, after a blank line; every cell is escaped."""
    lines = [_row(headers), "|" + " --- |" * len(headers), *map(_row, rows)]
    return "\n" + "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown, cells)) + " |"


def _heading(part: parts.Heading, _: parts.Numbering) -> str:
    return f"\n### {markdown(part.text)}\n"


def _nothing(_: parts.Part, __: parts.Numbering) -> str:
    return ""


def _paragraph(part: parts.Paragraph, _: parts.Numbering) -> str:
    mark = "**" if part.style.startswith("bold") else ""
    return f"\n{mark}{markdown(part.text)}{mark}\n"


def _line(part: parts.Line, _: parts.Numbering) -> str:
    """A text, or a block of one line of code, which is never read as markup."""
    return f"\n    {terminal(part.text)}\n" if part.code else f"\n{markdown(part.text)}\n"


def _items(part: parts.Items, _: parts.Numbering) -> str:
    lines = "".join(f"- {markdown(text)}\n" for text in part.texts)
    return "\n" + lines if lines else ""


def _listing(part: parts.Listing, _: parts.Numbering) -> str:
    return pipe_table(part.headers, part.entries)


def _table(part: parts.Table, notes: parts.Numbering) -> str:
    columns = [[_cell(cell, notes) for cell in column] for column in part.columns]
    return pipe_table(part.headers, zip(*columns, strict=True))


def _cell(cell: parts.Cell, notes: parts.Numbering) -> str:
    if isinstance(cell, parts.Names):
        return f" {cell.mark} ".join(cell.names)
    number = notes.mark(cell)
    text = cell if isinstance(cell, str) else cell.text
    return f"{text} ({number})" if number else text


def _footnotes(_: parts.Footnotes, notes: parts.Numbering) -> str:
    lines = "".join(f"{n}. {markdown(text)}\n" for n, text in notes.flush())
    return "\n" + lines if lines else ""


def _score_list(part: parts.ScoreList, notes: parts.Numbering) -> str:
    rows = (
        [name, _cell(way or "", notes), _cell(value, notes), interval, beside]
        for name, way, value, interval, beside, _ in part.rows
    )
    return pipe_table(["score", "direction", "value", "interval", "beside it"], rows)


def _signs(part: parts.Signs, _: parts.Numbering) -> str:
    if len(part.names) > MOST_SIGNS:
        return ""
    numbers = [str(n) for n in range(1, len(part.names) + 1)]
    found = ""
    for block in part.blocks:
        lines = zip(numbers, part.names, block.signs, strict=True)
        found += f"\n### Pairs: {markdown(block.title)}\n"
        found += pipe_table(["", "", *numbers], ([n, name, *signs] for n, name, signs in lines))
        found += f"\n{markdown(answers.LEGEND)}\n"
    return found


def _curve(part: parts.Curve, _: parts.Numbering) -> str:
    points = ([f"{p.r}", short(p.error), short(p.stderr)] for p in part.points)
    return pipe_table(["r", "error", "standard error"], points)


WRITERS: dict[type, Callable[[Any, parts.Numbering], str]] = {
    parts.Heading: _heading,
    parts.Gap: _nothing,
    parts.Paragraph: _paragraph,
    parts.Line: _line,
    parts.Items: _items,
    parts.Listing: _listing,
    parts.Table: _table,
    parts.Footnotes: _footnotes,
    parts.ScoreList: _score_list,
    parts.Signs: _signs,
    parts.HeatMap: _nothing,
    parts.Curve: _curve,
}
