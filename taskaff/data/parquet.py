"""Parquet: sizes are checked in the metadata, then row groups are streamed in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taskaff.data.blobs import Blob
from taskaff.data.reader import BATCH_ROWS, PEEK_ROWS, Column, Options, arrow_errors, validate
from taskaff.errors import DataError, Place

RATIO = 100
RATIO_FREE = 64 << 20
"""A column chunk may declare this many bytes, or ``RATIO`` times what it takes in the file."""


class ParquetReader:
    """A Parquet file; only the needed columns are read."""

    typed = True
    nullable = True

    def __init__(self, blob: Blob, options: Options) -> None:
        del options
        self._blob = blob
        with self._open() as file:
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
        with self._open() as file, arrow_errors(self._blob.path, "the Parquet file"):
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
        with self._open(columns) as file, arrow_errors(self._blob.path, "the Parquet file"):
            self._check_sizes(file.metadata, columns)
            if not columns:
                yield pa.RecordBatch.from_arrays([pa.nulls(file.metadata.num_rows)], names=[""])
                return
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
                yield validate(batch, self._blob.path, row)
                row += batch.num_rows
            if row - 1 != file.metadata.num_rows:
                raise DataError(
                    f"{row - 1} rows where the metadata declares {file.metadata.num_rows}",
                    where=Place(self._blob.path),
                )

    def _open(self, columns: Sequence[str] = ()) -> Any:
        return _opened(self._blob, columns)

    def _check_sizes(self, metadata: Any, columns: Sequence[str]) -> None:
        for group in range(metadata.num_row_groups):
            for chunk in _chunks(metadata.row_group(group), set(columns)):
                declared, stored = chunk.total_uncompressed_size, chunk.total_compressed_size
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


class _opened:  # noqa: N801 - used as a function
    """A ``ParquetFile`` over plain bytes, closed with them."""

    def __init__(self, blob: Blob, columns: Sequence[str]) -> None:
        self._blob, self._columns = blob, columns

    def __enter__(self) -> Any:
        self._access = self._blob.random_access()
        file = self._access.__enter__()
        with arrow_errors(self._blob.path, "the Parquet file"):
            first = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
            repeated = _repetitive(first, set(self._columns))
            if not repeated:
                return first
            return pq.ParquetFile(
                file, buffer_size=1 << 20, pre_buffer=False, read_dictionary=repeated
            )

    def __exit__(self, *details: Any) -> None:
        self._access.__exit__(*details)


def _repetitive(file: Any, names: set[str]) -> list[str]:
    """String columns that take under 4 bytes a value: a few texts, often repeated.

    They are read as dictionaries: spelled out, one long text that is repeated a million times in
    a file of 4 kB would fill the memory.
    """
    strings = {
        field.name
        for field in file.schema_arrow
        if field.name in names and (pa.types.is_string(field.type) or _large(field.type))
    }
    metadata = file.metadata
    found: set[str] = set()
    for group in range(metadata.num_row_groups):
        for chunk in _chunks(metadata.row_group(group), strings):
            if chunk.total_uncompressed_size < 4 * chunk.num_values:
                found.add(chunk.path_in_schema)
    return sorted(found)


def _large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def unique(names: Sequence[str], path: str) -> None:
    """Refuse repeated column names."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise DataError(
            f"{times} columns are named {name!r}",
            where=Place(path),
            hint="rename the columns",
        )
