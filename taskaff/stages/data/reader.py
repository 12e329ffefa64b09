"""What every format offers: its columns, a validating scan, and batches of the needed columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskaff.core.errors import DataError, Place

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8192
BATCH_BYTES = 32 << 20
CELL_BYTES = 32 << 20
"""A cell or a line longer than this is refused: nearly always a quote that is never closed."""
PEEK_ROWS = 100


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about reading; None where nothing was said."""

    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = None
    header: bool = True
    skip_lines: int = 0
    named: bool = False
    """Whether the format was named, so that its suffix did not say it."""


class Column(NamedTuple):
    """A column of the input; CSV columns are all strings."""

    name: str
    type: pa.DataType
    names: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... that ClassLabel metadata gives."""
    inside: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType({})
    """Names of the ids of fields of objects, by the fields' paths below the column."""


class Reader(Protocol):
    """One file of one format. Opening reads the header or the metadata only."""

    typed: bool
    """Whether column types mean something (False for CSV, where every cell is text)."""
    nullable: bool
    """Whether a text can be missing, so that the scan must read texts too."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column, in order."""
        ...

    @property
    def dialect(self) -> Mapping[str, str]:
        """Reader options in force."""
        ...

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows (at most ``PEEK_ROWS``) of some columns."""
        ...

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass: validate the file to its end, and yield some of its columns."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Second pass: the same rows."""
        ...


def unique(names: Sequence[str], path: str) -> None:
    """Refuse repeated column names."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise DataError(
            f"{times} columns are named {name!r}",
            where=Place(path),
            hint="rename the columns",
        )


@contextmanager
def arrow_errors(path: str, what: str, hint: str | None = None) -> Iterator[None]:
    """Turn what Arrow raises on a broken file into a ``DataError`` that names the file."""
    import struct

    import pyarrow as pa

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
    import pyarrow as pa

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
    import pyarrow.types as pat

    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        keyed = pat.is_dictionary(array.type)
        invalid = _invalid_in(array.dictionary if keyed else array)
        if invalid is not None:
            row, reason = invalid
            return array.indices.to_pylist().index(row) if keyed else row, name, reason
    return None, None, reason


def _invalid_in(array: pa.Array) -> tuple[int, str] | None:
    import pyarrow as pa

    for row in range(len(array)):
        try:
            array.slice(row, 1).validate(full=True)
        except pa.ArrowException as error:
            return row, str(error)
    return None
