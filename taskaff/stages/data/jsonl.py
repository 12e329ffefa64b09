"""JSON Lines: one object a line, read strictly; every bad line is counted, the first is shown."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.encoding import Utf8, known_encoding, numbered_lines
from taskaff.stages.data.nested import names_of, value_at
from taskaff.stages.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    CELL_BYTES,
    PEEK_ROWS,
    Column,
    Options,
)

_INT64 = 1 << 63
_FAMILIES: dict[type, str] = {
    str: "text",
    bool: "true/false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class JsonlReader:
    """JSON Lines; column types are those of the first rows, and must hold to the end."""

    typed = True
    nullable = True
    uses = frozenset({"encoding", "skip_lines"})

    def __init__(self, blob: Blob, options: Options) -> None:
        self._blob = blob
        self._encoding = known_encoding(options.encoding)
        self._skip = options.skip_lines
        self._columns = self._infer()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The keys of the first rows; those inside of objects as paths."""
        return self._columns

    @property
    def dialect(self) -> Mapping[str, str]:
        """The encoding."""
        skipped = {"skip_lines": str(self._skip)} if self._skip else {}
        return {"encoding": self._encoding} | skipped

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """First rows, at most ``PEEK_ROWS``."""
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

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass, which reads as ``batches`` does."""
        return self.batches(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows as Arrow columns; all lines are read before the bad ones are reported."""
        families: dict[str, str] = {}
        bad: list[tuple[int, int, str]] = []
        chunk: list[list[Any]] = []
        size = 0
        for row, (number, line) in enumerate(self._lines(), 1):
            try:
                cells = _cells(_object(line), columns, families)
            except _BadLineError as error:
                bad.append((row, number, str(error)))
                continue
            if bad:
                continue
            chunk.append(cells)
            size += len(line)
            if len(chunk) == BATCH_ROWS or size > BATCH_BYTES:
                yield _batch(chunk, columns)
                chunk, size = [], 0
        if bad:
            raise self._report(bad)
        if chunk:
            yield _batch(chunk, columns)

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
            raise DataError(
                "the file is empty",
                where=Place(self._blob.path, line=1),
                hint='it needs one object a line: {"text": "...", "label": "..."}',
            )
        names = names_of(head)
        return tuple(Column(name, _type([_value(row, name) for row in head])) for name in names)

    def _report(self, bad: list[tuple[int, int, str]]) -> DataError:
        row, line, reason = bad[0]
        others = ", ".join(str(number) for _, number, _ in bad[1:6])
        more = f"; {len(bad) - 1} more bad lines ({others}{', ...' if len(bad) > 6 else ''})"
        return DataError(
            reason + (more if len(bad) > 1 else ""),
            where=Place(self._blob.path, row=row, line=line),
            hint="write one JSON object a line, with the same keys in each and no key twice",
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
    if not columns:
        return pa.RecordBatch.from_arrays([pa.nulls(len(rows))], names=[""])
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.RecordBatch.from_arrays([_array(c) for c in cells], names=list(columns))
