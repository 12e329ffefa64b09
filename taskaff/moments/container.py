"""A safetensors file with a checksum: tensors by name, one string, and nothing that executes.

Written and read here rather than by the safetensors package, because it keeps its metadata in
no fixed order (equal signatures must give equal files), has no checksum, and copies
before anything can be refused. Its readers open our files; the tests do.

Layout: 8 bytes little-endian header length, the header (ASCII JSON padded with spaces to a multiple
of 8), the tensors in the order of their names without gaps. The header starts with the checksum:
CRC-32 of header and tensors, taken with eight zeros in its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

DTYPES = {"F64": np.dtype("<f8"), "I64": np.dtype("<i8"), "U64": np.dtype("<u8")}
"""All that a signature needs; all of 8 bytes, so that nothing needs aligning."""

ITEM = 8
PREFIX = b'{"__metadata__":{"checksum":"'
UNSUMMED = b"0" * 8
MAX_HEADER = 2**26
"""64 MiB: room for the names of half a million classes."""

Tensors = dict[str, NDArray[Any]]
Buffer = bytes | memoryview


class ContainerError(ValueError):
    """The bytes are no such file; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header: what the file says it holds, before anything else is read."""

    raw: bytes
    metadata: Mapping[str, str]
    entries: Mapping[str, Any]


def encode(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> list[bytes]:
    """The whole file, in parts. Equal tensors and metadata give equal bytes.

    Parameters
    ----------
    tensors : float64, int64 or uint64 arrays of any shape.
    metadata : strings; ``checksum`` is added.
    """
    entries: dict[str, Any] = {
        "__metadata__": {"checksum": UNSUMMED.decode(), **dict(sorted(metadata.items()))}
    }
    blobs, end = [], 0
    for name in sorted(tensors):
        code, blob = _blob(tensors[name])
        start, end = end, end + len(blob)
        shape = list(tensors[name].shape)
        entries[name] = {"dtype": code, "shape": shape, "data_offsets": [start, end]}
        blobs.append(blob)
    header = json.dumps(entries, separators=(",", ":")).encode("ascii")
    header += b" " * (-len(header) % ITEM)
    total = f"{reduce(_crc, [header, *blobs], 0):08x}".encode()
    return [len(header).to_bytes(8, "little"), header.replace(UNSUMMED, total, 1), *blobs]


def header_length(first: bytes, size: int) -> int:
    """Length of the header from the first 8 bytes of a file of ``size`` bytes.

    Raises
    ------
    ContainerError : the file is too short for it, or it is implausible.
    """
    if len(first) < ITEM:
        raise ContainerError(f"the file has {size} bytes")
    length = int.from_bytes(first, "little")
    if length > MAX_HEADER or length > size - ITEM:
        raise ContainerError("its first 8 bytes announce a header longer than the file")
    return length


def parse_header(raw: bytes) -> Header:
    """The header, with the types that everything further relies on.

    Raises
    ------
    ContainerError : it is not the header of such a file.
    """
    if not raw.startswith(PREFIX):
        raise ContainerError("it does not start like one")
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ContainerError(f"its header is no JSON: {error}") from error
    metadata = entries.pop("__metadata__", None) if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ContainerError("its header holds no metadata")
    return Header(raw, metadata, entries)


def require_intact(header: Header, data: Buffer) -> None:
    """Compare the checksum.

    Raises
    ------
    ContainerError : header or tensors are not what was written.
    """
    start, end = len(PREFIX), len(PREFIX) + len(UNSUMMED)
    unsummed = header.raw[:start] + UNSUMMED + header.raw[end:]
    total = f"{reduce(_crc, [unsummed, data], 0):08x}".encode()
    if header.raw[start:end] != total:
        raise ContainerError("its content does not match its checksum")


def decode(header: Header, data: Buffer) -> Tensors:
    """Read-only views of the tensors; allocates nothing.

    Raises
    ------
    ContainerError : types, shapes and places of the tensors do not fit the data.
    """
    tensors, end = {}, 0
    for name, entry in header.entries.items():
        try:
            dtype, shape, (start, stop) = (entry[k] for k in ("dtype", "shape", "data_offsets"))
            dtype = DTYPES[dtype]
            sizes = [_size(x) for x in shape]
        except (KeyError, TypeError, ValueError) as error:
            raise ContainerError(f"its tensor {name[:40]!r} is not described properly") from error
        if start != end or stop != start + ITEM * math.prod(sizes) or stop > len(data):
            raise ContainerError(f"its tensor {name[:40]!r} does not fit the file")
        end = stop
        tensors[name] = np.frombuffer(data, dtype, math.prod(sizes), start).reshape(sizes)
    if end != len(data):
        raise ContainerError("bytes follow its last tensor")
    return tensors


def _crc(total: int, part: Buffer) -> int:
    return crc32(part, total)


def _blob(array: NDArray[Any]) -> tuple[str, bytes]:
    code = next(code for code, dtype in DTYPES.items() if array.dtype == dtype)
    if code == "F64":
        array = array + 0.0  # equal signatures give equal files: no negative zero
    return code, np.ascontiguousarray(array, DTYPES[code]).tobytes()


def _size(x: Any) -> int:
    if type(x) is not int or not 0 <= x < 2**40:
        raise ValueError
    return x
