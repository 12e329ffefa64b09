"""Rows of CSV that two honest readings divide differently, although both are of the right width.

A quote inside an unquoted cell is an ordinary character, so ``5" pipe`` and
``say "hi"`` are read as written. Two kinds of row are refused, because the file itself tells
that the quotes were not written that way:

* **a quote that opens inside a cell**: ``bad,1"a, b"``. An unquoted cell has a quote right before
  a word and none that closes it, and the next unquoted cell with a quote ends with it. Read as a
  quoted part, the delimiters between the two are text.
* **swallowed rows**: ``"Second<tab>0`` up to a quote that ends a cell some lines later. Every line
  inside the quotes is a row of the right width when quotes are ordinary characters. That is enough
  in TSV. In CSV, where a comma may well end a line of a text, the cells that these lines have in
  some column must also be known values of it.

The check costs a second reading, so it runs where the first one met a quote inside a cell or a row
of several lines. ``--quote '"'`` leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

_QUOTE = ord('"')
_KNOWN_ROWS = 1000
_KNOWN_VALUES = 20
"""A column with more values than these, among its first rows, has no known ones."""
_SWALLOWED = "a quoted cell holds {} lines that look like rows of their own"
_LINE_END = re.compile(r"\r\n?|\n")


def inner_quote(delimiter: str) -> Callable[[bytes], bool]:
    """Whether bytes hold a quote with text on both sides; in a quoted cell it would be doubled."""
    beside = np.zeros(256, dtype=np.bool_)
    beside[[ord(delimiter), ord("\r"), ord("\n"), _QUOTE]] = True

    def met(data: bytes) -> bool:
        codes = np.frombuffer(data, np.uint8)
        at = np.flatnonzero(codes[1:-1] == _QUOTE)
        return not bool((beside[codes[at]] | beside[codes[at + 2]]).all())

    return met


class Lines:
    """Physical lines on their way to ``csv``, stored until their row is finished."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = text
        self._row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self._row.append(line)
            yield line

    def take(self) -> str:
        """The lines of the row that was just read."""
        raw = "".join(self._row)
        self._row.clear()
        return raw


class Quotes:
    """The two rules over the rows of one file, in order."""

    def __init__(self, delimiter: str, width: int) -> None:
        self._delimiter, self._width = delimiter, width
        d = re.escape(delimiter)
        self._opener = re.compile(rf'[^{d}\r\n"]"[^{d}"\s]')
        self._closer = re.compile(rf'[^{d}\r\n]" *(?:{d}|\r|\n|\Z)')
        self._cell = re.compile(rf'(?:"[^"]*(?:""[^"]*)*"|([^{d}\r\n]*))(?:{d}|\r\n?|\n|\Z)')
        self._known: list[set[str]] = [set() for _ in range(width)]
        self._rows = 0
        self._doubtful: list[tuple[int, list[list[str]]]] = []

    def fault(self, raw: str, cells: Sequence[str]) -> str | None:
        """Fault of the next row, given as written in the file and as read; None without any."""
        self._rows += 1
        if self._rows <= _KNOWN_ROWS:
            for values, cell in zip(self._known, cells, strict=True):
                if len(values) <= _KNOWN_VALUES:
                    values.add(cell)
        if '"' not in raw:
            return None
        if self._opener.search(raw) and self._closer.search(raw) and self._opens_inside(raw):
            return "a quote opens inside a cell, so that the cells can be cut in two ways"
        rows = self._rows_inside(raw)
        if not rows:
            return None
        if self._delimiter == "\t":
            return _SWALLOWED.format(len(rows))
        if len(self._doubtful) < _KNOWN_ROWS:
            self._doubtful.append((self._rows, rows))
        return None

    def _rows_inside(self, raw: str) -> list[list[str]]:
        """The lines of a row, cut at every delimiter, if all of them have the right width."""
        lines = _LINE_END.split(raw.rstrip("\r\n")) if self._width > 1 else ()
        rows = [line.split(self._delimiter) for line in lines] if len(lines) > 1 else []
        return rows if all(len(row) == self._width for row in rows) else []

    def swallowed(self) -> tuple[int, str] | None:
        """The first row whose lines hold known values of a column, once all rows were shown."""
        for number, rows in self._doubtful:
            for known, column in zip(self._known, zip(*rows, strict=True), strict=True):
                if len(known) <= _KNOWN_VALUES and all(cell and cell in known for cell in column):
                    return number, _SWALLOWED.format(len(rows))
        return None

    def _opens_inside(self, raw: str) -> bool:
        opened = False
        for match in self._cell.finditer(raw.rstrip("\r\n")):
            cell = (match[1] or "").rstrip()
            if opened and '"' in cell:
                if cell.endswith('"') and '"' not in cell[:-1].replace('""', ""):
                    return True
                opened = False
            opened = opened or _left_open(cell)
        return False


def _left_open(cell: str) -> bool:
    """Whether an unquoted cell has a quote right before a word, and none that closes it."""
    _, quote, rest = cell.partition('"')
    opens = bool(quote) and rest[:1] not in ("", '"') and not rest[0].isspace()
    return opens and '"' not in rest.replace('""', "")


def first_fault(reader: Any, lines: Lines, quotes: Quotes, header: bool) -> tuple[int, str] | None:
    """The first row (1-based) that can be read in two ways, and why."""
    row = 0 if header else 1
    for cells in reader:
        raw = lines.take()
        if not cells:
            continue
        fault = quotes.fault(raw, cells) if row else None
        if fault:
            return row, fault
        row += 1
    return quotes.swallowed()
