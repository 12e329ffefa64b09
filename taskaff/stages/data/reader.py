"""What every format offers: its columns, a validating scan, and batches of the needed columns."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place

BATCH_ROWS = 8192
BATCH_BYTES = 32 << 20
CELL_BYTES = 32 << 20
"""A cell or a line longer than this is refused: nearly always a quote that is never closed."""
PEEK_ROWS = 100

Item = TypeVar("Item")


class Column(NamedTuple):
    """A column of the input; CSV columns are all strings."""

    name: str
    type: pa.DataType
    names: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... that ClassLabel metadata gives."""
    inside: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType({})
    """Names of the ids of fields of objects, by the fields' paths below the column."""


class Reader:
    """One file of one format; opening it reads the header or the metadata only.

    A format's reader is called with the file (``byte_source.Blob``) and the ``DataRequest``.
    """

    typed = True
    """Whether column types mean something (False for CSV, where every cell is text)."""
    nullable = True
    """Whether a text can be missing, so that the scan must read texts too."""
    uses: frozenset[str] = frozenset()
    """The reading options of a ``DataRequest`` that the format has."""
    columns: tuple[Column, ...]
    """Every column, in order."""
    dialect: Mapping[str, str] = MappingProxyType({})
    """Reading options in force."""

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows (at most ``PEEK_ROWS``) of some columns."""
        for batch in self.batches(columns):
            return batch.slice(0, PEEK_ROWS)
        types = {column.name: column.type for column in self.columns}
        empty = [pa.array([], types[name]) for name in columns]
        return pa.RecordBatch.from_arrays(empty, names=list(columns))

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass: validate the file to its end, and yield some of its columns."""
        return self.batches(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Second pass: the same rows."""
        raise NotImplementedError


def counting(rows: int) -> pa.RecordBatch:
    """A batch for a caller that needs no column: it only counts rows."""
    return pa.RecordBatch.from_arrays([pa.nulls(rows)], names=[""])


def from_rows(
    rows: Sequence[Any], names: Sequence[str], array: Callable[[Any], pa.Array] = arrow.strings
) -> pa.RecordBatch:
    """Rows as a batch: of one column a row is its cell, of several the sequence of its cells."""
    if not names:
        return counting(len(rows))
    cells = [rows] if len(names) == 1 else list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.RecordBatch.from_arrays([array(column) for column in cells], names=list(names))


def grouped(items: Iterable[tuple[Item, int, int]]) -> Iterator[list[Item]]:
    """Items, given with their rows and bytes, together up to the usual number of either."""
    group: list[Item] = []
    rows = size = 0
    for item, more_rows, more_bytes in items:
        group.append(item)
        rows += more_rows
        size += more_bytes
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group


def unique(names: Sequence[str], path: str) -> None:
    """Refuse repeated column names."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        problem = f"{times} columns are named {name!r}"
        raise DataError(problem, where=Place(path), hint="rename the columns")


@contextmanager
def arrow_errors(path: str, what: str, hint: str | None = None) -> Iterator[None]:
    """Turn what Arrow raises on a broken file into a ``DataError`` that names the file."""
    broken = (pa.ArrowException, OSError, EOFError, ValueError, OverflowError, struct.error)
    try:
        yield
    except broken as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"{what} cannot be read: {lines[0][:300].rstrip('.')}",
            where=Place(path),
            hint=hint or "the file is damaged or cut short: fetch or write it again",
        ) from error


def validate(batch: pa.RecordBatch, path: str, first_row: int) -> pa.RecordBatch:
    """Check every value of a batch that another program wrote; a bad one is named by its row."""
    try:
        batch.validate(full=True)
    except pa.ArrowException as error:
        row, column, reason = _first_invalid(batch, str(error))
        raise DataError(
            f"invalid data: {reason.splitlines()[0]}",
            where=Place(path, row=None if row is None else first_row + row, column=column),
            hint="write the file again; text must be UTF-8",
        ) from error
    return batch


def _first_invalid(batch: pa.RecordBatch, reason: str) -> tuple[int | None, str | None, str]:
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        keyed = pat.is_dictionary(array.type)
        invalid = _invalid_in(array.dictionary if keyed else array)
        if invalid is not None:
            row, reason = invalid
            return array.indices.to_pylist().index(row) if keyed else row, name, reason
    return None, None, reason


def _invalid_in(array: pa.Array) -> tuple[int, str] | None:
    for row in range(len(array)):
        try:
            array.slice(row, 1).validate(full=True)
        except pa.ArrowException as error:
            return row, str(error)
    return None
