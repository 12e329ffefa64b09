"""Plain text: one text a line, in a column called ``text``, without labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pyarrow as pa

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.stages.data.byte_source import BLOCK, Blob
from taskaff.stages.data.encoding import known_encoding, numbered_lines, text_of
from taskaff.stages.data.guess import has_names, is_object, likely_flags, tabulated
from taskaff.stages.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    CELL_BYTES,
    PEEK_ROWS,
    Column,
    Options,
)

_COLUMN = "text"
_FIRST_LINES = 20


class TxtReader:
    """Lines of text; blank ones hold no row.

    Where only the suffix says ``txt``, a file that looks like a table or JSON Lines is refused.
    """

    typed = False
    nullable = False
    uses = frozenset({"encoding", "skip_lines"})

    def __init__(self, blob: Blob, options: Options) -> None:
        self._blob, self._options = blob, options
        self._encoding = known_encoding(options.encoding)
        first = [line for _, line in islice(self._lines(), _FIRST_LINES)]
        if not options.named and first:
            self._refuse_tables(first)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The one column."""
        return (Column(_COLUMN, pa.string()),)

    @property
    def dialect(self) -> Mapping[str, str]:
        """The encoding, and the lines that are skipped."""
        skip = self._options.skip_lines
        return {"encoding": self._encoding} | ({"skip_lines": str(skip)} if skip else {})

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """First rows, at most ``PEEK_ROWS``."""
        return _batch([line for _, line in islice(self._lines(), PEEK_ROWS)], columns)

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass, which reads as ``batches`` does."""
        return self.batches(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Lines without their ends."""
        chunk: list[str] = []
        size = 0
        for _, line in self._lines():
            chunk.append(line)
            size += len(line)
            if len(chunk) == BATCH_ROWS or size > BATCH_BYTES:
                yield _batch(chunk, columns)
                chunk, size = [], 0
        if chunk:
            yield _batch(chunk, columns)

    def _lines(self) -> Iterator[tuple[int, str]]:
        with self._blob.stream() as stream:
            skip = self._options.skip_lines
            text = text_of(stream, self._blob.path, self._encoding, skip, BLOCK)[1]
            hint = "write one text a line"
            lines = numbered_lines(text, self._blob, self._encoding, skip, CELL_BYTES, hint)
            for number, line in lines:
                yield number, line.rstrip("\r\n")

    def _refuse_tables(self, first: list[str]) -> None:
        table = tabulated(first) or has_names(first[0], ",")
        if not table and not is_object(first[0]):
            return
        flags = likely_flags(self._blob, self._options) or "--input-format tsv"
        raise DataError(
            "the lines look like " + ("a table" if table else "JSON objects"),
            where=Place(self._blob.path, line=1 + self._options.skip_lines),
            hint=f"{flags}; or, if each line is one text: --input-format txt",
        )


def _batch(lines: list[str], columns: Sequence[str]) -> pa.RecordBatch:
    if not columns:
        return pa.RecordBatch.from_arrays([pa.nulls(len(lines))], names=[""])
    return pa.RecordBatch.from_arrays([arrow.strings(lines)], names=[_COLUMN])
