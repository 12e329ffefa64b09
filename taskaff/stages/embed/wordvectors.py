"""Words and their vectors in one safetensors file that is mapped into memory, not read.

Layout: ``vectors (v, d)`` F32 first, page-aligned, so that it can be streamed before ``v`` is
known; then ``offsets (v + 1,)`` I64 and ``bytes`` U8, the words as Arrow keeps them. Any
safetensors reader opens it. Metadata: what ``WordVectorInfo`` holds, and a checksum of the whole
file: the CRC-32 of the CRC-32s of its header (with zeros in that place) and of its blocks, taken on
every core at each opening (about 0.4 s a gigabyte and core).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from taskaff.core.arrow import flat, integers
from taskaff.core.errors import EmbedError, Place
from taskaff.core.parallel import ordered_map
from taskaff.stages.embed.vocabulary import update_strings

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32

    Blocks = Iterable[tuple[pa.Array, Floats32]]

FORMAT = "taskaff-word-vectors"
FORMAT_VERSION = "2"
UNSUMMED = "0" * 8
BLOCK = 1 << 24
DATA_AT = 4096
ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class WordVectors:
    """``words`` (large_binary, distinct) and ``vectors (v, d)`` float32; ``digest`` of both."""

    words: pa.Array
    vectors: Floats32
    digest: str
    metadata: Mapping[str, str]


def weights_digest(words: pa.Array, vectors: Floats32) -> str:
    """SHA-256 of words and vectors, the same whatever file they came from."""
    digest = hashlib.sha256(f"{len(words)} {vectors.shape[1]}\n".encode())
    update_strings(digest, words.cast(pa.large_binary()))
    for block in row_blocks(vectors):
        digest.update(np.ascontiguousarray(block, "<f4").data)
    return digest.hexdigest()


def write(path: Path, blocks: Blocks, facts: Mapping[str, str]) -> None:
    """Write blocks of words (large_binary) and vectors; of equal words the first one stays."""
    chunks, width = [], 0
    with path.open("w+b") as file:
        file.seek(DATA_AT)
        for block, vectors in blocks:
            chunks.append(block)
            width = vectors.shape[1]
            file.write(np.ascontiguousarray(vectors, "<f4").data)
        file.flush()
        if not width:
            raise EmbedError("there are no words to write")
        words = _drop_repeats(path, pa.concat_arrays(chunks), width)
        vectors = np.memmap(path, "<f4", "r", DATA_AT, (len(words), width))
        rows = sum(map(len, chunks))
        metadata = {
            "checksum": UNSUMMED,
            **facts,
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "digest": weights_digest(words, vectors),
            "repeats": str(rows - len(words)),
        }
        file.truncate(DATA_AT + vectors.nbytes)
        file.seek(DATA_AT + vectors.nbytes)
        bounds = np.frombuffer(words.buffers()[1], "<i8", len(words) + 1)
        file.write(bounds.tobytes())
        file.write(words.buffers()[2] or b"")
        file.flush()
        header = _header(len(words), width, int(bounds[-1]), metadata)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped, memoryview(mapped) as data:
            total = _checksum(header, data[DATA_AT:])
        file.seek(0)
        file.write(header.replace(UNSUMMED.encode(), total.encode(), 1))


def open_file(path: Path) -> WordVectors:
    """Map a file that ``write`` made; a cut or foreign one raises EmbedError."""
    try:
        header, tensors, metadata = _read_header(path)
        at = len(header)
        (v, d), begin, end = _tensor(tensors, "vectors", "F32")
        (_,), offsets_at, offsets_end = _tensor(tensors, "offsets", "I64")
        (_,), bytes_at, bytes_end = _tensor(tensors, "bytes", "U8")
        if metadata.get("format") != FORMAT or metadata.get("version") != FORMAT_VERSION:
            raise ValueError("no word vectors of this version")
        if end - begin != 4 * v * d or offsets_end - offsets_at != 8 * (v + 1) or v * d == 0:
            raise ValueError("sizes do not agree")
        if path.stat().st_size != at + bytes_end:
            raise ValueError("the file is cut")
        data = pa.memory_map(str(path)).read_buffer()
        recorded = metadata["checksum"]
        blank = header.replace(recorded.encode(), UNSUMMED.encode(), 1)
        if _checksum(blank, memoryview(data)[at:]) != recorded:
            raise ValueError("its content does not match its checksum")
        buffers = [data.slice(at + offsets_at, 8 * (v + 1)), data.slice(at + bytes_at)]
        words = pa.Array.from_buffers(pa.large_binary(), v, [None, *buffers])
        words.validate(full=True)
        vectors = np.frombuffer(data, "<f4", v * d, at + begin).reshape(v, d)
        return WordVectors(words, vectors, metadata["digest"], metadata)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbedError(
            f"not a readable file of converted word vectors: {error}",
            where=Place(str(path)),
            hint="convert the original file again: taskaff vectors convert FILE -o OUT",
        ) from error


def _drop_repeats(path: Path, words: pa.Array, width: int) -> pa.Array:
    """The distinct words in order of first occurrence; their rows are moved to the front."""
    codes = integers(words.dictionary_encode().indices)
    first = np.sort(np.unique(codes, return_index=True)[1])
    if len(first) < len(words):
        matrix = np.memmap(path, "<f4", "r+", DATA_AT, (len(words), width))
        for at in range(0, len(first), ROWS_AT_ONCE):  # a source is never before its target
            rows = first[at : at + ROWS_AT_ONCE]
            matrix[at : at + len(rows)] = matrix[rows]
        matrix.flush()
    return words.take(flat(first))


def row_blocks(vectors: Floats32) -> Iterator[Floats32]:
    """The matrix in blocks of rows."""
    for at in range(0, len(vectors), ROWS_AT_ONCE):
        yield vectors[at : at + ROWS_AT_ONCE]


def _header(v: int, d: int, size: int, metadata: Mapping[str, str]) -> bytes:
    first, second = 4 * v * d, 4 * v * d + 8 * (v + 1)
    text = json.dumps(
        {
            "__metadata__": dict(metadata),
            "vectors": {"dtype": "F32", "shape": [v, d], "data_offsets": [0, first]},
            "offsets": {"dtype": "I64", "shape": [v + 1], "data_offsets": [first, second]},
            "bytes": {"dtype": "U8", "shape": [size], "data_offsets": [second, second + size]},
        }
    ).encode()
    length = DATA_AT - 8
    if len(text) > length:
        raise EmbedError("the description of the word vectors is too long", hint="use a short path")
    return length.to_bytes(8, "little") + text.ljust(length)


def _checksum(header: bytes, data: memoryview) -> str:
    """CRC-32 of a file from its header without the checksum, and all that follows."""
    parts = [memoryview(header), *(data[at : at + BLOCK] for at in range(0, len(data), BLOCK))]
    sums = ordered_map(crc32, parts)
    return f"{crc32(b''.join(one.to_bytes(4, 'little') for one in sums)):08x}"


def _read_header(path: Path) -> tuple[bytes, dict[str, Any], dict[str, str]]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > 1 << 20:
            raise ValueError("no safetensors header")
        raw = length.to_bytes(8, "little") + file.read(length)
    header = json.loads(raw[8:])
    return raw, header, header.pop("__metadata__", {})


def _tensor(tensors: dict[str, Any], name: str, dtype: str) -> tuple[tuple[int, ...], int, int]:
    entry = tensors[name]
    begin, end = (int(x) for x in entry["data_offsets"])
    if entry["dtype"] != dtype or not 0 <= begin <= end:
        raise ValueError(f"{name} is not as expected")
    return tuple(int(x) for x in entry["shape"]), begin, end
