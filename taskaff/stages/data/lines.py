"""Plain text: one text a line, in a column called ``text``, without labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import BLOCK, Blob
from taskaff.stages.data.encoding import known_encoding, numbered_lines, text_of
from taskaff.stages.data.reader import CELL_BYTES, Column, Reader, from_rows, grouped
from taskaff.stages.data.suspects import has_names, is_object, likely_flags, tabulated

_FIRST_LINES = 20


class TxtReader(Reader):
    """Lines of text; blank ones hold no row.

    Where only the suffix says ``txt``, a file that looks like a table or JSON Lines is refused.
    """

    typed = False
    nullable = False
    uses = frozenset({"encoding", "skip_lines"})

    columns = (Column("text", pa.string()),)

    def __init__(self, blob: Blob, request: DataRequest) -> None:
        self._blob, self._request = blob, request
        self._encoding = known_encoding(request.encoding)
        skipped = {"skip_lines": str(request.skip_lines)} if request.skip_lines else {}
        self.dialect = {"encoding": self._encoding} | skipped
        first = list(islice(self._lines(), _FIRST_LINES))
        if request.format is None and first:
            self._refuse_tables(first)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Lines without their ends."""
        for lines in grouped((line, 1, len(line)) for line in self._lines()):
            yield from_rows(lines, columns)

    def _lines(self) -> Iterator[str]:
        with self._blob.stream() as stream:
            skip, hint = self._request.skip_lines, "write one text a line"
            text = text_of(stream, self._blob.path, self._encoding, skip, BLOCK)[1]
            lines = numbered_lines(text, self._blob, self._encoding, skip, CELL_BYTES, hint)
            yield from (line.rstrip("\r\n") for _, line in lines)

    def _refuse_tables(self, first: list[str]) -> None:
        table = tabulated(first) or has_names(first[0])
        if not table and not is_object(first[0]):
            return
        flags = likely_flags(self._blob, self._request) or "--input-format tsv"
        raise self._blob.error(
            "the lines look like " + ("a table" if table else "JSON objects"),
            f"{flags}; or, if each line is one text: --input-format txt",
            line=1 + self._request.skip_lines,
        )
