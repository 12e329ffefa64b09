"""CSV and TSV: the standard library's strict reader checks, Arrow's reader delivers.

Arrow is silent about Latin-1 bytes, unclosed quotes, repeated header names, NULs and a wrong
delimiter; the first pass refuses them. Nothing is sniffed. Blank lines hold no row. In the second
pass every column is text and no word means null.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data import csvfaults
from taskaff.stages.data.byte_source import BLOCK, Blob
from taskaff.stages.data.csvfaults import CsvFile
from taskaff.stages.data.encoding import (
    NulError,
    Utf8,
    known_encoding,
    not_utf8,
    nul_error,
    text_of,
)
from taskaff.stages.data.quotes import Lines, Quotes, first_fault, inner_quote
from taskaff.stages.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    CELL_BYTES,
    PEEK_ROWS,
    Column,
    Reader,
    arrow_errors,
    from_rows,
)

_MAX_ROW_BYTES = 512 << 20


class CsvReader(Reader):
    """Comma-separated values with RFC 4180 quoting, and a header line unless told otherwise.

    Columns are the header's names, or ``c0``, ``c1``, ... without one; every cell is text.
    """

    typed = False
    nullable = False
    default_delimiter = ","
    uses = frozenset({"delimiter", "encoding", "quote", "no_header", "skip_lines"})

    def __init__(self, blob: Blob, request: DataRequest) -> None:
        self._blob, self._request = blob, request
        self._encoding = known_encoding(request.encoding)
        self._file = CsvFile(
            blob,
            _one_character("delimiter", request.delimiter or self.default_delimiter),
            _quote('"' if request.quote is None else request.quote),
            request.skip_lines,
            not request.no_header,
            self._rows_again,
        )
        self._doubts_quotes = request.quote is None
        """Whether rows that can be read in two ways are refused."""
        self._rows: int | None = None
        self._span = 0
        with self._reading() as (reader, _):
            rows = (row for row in reader if row)
            first = next(rows, None)
            self._names = csvfaults.header(self._file, first, rows, self.without_header)
        self.columns = tuple(Column(name, pa.string()) for name in self._names)
        self.dialect = self._said()

    def _said(self) -> dict[str, str]:
        """Delimiter, encoding and quote, and whatever else was asked for, in words."""
        delimiter = self._file.delimiter
        said = {
            "delimiter": csvfaults.SHOWN.get(delimiter, delimiter),
            "encoding": self._encoding,
            "quote": self._file.quote or "none",
        }
        if not self._file.header:
            said["header"] = "none"
        if self._file.skip_lines:
            said["skip_lines"] = str(self._file.skip_lines)
        return said

    def without_header(self) -> CsvReader:
        """Reader of this file that takes its first line for a row."""
        return type(self)(self._blob, replace(self._request, no_header=True))

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows."""
        for batch in self.scan(columns, stop=PEEK_ROWS):
            return batch
        return from_rows([], columns)

    def scan(self, columns: Sequence[str], stop: int | None = None) -> Iterator[pa.RecordBatch]:
        """Every row through ``csv`` in strict mode; ``stop`` ends early, for a peek."""
        width = len(self._names)
        at = {name: index for index, name in enumerate(self._names)}
        pick = itemgetter(*(at[name] for name in columns)) if columns else len
        tails = csvfaults.tails(self._names) if self._file.header else frozenset()
        with self._reading() as (reader, source):
            if self._file.header:
                next(row for row in reader if row)
            limit = stop or BATCH_ROWS
            chunk = source.take_chunk(BATCH_BYTES)
            for row in reader:
                if len(row) == width:
                    if row[-1] in tails and csvfaults.is_header(self._names, row):
                        raise csvfaults.header_again(self._file, source.rows + 1)
                    chunk.append(pick(row))
                elif row:
                    raise csvfaults.ragged(self._file, source.rows + 1, len(row), width)
                if source.heavy or len(chunk) == limit:
                    yield from_rows(chunk, columns)
                    if stop:
                        return
                    chunk = source.take_chunk(BATCH_BYTES)
            self._rows, self._span = source.rows, source.span
            lines_in_cells = reader.line_num > source.rows + self._file.header
            if self._doubts_quotes and (source.met or lines_in_cells):
                self._check_quotes()
            if chunk:
                yield from_rows(chunk, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Every row through Arrow's reader, which must find as many as the scan did."""
        rows = 0
        with self._bytes() as source, arrow_errors(self._blob.path, "the CSV"):
            stream = pacsv.open_csv(
                source,
                read_options=pacsv.ReadOptions(
                    use_threads=False,
                    block_size=self._block(),
                    column_names=None if self._file.header else self._names,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._file.delimiter,
                    quote_char=self._file.quote or False,
                    newlines_in_values=self._file.quote is not None,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={name: pa.string() for name in self._names},
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for batch in stream:
                rows += batch.num_rows
                yield batch
        if rows != self._rows:
            raise self._blob.error(
                f"two CSV readers disagree: {self._rows} rows by the strict one, {rows} by Arrow's",
                "write the file again with every cell that holds quotes or newlines quoted",
            )

    def _block(self) -> int:
        """Arrow needs every row inside one block; the scan bounded the longest one."""
        block = self._span + 2 * BLOCK
        if block > _MAX_ROW_BYTES:
            raise self._blob.error(
                f"a row is longer than {_MAX_ROW_BYTES >> 20} MiB",
                "a quote may not be closed; or store such texts as Parquet",
            )
        return block

    @contextmanager
    def _bytes(self) -> Iterator[Any]:
        """UTF-8 bytes for Arrow; straight from the file where nothing has to be done to them."""
        plain = self._encoding == "utf-8" and self._blob.compression is None
        if plain and not self._file.skip_lines:
            with self._blob.native() as file:
                yield file
        else:
            with self._blob.stream() as stream:
                utf8 = Utf8(stream, self._blob.path, self._encoding, self._file.skip_lines)
                yield pa.PythonFile(io.BufferedReader(utf8, BLOCK), mode="r")

    @contextmanager
    def _reading(self) -> Iterator[tuple[Any, Utf8]]:
        """The strict reader, with its complaints translated."""
        with self._blob.stream() as stream, _field_limit(CELL_BYTES):
            watch = inner_quote(self._file.delimiter) if self._doubts_quotes else None
            source, text = self._text(stream, watch)
            try:
                yield self._strict(text), source
            except NulError:
                raise nul_error(self._blob, self._encoding) from None
            except UnicodeDecodeError as error:
                raise not_utf8(self._blob) from error
            except csv.Error as error:
                raise csvfaults.broken(self._file, source.rows + 1, str(error)) from error

    def _check_quotes(self) -> None:
        with self._blob.stream() as stream:
            lines = Lines(self._text(stream)[1])
            quotes = Quotes(self._file.delimiter, len(self._names))
            fault = first_fault(self._strict(lines), lines, quotes, self._file.header)
        if fault:
            raise csvfaults.two_readings(self._file, *fault)

    def _text(self, stream: Any, watch: Any = None) -> tuple[Utf8, io.TextIOWrapper]:
        skip = self._file.skip_lines
        return text_of(stream, self._blob.path, self._encoding, skip, BLOCK, watch)

    def _strict(self, text: Iterable[str], quoted: bool = True) -> Any:
        quote = self._file.quote if quoted else None
        rules: dict[str, Any] = {"delimiter": self._file.delimiter, "quotechar": quote}
        rules["quoting"] = csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL
        return csv.reader(text, strict=True, **rules)

    @contextmanager
    def _rows_again(self, quoted: bool = True) -> Iterator[Any]:
        """A reader of its own, for finding a line and for trying another reading."""
        with self._blob.stream() as stream, _field_limit(CELL_BYTES):
            yield self._strict(self._text(stream)[1], quoted)


class TsvReader(CsvReader):
    """Tab-separated values; quotes mean what they mean in CSV unless ``--quote none``."""

    default_delimiter = "\t"


def _one_character(what: str, text: str) -> str:
    text = {"\\t": "\t", "tab": "\t", "space": " "}.get(text, text)
    if len(text) != 1 or not text.isascii() or text in '\r\n\0"':
        raise UsageError(
            f"the {what} must be one ASCII character, not {text!r}", hint=f"--{what} ';'"
        )
    return text


def _quote(text: str) -> str | None:
    if text == "none":
        return None
    return text if text == '"' else _one_character("quote", text)


_limit_lock = threading.Lock()
_limit_users = 0
_limit_before = 0


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    """Raise the cell limit of ``csv``, which is global, while anyone needs it; then put it back."""
    global _limit_users, _limit_before
    with _limit_lock:
        if _limit_users == 0:
            _limit_before = csv.field_size_limit(limit)
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if _limit_users == 0:
                csv.field_size_limit(_limit_before)
