"""Arrow IPC: the file layout, then the stream layout; local files are mapped, not loaded.

Each compressed buffer begins with its uncompressed length, eight bytes; where the buffers lie
stands in the flatbuffer of the message (``Message.fbs`` of the Arrow format). So that a file cannot
grow without bounds, the few fields that tell these lengths are read by hand before any batch.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.plain import check_rows, checked_pieces, columns_of
from taskaff.stages.data.reader import Reader, arrow_errors, counting

_MAGIC = b"ARROW1"
_RATIO = 100
_RATIO_FREE = 64 << 20
_HEADER, _BATCH_OF_DICTIONARY, _BUFFERS, _COMPRESSION = 2, 1, 2, 3


class ArrowReader(Reader):
    """An Arrow IPC (Feather version 2) file or stream."""

    def __init__(self, blob: Blob, _request: DataRequest) -> None:
        self._blob = blob
        with self._opened(None) as (schema, _):
            self._schema = schema
        self.columns = columns_of(self._schema, blob.path)
        self._check_sizes()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Validated pieces of the record batches."""
        with (
            self._opened(columns) as (_, batches),
            arrow_errors(self._blob.path, "the Arrow file"),
        ):
            if columns:
                used = (self._used(batch, columns) for batch in batches)
                yield from checked_pieces(used, self._blob.path)
            else:
                yield from (counting(batch.num_rows) for batch in batches)

    def _used(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        check_rows(batch.num_rows, self._blob.size, self._blob.path)
        return batch.select(list(columns))

    def _check_sizes(self) -> None:
        with self._access() as file, arrow_errors(self._blob.path, "the Arrow file"):
            if file.read(len(_MAGIC)) == _MAGIC:
                file.seek(8)  # past the padded magic a file is a stream
            else:
                file.seek(0)
            sizes = _oversized(file)
        if sizes is not None:
            raise self._blob.error(
                f"a record batch declares {sizes[0]:,} bytes from {sizes[1]:,}",
                "if that is meant, write the file again without compression",
            )

    @contextmanager
    def _opened(self, columns: Sequence[str] | None) -> Iterator[tuple[Any, Iterator[Any]]]:
        with self._access() as file:
            with arrow_errors(self._blob.path, "the Arrow file"):
                magic = file.read(len(_MAGIC))
                file.seek(0)
                fields = sorted(self._schema.get_field_index(name) for name in columns or ())
                options = pa.ipc.IpcReadOptions(included_fields=fields or None)
                if magic == _MAGIC:
                    reader = pa.ipc.open_file(file, options=options)
                    batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
                else:
                    reader = pa.ipc.open_stream(file, options=options)
                    batches = iter(reader)
            yield reader.schema, batches

    @contextmanager
    def _access(self) -> Iterator[Any]:
        if self._blob.size == 0:
            raise self._blob.error("the file is empty", "fetch or write the file again")
        if self._blob.local is not None and self._blob.compression is None:
            with pa.memory_map(self._blob.local) as file:
                yield file
        else:
            with self._blob.random_access() as file:
                yield file


def _oversized(file: Any) -> tuple[int, int] | None:
    """Declared and stored bytes of the first message that grows too much, or None."""
    for message in pa.ipc.MessageReader.open_stream(file):
        if message.type not in ("record batch", "dictionary"):
            continue
        declared = sum(_declared(message))
        stored = message.body.size
        if declared > max(_RATIO_FREE, _RATIO * stored):
            return declared, stored
    return None


def _declared(message: Any) -> Iterator[int]:
    data, body = memoryview(message.metadata), memoryview(message.body)
    table = _child(data, _unsigned(data, 0), _HEADER)
    if message.type == "dictionary":
        table = _child(data, table, _BATCH_OF_DICTIONARY)
    if _field(data, table, _COMPRESSION) is None:
        return
    vector = _child(data, table, _BUFFERS)
    for index in range(_unsigned(data, vector)):
        offset, length = struct.unpack_from("<qq", data, vector + 4 + 16 * index)
        if length >= 8:
            yield max(length, struct.unpack_from("<q", body, offset)[0])


def _unsigned(data: memoryview, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _field(data: memoryview, table: int, index: int) -> int | None:
    """Where a field of a flatbuffer table lies."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    slot = 4 + 2 * index
    if slot >= struct.unpack_from("<H", data, vtable)[0]:
        return None
    offset = struct.unpack_from("<H", data, vtable + slot)[0]
    return table + offset if offset else None


def _child(data: memoryview, table: int, index: int) -> int:
    """Where the table or vector lies that a field refers to."""
    at = _field(data, table, index)
    if at is None:
        raise ValueError("a message lacks a field")
    return at + _unsigned(data, at)
