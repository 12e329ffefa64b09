"""Parse a block of lines ``word x1 ... xd`` into words and a matrix, without a loop over lines.

Bytes throughout, and 0x20 the only separator: official files have words with spaces, one that is
U+0085, and some that are not UTF-8. So the last ``d`` fields are the vector and the rest is the
word. numpy finds the fields, Arrow's CSV reader parses the numbers; when it refuses, the lines are
gone through one by one to name the place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from taskaff.core.errors import EmbedError, Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats32, Ints

NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf|infinity)", re.I)

_CORRECT = "correct or remove this line"


def number_after_tab(word: bytes) -> bool:
    """Whether the first number hangs on its word by a tab, which is no separator here."""
    _, tab, number = word.rpartition(b"\t")
    return bool(tab) and NUMBER.fullmatch(number) is not None


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Byte positions ``(n,)`` in ``data``: where line, word (``splits``) and numbers end."""

    data: NDArray[np.uint8]
    starts: Ints
    splits: Ints
    stops: Ints
    ends: Ints
    extra: Ints
    """Spaces inside the word."""

    def word(self, row: int) -> bytes:
        """The word of a line."""
        return self.data[self.starts[row] : self.splits[row]].tobytes()


def parse_block(block: bytes, width: int, where: Place) -> tuple[pa.Array, Floats32]:
    """Words (large_binary) and vectors ``(n, d)`` of complete lines, the first at ``where``."""
    lines = _cut(block, width, where)
    _refuse_too_wide(lines, width, where)
    _refuse_tabs(lines, width, where)
    vectors = _numbers(lines, width)
    if vectors is None:
        vectors = _numbers_by_line(lines, width, where)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise _refused(where, int(bad[0]), "a value is not finite", "remove this line")
    return _words(lines), vectors


def _cut(block: bytes, width: int, where: Place) -> _Lines:
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    stops = ends - ((data[ends - 1] == ord("\r")) & (ends > starts))
    stops = stops - ((data[stops - 1] == ord(" ")) & (stops > starts))  # as fastText ends lines
    spaces = np.flatnonzero(data == ord(" "))
    before = np.searchsorted(spaces, starts)
    extra = np.searchsorted(spaces, stops) - before - width
    short = np.flatnonzero(extra < 0)
    if len(short):
        numbers = max(int(extra[short[0]]) + width, 0)
        problem = f"{numbers} numbers after the word, not {width}"
        hint = f"{_CORRECT}; if it is the last one, the file is cut off"
        raise _refused(where, int(short[0]), problem, hint)
    return _Lines(data, starts, spaces[before + extra], stops, ends, extra)


def _refuse_too_wide(lines: _Lines, width: int, where: Place) -> None:
    """A word with spaces is fine, unless what follows the first space is numbers."""
    for row in np.flatnonzero(lines.extra).tolist():
        fields = lines.word(row).split(b" ")
        if all(NUMBER.fullmatch(field) for field in fields[1:]) and b"." in fields[-1][:-1]:
            problem = f"{width + len(fields) - 1} numbers after the word, not {width}"
            raise _refused(where, row, problem)


def _refuse_tabs(lines: _Lines, width: int, where: Place) -> None:
    """A tab before the first number would leave that number in the word."""
    tabs = np.flatnonzero(lines.data == ord("\t"))
    for row in np.unique(np.searchsorted(lines.ends, tabs)).tolist():
        if number_after_tab(lines.word(row)):
            problem = f"a tab separates the word from a number, and {width} numbers follow"
            hint = "separate the word and its numbers by single spaces"
            raise _refused(where, row, problem, hint)


def _words(lines: _Lines) -> pa.Array:
    sizes = lines.splits - lines.starts
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    letters = lines.data[_inside(lines.starts, lines.splits, len(lines.data))]
    buffers = [None, pa.py_buffer(bounds.astype(np.int64)), pa.py_buffer(letters)]
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), buffers)


def _numbers(lines: _Lines, width: int) -> Floats32 | None:
    """The matrix, or None when the CSV reader does not like a number."""
    from pyarrow import csv

    keep = _inside(lines.splits + 1, lines.stops, len(lines.data))
    keep[lines.ends] = True
    names = [str(column) for column in range(width)]
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(lines.data[keep])),
            csv.ReadOptions(column_names=names, block_size=len(lines.data) + 1),
            csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float32()), null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != len(lines.ends):
        return None
    out = np.empty((len(table), width), np.float32)
    for column in range(width):
        out[:, column] = table.column(column).to_numpy()
    return out


def _numbers_by_line(lines: _Lines, width: int, where: Place) -> Floats32:
    out = np.empty((len(lines.ends), width), np.float32)
    for row in range(len(lines.ends)):
        fields = lines.data[lines.splits[row] + 1 : lines.stops[row]].tobytes().split(b" ")
        bad = next((field for field in fields if not NUMBER.fullmatch(field)), None)
        if bad is not None:
            shown = bad[:40].decode("utf-8", "backslashreplace")
            raise _refused(where, row, f"{shown!r} is not a number")
        with np.errstate(over="ignore"):  # refused as not finite
            out[row] = [float(field) for field in fields]
    return out


def _inside(begin: Ints, end: Ints, size: int) -> NDArray[np.bool_]:
    """Which of ``size`` positions lie in one of the disjoint ranges ``[begin, end)``."""
    change = np.zeros(size + 1, np.int8)
    change[begin] += 1
    change[end] -= 1  # ends are distinct too
    return np.cumsum(change[:-1], dtype=np.int8).astype(bool)


def _refused(where: Place, row: int, problem: str, hint: str = _CORRECT) -> EmbedError:
    line = (where.line or 1) + row
    return EmbedError(problem, where=replace(where, line=line), hint=hint)
