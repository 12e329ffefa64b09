"""Parquet: sizes are checked in the metadata, then row groups are streamed in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taskaff.data.blobs import Blob
from taskaff.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    PEEK_ROWS,
    Column,
    Options,
    arrow_errors,
    unique,
    validate,
)
from taskaff.data.values import is_words
from taskaff.errors import DataError, Place

RATIO = 100
RATIO_FREE = 64 << 20
"""A column chunk may declare this many bytes, or ``RATIO`` times what it takes in the file."""
_DICTIONARY_PAGE = 2
_NEXT_FIELD_I32 = 0x15


class ParquetReader:
    """A Parquet file; only the needed columns are read."""

    typed = True
    nullable = True

    def __init__(self, blob: Blob, options: Options) -> None:
        del options
        self._blob = blob
        with self._open() as (file, _):
            self._schema = file.schema_arrow
            unique(self._schema.names, blob.path)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Top-level fields."""
        return tuple(Column(field.name, field.type) for field in self._schema)

    @property
    def dialect(self) -> Mapping[str, str]:
        """Nothing to choose."""
        return {}

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows."""
        with self._open() as (file, _), arrow_errors(self._blob.path, "the Parquet file"):
            self._check_sizes(file.metadata, columns)
            for batch in file.iter_batches(PEEK_ROWS, columns=list(columns)):
                return batch
        return pa.RecordBatch.from_pylist([], pa.schema([self._schema.field(c) for c in columns]))

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Both passes are the same reader."""
        return self.batches(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Validated batches of the needed columns."""
        row = 1
        with self._open() as (file, bytes_), arrow_errors(self._blob.path, "the Parquet file"):
            self._check_sizes(file.metadata, columns)
            if not columns:
                yield pa.RecordBatch.from_arrays([pa.nulls(file.metadata.num_rows)], names=[""])
                return
            step = self._step(file, bytes_, columns)
            for batch in _regrouped(file.iter_batches(step, columns=list(columns))):
                yield validate(batch, self._blob.path, row)
                row += batch.num_rows
            if row - 1 != file.metadata.num_rows:
                raise DataError(
                    f"{row - 1} rows where the metadata declares {file.metadata.num_rows}",
                    where=Place(self._blob.path),
                )

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        """A ``ParquetFile``, and the plain bytes under it."""
        with self._blob.random_access() as bytes_:
            with arrow_errors(self._blob.path, "the Parquet file"):
                file = pq.ParquetFile(bytes_, buffer_size=1 << 20, pre_buffer=False)
            yield file, bytes_

    def _step(self, file: Any, bytes_: Any, columns: Sequence[str]) -> int:
        """Rows to decode at once: few when a long text may be repeated from a dictionary.

        Stored once, a text of 1 MB that every row repeats takes a few kB in the file and
        gigabytes when 8,192 rows of it are spelled out.
        """
        texts = {f.name for f in self._schema if f.name in columns and is_words(f.type)}
        longest = 1
        for group in range(file.metadata.num_row_groups):
            for chunk in _chunks(file.metadata.row_group(group), texts):
                longest = max(longest, _dictionary_bytes(bytes_, chunk))
        return max(1, min(BATCH_ROWS, 4 * BATCH_BYTES // longest))

    def _check_sizes(self, metadata: Any, columns: Sequence[str]) -> None:
        for group in range(metadata.num_row_groups):
            for chunk in _chunks(metadata.row_group(group), set(columns)):
                declared, stored = chunk.total_uncompressed_size, chunk.total_compressed_size
                if chunk.path_in_schema not in columns:  # items of lists, 8 bytes at most
                    declared = max(declared, 8 * chunk.num_values)
                if stored > self._blob.size and self._blob.compression is None:
                    raise DataError(
                        f"row group {group} declares {stored:,} bytes in a file of "
                        f"{self._blob.size:,}",
                        where=Place(self._blob.path, column=chunk.path_in_schema),
                        hint="the file is cut short: fetch or write it again",
                    )
                if declared > max(RATIO_FREE, RATIO * stored):
                    raise DataError(
                        f"row group {group} declares {declared:,} bytes from {stored:,}",
                        where=Place(self._blob.path, column=chunk.path_in_schema),
                        hint="if that is meant, write the file again with smaller row groups",
                    )


def _chunks(group: Any, names: set[str]) -> Iterator[Any]:
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema.split(".")[0] in names or chunk.path_in_schema in names:
            yield chunk


def _dictionary_bytes(bytes_: Any, chunk: Any) -> int:
    """Uncompressed size of a column chunk's dictionary page: no text in it can be longer.

    It stands in the page header, second field of a Thrift compact struct of integers.
    """
    if not chunk.has_dictionary_page:
        return 0
    start = chunk.dictionary_page_offset
    head = bytes_.read_at(32, chunk.data_page_offset if start is None else start)
    kind, at = _field(head, 0)
    size, _ = _field(head, at)
    known = kind == _DICTIONARY_PAGE and size is not None
    return size if known and size is not None else int(chunk.total_uncompressed_size)


def _field(head: bytes, at: int) -> tuple[int | None, int]:
    """The next integer field of a Thrift compact struct, if it is that."""
    if at >= len(head) or head[at] != _NEXT_FIELD_I32:
        return None, at
    value, shift = 0, 0
    for position in range(at + 1, len(head)):
        value |= (head[position] & 0x7F) << shift
        shift += 7
        if head[position] < 0x80:
            return value >> 1, position + 1  # zigzag; sizes are not negative
    return None, at


def _regrouped(batches: Iterator[Any]) -> Iterator[pa.RecordBatch]:
    """Small batches together, up to the usual number of rows and bytes."""
    held: list[Any] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _joined(held)
            held, rows, size = [], 0, 0
    if held:
        yield _joined(held)


def _joined(batches: list[Any]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
