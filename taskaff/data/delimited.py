"""CSV and TSV: the standard library's strict reader checks, Arrow's reader delivers.

Arrow is silent about Latin-1 bytes, unclosed quotes, repeated header names, NULs and a wrong
delimiter; the first pass refuses them. Nothing is sniffed. Blank lines hold no row. In the second
pass every column is text and no word means null.
"""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from taskaff import arrow
from taskaff.data.blobs import BLOCK, Blob
from taskaff.data.encoding import NulError, Utf8, known_encoding, not_utf8, nul_error
from taskaff.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    CELL_BYTES,
    PEEK_ROWS,
    Column,
    Options,
    arrow_errors,
)
from taskaff.errors import DataError, Place, UsageError

_MAX_ROW_BYTES = 512 << 20
_SHOWN = {"\t": "tab", " ": "space"}


class CsvReader:
    """Comma-separated values with a header line, RFC 4180 quoting."""

    typed = False
    nullable = False
    default_delimiter = ","

    def __init__(self, blob: Blob, options: Options) -> None:
        self._blob = blob
        self._encoding = known_encoding(options.encoding)
        self._delimiter = _one_character("delimiter", options.delimiter or self.default_delimiter)
        self._quote = None if options.quote == "none" else _quote(options.quote)
        self._rows: int | None = None
        self._span = 0
        with self._reading() as (reader, _):
            self._header = self._checked_header(reader)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The header's names; every cell is text."""
        return tuple(Column(name, pa.string()) for name in self._header)

    @property
    def dialect(self) -> Mapping[str, str]:
        """Delimiter, encoding and quote, in words."""
        return {
            "delimiter": _SHOWN.get(self._delimiter, self._delimiter),
            "encoding": self._encoding,
            "quote": self._quote or "none",
        }

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows."""
        for batch in self.scan(columns, stop=PEEK_ROWS):
            return batch
        return _columns([], columns)

    def scan(self, columns: Sequence[str], stop: int | None = None) -> Iterator[pa.RecordBatch]:
        """Every row through ``csv`` in strict mode; ``stop`` ends early, for a peek."""
        width = len(self._header)
        at = {name: index for index, name in enumerate(self._header)}
        pick = itemgetter(*(at[name] for name in columns)) if columns else len
        with self._reading() as (reader, source):
            next(row for row in reader if row)
            limit = stop or BATCH_ROWS
            chunk = source.take_chunk(BATCH_BYTES)
            for row in reader:
                if len(row) == width:
                    chunk.append(pick(row))
                elif row:
                    raise self._ragged(source.rows + 1, len(row))
                if source.heavy or len(chunk) == limit:
                    yield _columns(chunk, columns)
                    if stop:
                        return
                    chunk = source.take_chunk(BATCH_BYTES)
            self._rows, self._span = source.rows, source.span
            if chunk:
                yield _columns(chunk, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Every row through Arrow's reader, which must find as many as the scan did."""
        rows = 0
        with self._bytes() as source, arrow_errors(self._blob.path, "the CSV"):
            stream = pacsv.open_csv(
                source,
                read_options=pacsv.ReadOptions(use_threads=False, block_size=self._block()),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char=self._quote or False,
                    newlines_in_values=self._quote is not None,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={name: pa.string() for name in self._header},
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for batch in stream:
                rows += batch.num_rows
                yield batch
        if rows != self._rows:
            raise DataError(
                f"two CSV readers disagree: {self._rows} rows by the strict one, {rows} by Arrow's",
                where=Place(self._blob.path),
                hint="write the file again with every cell that holds quotes or newlines quoted",
            )

    def _block(self) -> int:
        """Arrow needs every row inside one block; the scan bounded the longest one."""
        block = self._span + 2 * BLOCK
        if block > _MAX_ROW_BYTES:
            raise DataError(
                f"a row is longer than {_MAX_ROW_BYTES >> 20} MiB",
                where=Place(self._blob.path),
                hint="a quote may not be closed; or store such texts as Parquet",
            )
        return block

    @contextmanager
    def _bytes(self) -> Iterator[Any]:
        """UTF-8 bytes for Arrow; straight from the file where nothing has to be done to them."""
        if self._encoding == "utf-8" and self._blob.compression is None:
            with self._blob.native() as file:
                yield file
        else:
            with self._blob.stream() as stream:
                utf8 = Utf8(stream, self._blob.path, self._encoding)
                yield pa.PythonFile(io.BufferedReader(utf8, BLOCK), mode="r")

    @contextmanager
    def _reading(self) -> Iterator[tuple[Any, Utf8]]:
        """The strict reader, with its complaints translated."""
        with self._blob.stream() as stream, _field_limit(CELL_BYTES):
            source = Utf8(stream, self._blob.path, self._encoding)
            text = io.TextIOWrapper(io.BufferedReader(source, BLOCK), encoding="utf-8", newline="")
            try:
                yield self._strict(text), source
            except NulError:
                raise nul_error(self._blob, self._encoding) from None
            except UnicodeDecodeError as error:
                raise not_utf8(self._blob) from error
            except csv.Error as error:
                raise self._broken(source.rows + 1, str(error)) from error

    def _strict(self, text: Any) -> Any:
        rules: dict[str, Any] = {"delimiter": self._delimiter, "quotechar": self._quote}
        rules["quoting"] = csv.QUOTE_NONE if self._quote is None else csv.QUOTE_MINIMAL
        return csv.reader(text, strict=True, **rules)

    def _checked_header(self, reader: Any) -> list[str]:
        where = Place(self._blob.path, line=1)
        header: list[str] | None = next((row for row in reader if row), None)
        if header is None:
            raise DataError(
                "the file is empty", where=where, hint="it needs a header line such as text,label"
            )
        repeated = [name for name, times in Counter(header).items() if times > 1]
        if repeated:
            raise DataError(
                f"the header names column {repeated[0]!r} {header.count(repeated[0])} times",
                where=where,
                hint="rename the columns; if the file has no header line, add one: text,label",
            )
        other = [d for d in (",", ";", "\t", "|") if d != self._delimiter and d in header[0]]
        if len(header) == 1 and other:
            shown = "$'\\t'" if other[0] == "\t" else f"'{other[0]}'"
            raise DataError(
                f"with delimiter {_SHOWN.get(self._delimiter, self._delimiter)!r} there is one "
                f"column, named {header[0]!r}",
                where=where,
                hint=f"--delimiter {shown}",
            )
        return header

    def _ragged(self, row: int, found: int) -> DataError:
        return DataError(
            f"{found} cells where the header has {len(self._header)}",
            where=Place(self._blob.path, row=row, line=self._line(row)),
            hint="quote cells that hold the delimiter; if quotes are ordinary characters in this "
            "file: --quote none",
        )

    def _broken(self, row: int, reason: str) -> DataError:
        if "unexpected end" in reason:
            found = "a quote is opened in this row and never closed"
        elif "field larger" in reason:
            found = f"a cell is longer than {CELL_BYTES >> 20} MiB: a quote may not be closed"
        elif "expected after" in reason:
            found = "text follows a closing quote"
        else:
            found = f"not valid CSV: {reason}"
        return DataError(
            found,
            where=Place(self._blob.path, row=row, line=self._line(row)),
            hint="double the quotes inside a quoted cell; if quotes are ordinary characters in "
            "this file: --quote none",
        )

    def _line(self, row: int) -> int | None:
        """The line on which a row begins, by reading again up to it."""
        with self._blob.stream() as stream:
            source = Utf8(stream, self._blob.path, self._encoding)
            reader = self._strict(io.TextIOWrapper(io.BufferedReader(source), "utf-8", newline=""))
            line, count = 0, 0
            try:
                for cells in reader:
                    if cells:
                        count += 1
                    if count > row:  # the header is a row here
                        break
                    line = reader.line_num
            except (csv.Error, UnicodeDecodeError, NulError):
                pass
            return line + 1


class TsvReader(CsvReader):
    """Tab-separated values; quotes mean what they mean in CSV unless ``--quote none``."""

    default_delimiter = "\t"


def _columns(chunk: list[Any], names: Sequence[str]) -> pa.RecordBatch:
    """Picked cells as string columns; with no name, a batch that only counts rows."""
    if not names:
        return pa.RecordBatch.from_arrays([pa.nulls(len(chunk))], names=[""])
    cells = [chunk] if len(names) == 1 else (list(zip(*chunk, strict=True)) or [()] * len(names))
    arrays = [arrow.strings(column) for column in cells]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _one_character(what: str, text: str) -> str:
    text = {"\\t": "\t", "tab": "\t", "space": " "}.get(text, text)
    if len(text) != 1 or not text.isascii() or text in '\r\n\0"':
        raise UsageError(
            f"the {what} must be one ASCII character, not {text!r}", hint=f"--{what} ';'"
        )
    return text


def _quote(text: str | None) -> str:
    if text is None or text == '"':
        return '"'
    return _one_character("quote", text)


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
