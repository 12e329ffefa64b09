"""Parquet: sizes are checked in the metadata, then row groups are streamed in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.plain import check_rows, checked_pieces, columns_of, plain_type
from taskaff.stages.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    PEEK_ROWS,
    Reader,
    arrow_errors,
    counting,
    grouped,
)
from taskaff.stages.data.values import is_words

RATIO = 100
RATIO_FREE = 64 << 20
"""A column chunk may declare this many bytes, or ``RATIO`` times what it takes in the file."""
_ENCRYPTED = b"PARE"
"""The magic bytes at the end of a file whose footer is encrypted too."""
_PLAIN = "write the file again without encryption"
_DAMAGED = "the file is damaged: fetch or write it again"
_DICTIONARY_PAGE = 2
_NEXT_FIELD_I32 = 0x15


class ParquetReader(Reader):
    """A Parquet file; only the needed columns are read."""

    def __init__(self, blob: Blob, _request: DataRequest) -> None:
        self._blob = blob
        with self._open() as (file, _):
            self._schema = file.schema_arrow
            self.columns = columns_of(self._schema, blob.path)
            check_rows(file.metadata.num_rows, blob.size, blob.path)
            self._check_groups(file.metadata)

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows, without decoding a whole batch."""
        with self._open() as (file, _), arrow_errors(self._blob.path, "the Parquet file"):
            self._check(file, columns)
            batches = file.iter_batches(PEEK_ROWS, columns=list(columns))
            for piece in checked_pieces(batches, self._blob.path):
                return piece
        return super().peek(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Validated batches of the needed columns."""
        rows = 0
        with self._open() as (file, bytes_), arrow_errors(self._blob.path, "the Parquet file"):
            self._check(file, columns)
            if not columns:
                yield counting(file.metadata.num_rows)
                return
            step = self._step(file, bytes_, columns)
            batches = file.iter_batches(step, columns=list(columns))
            groups = map(_joined, grouped((b, b.num_rows, b.nbytes) for b in batches))
            for piece in checked_pieces(groups, self._blob.path):
                rows += piece.num_rows
                yield piece
            if rows != file.metadata.num_rows:
                raise self._blob.error(
                    f"{rows} rows where the metadata declares {file.metadata.num_rows}", _DAMAGED
                )

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        """A ``ParquetFile``, and the plain bytes under it."""
        with self._blob.random_access() as bytes_:
            if bytes_.read_at(4, max(0, bytes_.size() - 4)) == _ENCRYPTED:
                raise self._blob.error("the Parquet file is encrypted", _PLAIN)
            with arrow_errors(self._blob.path, "the Parquet file"):
                file = pq.ParquetFile(
                    bytes_, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True
                )
            yield file, bytes_

    def _step(self, file: Any, bytes_: Any, columns: Sequence[str]) -> int:
        """Rows to decode at once: few when a long text may be repeated from a dictionary.

        Stored once, a text of 1 MB that every row repeats takes a few kB in the file and
        gigabytes when 8,192 rows of it are spelled out.
        """
        used = [field for field in self._schema if field.name in columns]
        texts = {f.name for f in used if is_words(plain_type(f.type)) or pat.is_struct(f.type)}
        longest = 1
        for _, chunk in _chunks(file.metadata, texts):
            longest = max(longest, _dictionary_bytes(bytes_, chunk))
        return max(1, min(BATCH_ROWS, 4 * BATCH_BYTES // longest))

    def _check(self, file: Any, columns: Sequence[str]) -> None:
        leaves = _leaves(file.metadata, columns)
        for group in range(file.metadata.num_row_groups if leaves else 0):  # none: a division by 0
            self._probe(file, group, leaves)
        self._check_sizes(file.metadata, columns)

    def _check_groups(self, metadata: Any) -> None:
        """Refuse a row group of fewer than no rows, for which Arrow would abort."""
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            if rows < 0:
                raise self._blob.error(f"row group {number} declares {rows:,} rows", _DAMAGED)

    def _probe(self, file: Any, group: int, leaves: list[int]) -> None:
        """Raise for column metadata that Arrow cannot read: asked for its sizes it would abort.

        A batch of no rows opens the columns and decodes nothing; ``file.iter_batches`` refuses it.
        """
        try:
            next(iter(file.reader.iter_batches(0, row_groups=[group], column_indices=leaves)), None)
        except (pa.ArrowException, OSError) as error:
            if "decrypt" not in str(error):
                raise
            for leaf in leaves if len(leaves) > 1 else ():
                self._probe(file, group, [leaf])
            raise self._blob.error(
                "the column is encrypted",
                f"{_PLAIN}, or name other columns: --text COL --label COL",
                column=file.metadata.schema.column(leaves[0]).path,
            ) from error

    def _check_sizes(self, metadata: Any, columns: Sequence[str]) -> None:
        for group, chunk in _chunks(metadata, columns):
            declared, stored = chunk.total_uncompressed_size, chunk.total_compressed_size
            if chunk.path_in_schema not in columns:  # items of lists, 8 bytes at most
                declared = max(declared, 8 * chunk.num_values)
            if stored > self._blob.size and self._blob.compression is None:
                raise self._blob.error(
                    f"row group {group} declares {stored:,} bytes in a file of {self._blob.size:,}",
                    "the file is cut short: fetch or write it again",
                    column=chunk.path_in_schema,
                )
            if declared > max(RATIO_FREE, RATIO * stored):
                raise self._blob.error(
                    f"row group {group} declares {declared:,} bytes from {stored:,}",
                    "if that is meant, write the file again with smaller row groups",
                    column=chunk.path_in_schema,
                )


def _chunks(metadata: Any, columns: Collection[str]) -> Iterator[tuple[int, Any]]:
    """Row group and column chunk of the leaves of some columns; the other chunks stay untouched."""
    leaves = _leaves(metadata, columns)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for leaf in leaves:
            yield number, group.column(leaf)


def _leaves(metadata: Any, columns: Collection[str]) -> list[int]:
    names = set(columns)
    paths = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    return [index for index, path in enumerate(paths) if _within(path, names)]


def _within(path: str, names: set[str]) -> bool:
    """Whether a leaf such as ``tags.list.element`` belongs to one of some columns."""
    parts = path.split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


def _dictionary_bytes(bytes_: Any, chunk: Any) -> int:
    """Uncompressed size of a column chunk's dictionary page: no text in it can be longer.

    The size is in the page header, second field of a Thrift compact struct of integers.
    """
    if not chunk.has_dictionary_page:
        return 0
    start = chunk.dictionary_page_offset
    head = bytes_.read_at(32, chunk.data_page_offset if start is None else start)
    kind, at = _field(head, 0)
    size, _ = _field(head, at)
    if kind == _DICTIONARY_PAGE and size is not None:
        return size
    return int(chunk.total_uncompressed_size)


def _field(head: bytes, at: int) -> tuple[int | None, int]:
    """The next integer field of a Thrift compact struct, if it is that."""
    if at >= len(head) or head[at] != _NEXT_FIELD_I32:
        return None, at
    value, shift = 0, 0
    for position in range(at + 1, len(head)):
        value |= (head[position] & 0x7F) << shift
        shift += 7
        if head[position] < 0x80:
            return value >> 1, position + 1  # zigzag; sizes are not negative
    return None, at


def _joined(batches: list[Any]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
