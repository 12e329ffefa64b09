"""Text files as UTF-8 bytes: declared encodings, byte-order marks, and the bytes to refuse."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, AnyStr, BinaryIO

from taskaff.core.errors import DataError, Place, UsageError
from taskaff.stages.data.byte_source import Blob

_LINE_END = re.compile(rb"\r\n?|\n")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def known_encoding(name: str | None) -> str:
    """The canonical name of an encoding; UTF-8 when none was declared."""
    if name is None:
        return "utf-8"
    try:
        "x".encode(name)
    except LookupError as error:
        raise UsageError(
            f"unknown encoding {name!r}", hint="use a Python codec name: --encoding latin-1"
        ) from error
    canonical = codecs.lookup(name).name
    return "utf-8" if canonical == "utf-8-sig" else canonical


class Utf8(io.RawIOBase):
    """UTF-8 bytes of a text stream, without a byte-order mark, NULs and the first ``skip`` lines.

    UTF-8 itself passes unchecked (the text layer above decodes it strictly); anything else is
    decoded and encoded again. The reader above appends its rows to chunks that are taken from
    here, so that ``span`` can say how many bytes went by without a row being finished (an upper
    bound of the longest row) and ``heavy`` when a chunk has cost many bytes. ``met`` says whether
    ``watch`` was true of any of the bytes.
    """

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        encoding: str,
        skip: int = 0,
        watch: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._stream, self._path, self._encoding = stream, path, encoding
        self._skip, self._watch, self._tail = skip, watch, b""
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._rest, self._start = b"", True
        self._chunk: list[Any] = []
        self._done = self._weight = self._weight_limit = self._run = self.span = 0
        self._seen = -1
        self.heavy = self.met = False

    def take_chunk(self, weight: int) -> list[Any]:
        """A new list for finished rows; ``heavy`` is set once ``weight`` bytes went by."""
        self._done += len(self._chunk)
        self._chunk = []
        self._weight, self._weight_limit, self.heavy = 0, weight, False
        return self._chunk

    @property
    def rows(self) -> int:
        """Rows finished so far."""
        return self._done + len(self._chunk)

    def readable(self) -> bool:
        """Part of the raw stream protocol."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Part of the raw stream protocol."""
        if not self._rest:
            self._rest = self._next(len(buffer))
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        data = self._read(size)
        if self._start:
            data = self._without_mark(data)
        if self._skip:
            data = self._drop_lines(data, size)
        if b"\0" in data:
            raise NulError
        self._measure(len(data))
        if self._watch is not None and not self.met:
            self.met = self._watch(self._tail + data)
            self._tail = (self._tail + data[-2:])[-2:]
        return data

    def _read(self, size: int) -> bytes:
        """Some bytes as UTF-8; none at the end."""
        while True:
            raw = self._stream.read(size)
            data = raw if self._decoder is None else self._transcode(raw)
            if data or not raw:
                return data

    def _drop_lines(self, data: bytes, size: int) -> bytes:
        """What follows the first lines, which are dropped once."""
        while self._skip:
            end = _LINE_END.search(data)
            if end is None or end.end() == len(data):  # the line, or a CR LF, may go on
                more = self._read(size)
                if not more:
                    self._skip = 0
                    return b""
                data += more
            else:
                data = data[end.end() :]
                self._skip -= 1
        return data

    def _transcode(self, raw: bytes) -> bytes:
        assert self._decoder is not None
        try:
            return self._decoder.decode(raw, final=not raw).encode("utf-8")
        except UnicodeError as error:
            raise DataError(
                f"the bytes are not {self._encoding}: {error}",
                where=Place(self._path),
                hint="declare the encoding that the file was written in: --encoding NAME",
            ) from error

    def _without_mark(self, data: bytes) -> bytes:
        self._start = False
        if self._decoder is None and data[:2] in _UTF16_MARKS:
            raise DataError(
                "the file begins with a UTF-16 byte-order mark",
                where=Place(self._path, line=1),
                hint="--encoding utf-16",
            )
        return data[3:] if data.startswith(codecs.BOM_UTF8) else data

    def _measure(self, count: int) -> None:
        rows = self.rows
        self._run = self._run + count if rows == self._seen else count
        self._seen = rows
        self.span = max(self.span, self._run)
        self._weight += count
        self.heavy = self._weight > self._weight_limit > 0


def text_of(
    stream: BinaryIO,
    path: str,
    encoding: str,
    skip: int,
    block: int,
    watch: Callable[[bytes], bool] | None = None,
) -> tuple[Utf8, io.TextIOWrapper]:
    """A byte stream as text with its line ends as they are, and the layer that counts its bytes."""
    source = Utf8(stream, path, encoding, skip, watch)
    return source, io.TextIOWrapper(io.BufferedReader(source, block), encoding="utf-8", newline="")


def numbered_lines(
    text: IO[AnyStr], blob: Blob, encoding: str, skipped: int, longest: int, hint: str
) -> Iterator[tuple[int, AnyStr]]:
    """Lines that are not blank, with their numbers in the file.

    ``hint`` is what to do about a line of more than ``longest`` bytes (or characters).
    """
    number = skipped
    try:
        while line := text.readline(longest + 1):
            number += 1
            if len(line) > longest:
                problem = f"the line is longer than {longest >> 20} MiB"
                raise blob.error(problem, hint, line=number)
            if not line.isspace():
                yield number, line
    except NulError:
        raise nul_error(blob, encoding) from None
    except UnicodeDecodeError as error:
        raise not_utf8(blob) from error


class NulError(Exception):
    """A NUL byte was met; ``nul_error`` finds the line."""


def _find_line(blob: Blob, bad: Callable[[bytes], bool]) -> int | None:
    """The first physical line (1-based, ended by LF) whose bytes are ``bad``."""
    with blob.stream() as stream:
        for number, line in enumerate(iter(lambda: stream.readline(1 << 26), b""), 1):
            if bad(line):
                return number
    return None


def nul_error(blob: Blob, encoding: str) -> DataError:
    """The error for a NUL character: a binary or a UTF-16 file."""
    line = _find_line(blob, lambda text: b"\0" in text)
    with blob.stream() as stream:
        head = stream.read(4096)
    wide = encoding == "utf-8" and head.count(b"\0") > len(head) // 4
    return blob.error(
        "the file holds NUL characters" + (", as UTF-16 text does" if wide else ""),
        "--encoding utf-16-le (or utf-16-be)" if wide else "remove the NUL characters",
        line=line,
    )


def not_utf8(blob: Blob) -> DataError:
    """The error for bytes that are not UTF-8, with their line."""

    def bad(line: bytes) -> bool:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return True
        return False

    return blob.error(
        "the bytes are not UTF-8",
        "if the file was written as Latin-1 (or Windows-1252): --encoding latin-1 (or cp1252)",
        line=_find_line(blob, bad),
    )
