"""What is wrong with a CSV file, where, and the way out; a flag is offered only where it helps."""

from __future__ import annotations

import csv
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from taskaff.core.errors import DataError, TaskaffError
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.candidates import Candidates
from taskaff.stages.data.encoding import NulError
from taskaff.stages.data.names import KNOWN_NAMES
from taskaff.stages.data.reader import CELL_BYTES

SHOWN = {"\t": "tab", " ": "space"}
_DELIMITERS = (",", ";", "\t", "|")
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """One file, and how it is being read."""

    blob: Blob
    delimiter: str
    quote: str | None
    skip_lines: int
    header: bool
    rows_again: Callable[..., AbstractContextManager[Any]]
    """Opens a reader of all rows; ``quoted=False`` takes quotes for ordinary characters."""

    def row_error(self, row: int, problem: str, hint: str) -> DataError:
        """The error for a row, with its line, which is found by reading again up to it."""
        line, count = 0, 1 - self.header
        with self.rows_again() as reader:
            try:
                for cells in reader:
                    if cells:
                        count += 1
                    if count > row:
                        break
                    line = reader.line_num
            except (csv.Error, UnicodeDecodeError, NulError):
                pass
        return self.blob.error(problem, hint, row=row, line=line + 1 + self.skip_lines)

    def top_error(self, problem: str, hint: str) -> DataError:
        """The error for the first line."""
        return self.blob.error(problem, hint, line=self.skip_lines + 1)

    @property
    def plain_quotes_fit(self) -> bool:
        """Whether every row has the header's width when quotes are ordinary characters."""
        if self.quote is None:
            return False
        width = None
        with self.rows_again(quoted=False) as reader:
            for cells in filter(None, reader):
                if width is None and any(cell[:1] == self.quote for cell in cells) and self.header:
                    return False  # the names themselves are quoted
                if len(cells) != (width := width or len(cells)):
                    return False
        return True


# -- the first lines


def header(
    file: CsvFile, first: list[str] | None, rest: Iterable[list[str]], headless: Callable[[], Any]
) -> list[str]:
    """The names of the columns: those of the first row that is not empty, or ``c0``, ``c1``, ..."""
    if first is None:
        hint = "it needs a header line such as text,label" if file.header else "fetch it again"
        raise file.top_error("the file is empty", hint)
    _refuse_preamble(file, first, rest)
    if not file.header:
        _refuse_names(file, first)
        return [f"c{index}" for index in range(len(first))]
    repeated = [name for name, times in Counter(first).items() if times > 1]
    if repeated:
        raise file.top_error(
            f"the header names column {repeated[0]!r} {first.count(repeated[0])} times",
            "rename the columns; or, if the first line is a row: " + _without(headless),
        )
    other = [d for d in _DELIMITERS if d != file.delimiter and d in first[0]]
    if len(first) == 1 and other:
        delimiter = SHOWN.get(file.delimiter, file.delimiter)
        raise file.top_error(
            f"with delimiter {delimiter!r} there is one column, named {first[0]!r}",
            f"--delimiter {_shell(other[0])}",
        )
    return first


def _without(headless: Callable[[], Any]) -> str:
    try:
        flags = Candidates(headless()).flags()
    except (TaskaffError, csv.Error):
        flags = None
    return f"--no-header {flags}" if flags else "--no-header"


def _refuse_preamble(file: CsvFile, first: list[str], rest: Iterable[list[str]]) -> None:
    """Lines before the header: comments, and the ``sep=`` line of spreadsheets."""
    line = file.delimiter.join(first).lstrip(_MARK)
    said = re.fullmatch(r"sep=(.)", line, re.IGNORECASE)
    if said:
        other = "" if said[1] == file.delimiter else f" --delimiter {_shell(said[1])}"
        raise file.top_error(
            f"the first line is {line!r}, which only spreadsheets read",
            f"--skip-lines {file.skip_lines + 1}{other}",
        )
    if not line.startswith("#"):
        return
    comments, after = 1, next(iter(rest), [])
    while after and after[0].startswith("#"):
        comments, after = comments + 1, next(iter(rest), [])
    named = bool(KNOWN_NAMES & set(_folded(after))) and not KNOWN_NAMES & set(_folded(first))
    if after and (named or len(after) != len(first) or len(first) == 1):
        raise file.top_error(
            f"the file begins with a comment: {line[:60]!r}",
            f"--skip-lines {file.skip_lines + comments}",
        )


def _refuse_names(file: CsvFile, first: list[str]) -> None:
    names = [name for name in first if name.strip().lower() in KNOWN_NAMES]
    if len(names) > 1 or len(names) == len(first):
        raise file.top_error(
            f"the first row reads {', '.join(map(repr, names))}, as a header does",
            "leave --no-header out (no_header in taskaff.toml)",
        )


# -- the header in the middle


def tails(names: Sequence[str]) -> frozenset[str]:
    """Last cells with which a row may be the header again: a quick test for every row."""
    forms = (str, str.lower, str.upper, str.title, str.capitalize)
    return frozenset(form(name.strip()) for name in names if name.strip() for form in forms)


def is_header(names: Sequence[str], row: Sequence[str]) -> bool:
    """Whether a row is the header again, whatever the case and the order of its names."""
    return sorted(_folded(names)) == sorted(_folded(row))


def header_again(file: CsvFile, row: int) -> DataError:
    """The error for a header between the rows, as ``cat a.csv b.csv`` leaves it there."""
    path = shlex.quote(file.blob.path)
    return file.row_error(
        row,
        "the header is repeated here, as when files are joined",
        "give the files one by one, in a folder; or leave the line out: "
        f"awk 'NR == 1 {{ h = $0 }} NR == 1 || $0 != h' {path} > joined.csv",
    )


def _folded(names: Iterable[str]) -> list[str]:
    return [name.lstrip(_MARK).strip().lower() for name in names]


# -- rows


def ragged(file: CsvFile, row: int, cells: int, width: int) -> DataError:
    """The error for a row of another width than the header."""
    problem = f"{cells} cells where the {'header' if file.header else 'first row'} has {width}"
    return file.row_error(row, problem, _quoting(file, "quote cells that hold the delimiter"))


def broken(file: CsvFile, row: int, reason: str) -> DataError:
    """The error for what the strict reader complained about."""
    if "unexpected end" in reason:
        problem = "a quote is opened in this row and never closed"
    elif "field larger" in reason:
        problem = f"a cell is longer than {CELL_BYTES >> 20} MiB: a quote may not be closed"
    elif "expected after" in reason:
        problem = "text follows a closing quote"
    else:
        problem = f"not valid CSV: {reason}"
    return file.row_error(row, problem, _quoting(file, "double the quotes inside a quoted cell"))


def two_readings(file: CsvFile, row: int, problem: str) -> DataError:
    """The error for a row that can be read in two ways."""
    hint = _quoting(file, "put such cells in quotes, with the quotes inside them doubled")
    return file.row_error(row, problem, hint + "; if the file is right as it is: --quote '\"'")


def _quoting(file: CsvFile, remedy: str) -> str:
    if file.plain_quotes_fit:
        return f"if quotes are ordinary characters in this file: --quote none; if not, {remedy}"
    return remedy


def _shell(delimiter: str) -> str:
    return "$'\\t'" if delimiter == "\t" else shlex.quote(delimiter)
