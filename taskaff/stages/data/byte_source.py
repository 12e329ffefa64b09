"""Bytes of local files, object stores and spooled streams behind one interface, ``Blob``."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from taskaff.core.errors import DataError, Place

BLOCK = 1 << 20
RATIO = 200
"""Text compresses 3 to 20 times; a stream that grows more than this is refused ..."""
RATIO_FREE = 64 << 20
"""... once it has given this many bytes."""

_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


@dataclass(frozen=True, slots=True)
class Blob:
    """One input file: how to open it, and a stamp that changes when it is replaced."""

    path: str
    size: int
    native: Callable[[], Any]
    """Opens an Arrow file with random access."""
    stamp: Callable[[], object]
    compression: str | None = None
    local: str | None = None

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """The decompressed bytes, in order."""
        with self.native() as file:
            raw = io.BufferedReader(file, BLOCK)
            plain = _decompressed(raw, self.compression, file)
            if self.compression:
                plain = io.BufferedReader(_Bounded(plain, self), BLOCK)
            yield cast(BinaryIO, plain)

    @contextmanager
    def random_access(self) -> Iterator[Any]:
        """The decompressed bytes as an Arrow file that can seek; compressed ones are spooled."""
        if self.compression is None:
            with self.native() as file:
                yield file
            return
        with self.stream() as stream, spool(stream, self.path).native() as file:
            yield file

    def sha256(self) -> str:
        """SHA-256 of the bytes as they are stored."""
        with self.native() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def error(self, problem: str, hint: str, **place: Any) -> DataError:
        """The error for something in this file, at a row, line or column of it."""
        return DataError(problem, where=Place(self.path, **place), hint=hint)


def local_blob(path: str, compression: str | None) -> Blob:
    """A file of this machine."""
    where = Path(path)

    def stamp() -> tuple[int, int]:
        stat = where.stat()
        return stat.st_size, stat.st_mtime_ns

    return Blob(
        path, stamp()[0], lambda: pa.OSFile(str(where), "r"), stamp, compression, str(where)
    )


def spool(
    stream: BinaryIO,
    path: str,
    compression: str | None = None,
    limit: int | None = None,
    first_line: int | None = None,
) -> Blob:
    """Copy a stream into an unnamed temporary file, which vanishes with the last reference.

    Raises ``DataError`` past ``limit`` bytes, or where the ``first_line`` bytes have no line end.
    """
    with temporary() as file:
        size = 0
        while block := stream.read(BLOCK):
            size += file.write(block)
            if first_line is not None and (b"\n" in block or b"\r" in block):
                first_line = None
            if first_line is not None and size > first_line:
                raise _too_long(f"the first line is longer than {first_line:,} bytes", path)
            if limit is not None and size > limit:
                raise _too_long(f"more than {limit:,} bytes came in", path)
    return spooled(file, path, compression)


@contextmanager
def temporary() -> Iterator[Any]:
    """An unnamed temporary file that outlives the block, unless that raises."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the blob
    try:
        yield file
    except BaseException:
        file.close()
        raise


def _too_long(problem: str, path: str) -> DataError:
    hint = "write it to a file, check it, and give its path"
    return DataError(problem, where=Place(path), hint=hint)


def spooled(file: Any, path: str, compression: str | None = None) -> Blob:
    """A blob over a temporary file that was written already."""
    file.flush()
    shared = _Shared(file)

    def native() -> Any:
        return pa.PythonFile(io.BufferedReader(_Window(shared), BLOCK), mode="r")

    return Blob(path, shared.size, native, lambda: shared.size, compression)


def _decompressed(raw: Any, compression: str | None, file: Any) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if compression == "bz2":
        return bz2.BZ2File(raw)
    if compression == "xz":
        return lzma.LZMAFile(raw)
    if compression == "zstd":
        return pa.CompressedInputStream(file, "zstd")
    return raw


class _Shared:
    """A temporary file that several windows read; closed, and so deleted, with the last of them.

    It is held by its descriptor: a file object that ends in a cycle of references may be collected
    before this one closes it, which is a warning.
    """

    def __init__(self, file: Any) -> None:
        self._descriptor, self._lock = os.dup(file.fileno()), threading.Lock()
        file.close()
        self.size = os.fstat(self._descriptor).st_size

    def readinto(self, buffer: Any, at: int) -> int:
        with self._lock:
            os.lseek(self._descriptor, at, os.SEEK_SET)
            data = os.read(self._descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def __del__(self) -> None:
        os.close(self._descriptor)


class _Window(io.RawIOBase):
    """An independent read position in a shared file."""

    def __init__(self, shared: _Shared) -> None:
        self._shared, self._at = shared, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._shared.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = self._shared.readinto(buffer, self._at)
        self._at += count
        return count


class _Bounded(io.RawIOBase):
    """Decompressed bytes, refused when they outgrow the file, and with its name on every error."""

    def __init__(self, plain: Any, blob: Blob) -> None:
        self._plain, self._blob, self._given = plain, blob, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._plain.read(len(buffer))
        except _BROKEN as error:
            raise self._blob.error(
                f"the {self._blob.compression} stream is damaged or cut short: {error}",
                "fetch or compress the file again",
            ) from error
        self._given += len(data)
        if self._given > max(RATIO_FREE, RATIO * self._blob.size):
            raise self._blob.error(
                f"the {self._blob.compression} stream grows more than {RATIO} times "
                f"(over {self._given:,} bytes from {self._blob.size:,})",
                "if that is meant, decompress the file first",
            )
        buffer[: len(data)] = data
        return len(data)
