"""A safetensors file with a checksum: tensors by name, one string, and nothing that executes.

Written and read by the safetensors package. It keeps several strings in no fixed order, and equal
signatures must give equal files: so there is one, a JSON object, whose first entry is the checksum,
CRC-32 of the file with eight zeros in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

KINDS = {"float64", "int64", "uint64", "uint8"}
"""Element types that a tensor may have (NumPy's names)."""

KEY = "taskaff"
"""Key of the one string in the metadata of safetensors."""

PREFIX = rb'{"__metadata__":{"taskaff":"{\"checksum\":\"'
UNSUMMED = b"0" * 8
MAX_HEADER = 2**26
"""64 MiB: room for the names of half a million classes."""

Tensors = dict[str, NDArray[Any]]


class ContainerError(ValueError):
    """The bytes are no such file; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a file, which is read before anything else."""

    raw: bytes
    """Bytes of the header: its length, then the header itself."""
    metadata: Mapping[str, Any]
    """JSON object of the one string; of a file of format 1, its strings."""


def encode(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> bytes:
    """Encode a file. Equal tensors and metadata give equal bytes.

    Parameters
    ----------
    tensors : float64, int64, uint64 or uint8 arrays of any shape.
    metadata : JSON values; ``checksum`` is added.
    """
    entries = {"checksum": UNSUMMED.decode(), **dict(sorted(metadata.items()))}
    text = json.dumps(entries, separators=(",", ":"))
    content = save({name: _plain(tensors[name]) for name in sorted(tensors)}, {KEY: text})
    start = 8 + len(PREFIX)
    total = f"{crc32(content):08x}".encode()
    return content[:start] + total + content[start + len(total) :]


def header_length(first: bytes, size: int) -> int:
    """Length of the header from the first 8 bytes of a file of ``size`` bytes.

    Raises
    ------
    ContainerError : the file is too short for it, or it is implausible.
    """
    if len(first) < 8:
        raise ContainerError(f"the file has {size} bytes")
    length = int.from_bytes(first, "little")
    if length > MAX_HEADER or length > size - 8:
        raise ContainerError("its first 8 bytes announce a header longer than the file")
    return length


def parse_header(raw: bytes) -> Header:
    """The header, from the first 8 bytes and it.

    Raises
    ------
    ContainerError : it is not the header of a signature of any format.
    """
    try:
        metadata = json.loads(raw[8:])["__metadata__"]
        entries = json.loads(metadata[KEY]) if KEY in metadata else metadata
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ContainerError("it does not start like one") from error
    if not isinstance(entries, dict):
        raise ContainerError("its header holds no metadata")
    return Header(raw, entries)


def decode(header: Header, data: bytes) -> Tensors:
    """Decode the tensors after the checksum has been verified.

    Raises
    ------
    ContainerError : header or tensors are not what was written.
    """
    start = 8 + len(PREFIX)
    end = start + len(UNSUMMED)
    total = crc32(data, crc32(header.raw[:start] + UNSUMMED + header.raw[end:]))
    if header.raw[8:start] != PREFIX or header.raw[start:end] != f"{total:08x}".encode():
        raise ContainerError("its content does not match its checksum")
    try:
        tensors: Tensors = load(header.raw + data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ContainerError(f"safetensors cannot read it: {error}") from error
    for name, tensor in tensors.items():
        if tensor.dtype.name not in KINDS:
            raise ContainerError(f"its tensor {name[:40]!r} is of {tensor.dtype}")
    return tensors


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Contiguous array in which equal numbers have equal bytes: no negative zero."""
    return np.ascontiguousarray(array + 0.0 if array.dtype.kind == "f" else array)
