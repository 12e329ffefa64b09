"""Arrow IPC: the file layout, then the stream layout; local files are mapped, not loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from taskaff.core.errors import DataError, Place
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.ipcsizes import oversized
from taskaff.stages.data.plain import check_rows, columns_of, no_rows, plain_pieces
from taskaff.stages.data.reader import PEEK_ROWS, Column, Options, arrow_errors, validate

_MAGIC = b"ARROW1"


class ArrowReader:
    """An Arrow IPC (Feather version 2) file or stream."""

    typed = True
    nullable = True

    def __init__(self, blob: Blob, options: Options) -> None:
        del options
        self._blob = blob
        with self._opened(None) as (schema, _):
            self._schema = schema
        self._columns = columns_of(self._schema, blob.path)
        self._check_sizes()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Top-level fields."""
        return self._columns

    @property
    def dialect(self) -> Mapping[str, str]:
        """Empty: an Arrow file has no dialect."""
        return {}

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """First rows, at most ``PEEK_ROWS``."""
        for batch in self.batches(columns):
            return batch.slice(0, PEEK_ROWS)
        return no_rows(self._columns, columns)

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass, which reads as ``batches`` does."""
        return self.batches(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Validated pieces of the record batches."""
        row = 1
        with (
            self._opened(columns) as (_, batches),
            arrow_errors(self._blob.path, "the Arrow file"),
        ):
            for batch in batches:
                if not columns:
                    yield pa.RecordBatch.from_arrays([pa.nulls(batch.num_rows)], names=[""])
                    continue
                check_rows(batch.num_rows, self._blob.size, self._blob.path)
                used = validate(batch.select(list(columns)), self._blob.path, row)
                yield from plain_pieces(used)
                row += used.num_rows

    def _check_sizes(self) -> None:
        with self._access() as file, arrow_errors(self._blob.path, "the Arrow file"):
            if file.read(len(_MAGIC)) == _MAGIC:
                file.seek(8)  # past the padded magic a file is a stream
            else:
                file.seek(0)
            sizes = oversized(file)
        if sizes is not None:
            raise DataError(
                f"a record batch declares {sizes[0]:,} bytes from {sizes[1]:,}",
                where=Place(self._blob.path),
                hint="if that is meant, write the file again without compression",
            )

    @contextmanager
    def _opened(self, columns: Sequence[str] | None) -> Iterator[tuple[Any, Iterator[Any]]]:
        with self._access() as file:
            with arrow_errors(self._blob.path, "the Arrow file"):
                magic = file.read(len(_MAGIC))
                file.seek(0)
                options = self._only(columns)
                if magic == _MAGIC:
                    reader = pa.ipc.open_file(file, options=options)
                    batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
                else:
                    reader = pa.ipc.open_stream(file, options=options)
                    batches = iter(reader)
            yield reader.schema, batches

    def _only(self, columns: Sequence[str] | None) -> pa.ipc.IpcReadOptions:
        if not columns:
            return pa.ipc.IpcReadOptions()
        fields = sorted(self._schema.get_field_index(name) for name in columns)
        return pa.ipc.IpcReadOptions(included_fields=fields)

    @contextmanager
    def _access(self) -> Iterator[Any]:
        if self._blob.size == 0:
            raise DataError(
                "the file is empty",
                where=Place(self._blob.path),
                hint="fetch or write the file again",
            )
        if self._blob.local is not None and self._blob.compression is None:
            with pa.memory_map(self._blob.local) as file:
                yield file
        else:
            with self._blob.random_access() as file:
                yield file
