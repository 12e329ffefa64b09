"""JSON Lines: one object a line, read strictly; every bad line is counted, the first is shown."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from taskaff.core import arrow
from taskaff.core.errors import DataError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.encoding import Utf8, known_encoding, numbered_lines
from taskaff.stages.data.nested import names_of, value_at
from taskaff.stages.data.reader import CELL_BYTES, PEEK_ROWS, Column, Reader, from_rows, grouped

_INT64 = 1 << 63
_FAMILIES: dict[type, str] = {
    str: "text",
    bool: "true/false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class JsonlReader(Reader):
    """JSON Lines; column types are those of the first rows, and must hold to the end.

    Columns are the keys of the first rows; those inside of objects are paths.
    """

    uses = frozenset({"encoding", "skip_lines"})

    def __init__(self, blob: Blob, request: DataRequest) -> None:
        self._blob = blob
        self._encoding = known_encoding(request.encoding)
        self._skip = request.skip_lines
        skipped = {"skip_lines": str(self._skip)} if self._skip else {}
        self.dialect = {"encoding": self._encoding} | skipped
        self.columns = self._infer()

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows, which may lack a key."""
        rows = []
        for row, (number, fields) in enumerate(self._head(), 1):
            cells = [_value(fields, name) for name in columns]
            try:
                for name, cell in zip(columns, cells, strict=True):
                    if isinstance(cell, str):
                        _check_text(name, cell)
            except _BadLineError as error:
                raise self._report([(row, number, str(error))]) from None
            rows.append(cells)
        return _batch(rows, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows as Arrow columns; all lines are read before the bad ones are reported."""
        for rows in grouped(self._rows(columns)):
            yield _batch(rows, columns)

    def _rows(self, columns: Sequence[str]) -> Iterator[tuple[list[Any], int, int]]:
        families: dict[str, str] = {}
        bad: list[tuple[int, int, str]] = []
        for row, (number, line) in enumerate(self._lines(), 1):
            try:
                cells = _cells(_object(line), columns, families)
            except _BadLineError as error:
                bad.append((row, number, str(error)))
                continue
            if not bad:
                yield cells, 1, len(line)
        if bad:
            raise self._report(bad)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._blob.stream() as stream:
            source = Utf8(stream, self._blob.path, self._encoding, self._skip)
            text = io.BufferedReader(source, 1 << 20)
            hint = "JSON Lines needs one object on each line"
            yield from numbered_lines(
                text, self._blob, self._encoding, self._skip, CELL_BYTES, hint
            )

    def _head(self) -> list[tuple[int, dict[str, Any]]]:
        """Line numbers and objects of the first rows."""
        head: list[tuple[int, dict[str, Any]]] = []
        for row, (number, line) in enumerate(self._lines(), 1):
            try:
                head.append((number, _object(line)))
            except _BadLineError as error:
                raise self._report([(row, number, str(error))]) from None
            if len(head) == PEEK_ROWS:
                break
        return head

    def _infer(self) -> tuple[Column, ...]:
        head = [fields for _, fields in self._head()]
        if not head:
            hint = 'it needs one object a line: {"text": "...", "label": "..."}'
            raise self._blob.error("the file is empty", hint, line=1)
        names = names_of(head)
        return tuple(Column(name, _type([_value(row, name) for row in head])) for name in names)

    def _report(self, bad: list[tuple[int, int, str]]) -> DataError:
        row, line, reason = bad[0]
        others = ", ".join(str(number) for _, number, _ in bad[1:6])
        more = f"; {len(bad) - 1} more bad lines ({others}{', ...' if len(bad) > 6 else ''})"
        return self._blob.error(
            reason + (more if len(bad) > 1 else ""),
            "write one JSON object a line, with the same keys in each and no key twice",
            row=row,
            line=line,
        )


class _BadLineError(Exception):
    """Why a line is no row."""


def _object(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _BadLineError("not UTF-8 (if the file is Latin-1: --encoding latin-1)") from None
    except RecursionError:
        raise _BadLineError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not JSON: {error.msg} at character {error.colno}") from None
    except ValueError:
        raise _BadLineError("a number has too many digits") from None
    if not isinstance(value, dict):
        raise _BadLineError(f"{_family(value)} where an object is needed")
    return value


def _no_constant(word: str) -> None:
    """``NaN`` and ``Infinity``, which Python writes and JSON does not have."""
    raise _BadLineError(f"not JSON: {word}, where a number that is missing is null")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, at any depth; ``json`` itself keeps the last of two values and says nothing."""
    row = dict(pairs)
    if len(row) < len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _BadLineError(f"the key {name!r} occurs {times} times in one object")
    return row


def _cells(row: dict[str, Any], columns: Sequence[str], families: dict[str, str]) -> list[Any]:
    cells = []
    for name in columns:
        try:
            value = value_at(row, name)
        except KeyError:
            raise _BadLineError(f"the key {name!r} is missing") from None
        if value is not None:
            _check(name, value, families)
        cells.append(value)
    return cells


def _value(row: dict[str, Any], name: str) -> Any:
    try:
        return value_at(row, name)
    except KeyError:
        return None


def _check(name: str, value: Any, families: dict[str, str]) -> None:
    family = _family(value)
    known = families.setdefault(name, family)
    if family != known:
        raise _BadLineError(f"{name!r} is {family} where earlier rows have {known}")
    if family == "text":
        _check_text(name, value)
    elif family == "a number":
        _check_number(name, value)
    elif family == "a list":
        _check_list(name, value, families)
    elif family == "an object":
        raise _BadLineError(f"{name!r} is an object")


def _check_list(name: str, items: list[Any], families: dict[str, str]) -> None:
    key = f"{name}[]"
    for item in items:
        if item is None or isinstance(item, list):
            raise _BadLineError(f"{name!r} holds {_family(item)} inside a list")
        _check(key, item, families)


def _check_text(name: str, value: str) -> None:
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise _BadLineError(f"{name!r} holds half of a surrogate pair") from None


def _check_number(name: str, value: float) -> None:
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise _BadLineError(f"{name!r} is an integer of more than 64 bits")


def _family(value: Any) -> str:
    return "null" if value is None else _FAMILIES[type(value)]


def _type(values: list[Any]) -> pa.DataType:
    try:
        return _array(values).type
    except (pa.ArrowException, OverflowError, UnicodeError, TypeError):
        return pa.null()


def _array(cells: Sequence[Any]) -> pa.Array:
    texts = all(type(cell) is str for cell in cells)
    return arrow.strings(cells) if texts and cells else pa.array(cells)


def _batch(rows: list[list[Any]], columns: Sequence[str]) -> pa.RecordBatch:
    cells = [row[0] for row in rows] if len(columns) == 1 else rows
    return from_rows(cells, columns, _array)
