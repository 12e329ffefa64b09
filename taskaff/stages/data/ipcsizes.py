"""How large the compressed buffers of an Arrow IPC stream say they are, before any is read.

Each compressed buffer begins with its uncompressed length, eight bytes; where the buffers lie
stands in the flatbuffer of the message (``Message.fbs`` of the Arrow format). The few fields that
are needed are read by hand.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

RATIO = 100
RATIO_FREE = 64 << 20
_HEADER, _BATCH_OF_DICTIONARY, _BUFFERS, _COMPRESSION = 2, 1, 2, 3


def oversized(file: Any) -> tuple[int, int] | None:
    """Declared and stored bytes of the first message that grows too much, or None."""
    for message in pa.ipc.MessageReader.open_stream(file):
        if message.type not in ("record batch", "dictionary"):
            continue
        declared = sum(_declared(message))
        stored = message.body.size
        if declared > max(RATIO_FREE, RATIO * stored):
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
