"""Tables and arrays of the calling program: Arrow tables, capsules, ``(X, y)`` pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place, TaskaffError, UsageError
from taskaff.stages.data.byte_source import Blob, spooled, temporary
from taskaff.stages.data.nested import flattened
from taskaff.stages.data.plain import checked_pieces, columns_of
from taskaff.stages.data.reader import BATCH_ROWS, PEEK_ROWS, Reader, arrow_errors, counting


class TableReader(Reader):
    """An Arrow table in memory."""

    def __init__(self, table: pa.Table, path: str) -> None:
        self._table, self._path = flattened(table, path), path
        self.columns = columns_of(self._table.schema, path)

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows, whatever the chunks."""
        head = self._table.select(list(columns)).slice(0, PEEK_ROWS).combine_chunks()
        for piece in checked_pieces(head.to_batches(), self._path):
            return piece
        return super().peek(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Validated pieces of the table."""
        if not columns:
            yield counting(self._table.num_rows)
            return
        batches = self._table.select(list(columns)).to_batches(BATCH_ROWS)
        with arrow_errors(self._path, "the table", "write its columns in plainer types"):
            yield from checked_pieces(batches, self._path)

    def sha256(self, columns: Sequence[str]) -> str:
        """SHA-256 of the used columns' values, whatever their chunks."""
        digest = hashlib.sha256()
        table = self._table.select(list(columns)).replace_schema_metadata(None)
        digest.update(str(table.schema).encode())
        for start in range(0, table.num_rows, BATCH_ROWS):
            part = table.slice(start, BATCH_ROWS).combine_chunks()
            for batch in part.to_batches():
                digest.update(batch.serialize())
        return digest.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self._table.nbytes)


def spool_stream(source: Any, path: str) -> Blob:
    """Copy an Arrow stream into a temporary file, since a stream can be read only once."""
    try:
        return _spooled(source, path)
    except TaskaffError:
        raise
    except Exception as error:  # whatever the program that makes the stream raises
        reason = (str(error).strip().splitlines() or [""])[0][:300]
        raise DataError(
            f"the table cannot be read as Arrow: {type(error).__name__}: {reason}",
            where=Place(path),
            hint="give each column one type and a name of its own, or pass an Arrow table",
        ) from error


def _spooled(source: Any, path: str) -> Blob:
    if isinstance(source, pa.RecordBatchReader):
        reader = source
    elif hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
    else:
        batches = iter(source.with_format("arrow").iter(batch_size=BATCH_ROWS))
        reader = _chained(batches, path)
    with temporary() as file, pa.ipc.new_stream(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    return spooled(file, path)


def _chained(tables: Iterator[Any], path: str) -> pa.RecordBatchReader:
    """Tables of a ``datasets.Dataset`` as one stream."""
    first = next(tables, None)
    if first is None:
        raise DataError("the data set has no rows", where=Place(path))

    def batches() -> Iterator[pa.RecordBatch]:
        yield from first.to_batches()
        for table in tables:
            yield from table.to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def pair_table(X: Any, y: Any) -> pa.Table:
    """Arrays ``X (n, d)`` (or ``n`` texts) and ``y (n,)`` or ``(n, c)`` or None as a table."""
    features = _column("X", X)
    columns = {"text" if pa.types.is_string(features.type) else "X": features}
    if y is not None:
        columns["y"] = _column("y", y)
        if len(columns["y"]) != len(features):
            raise UsageError(
                f"X has {len(features)} rows and y has {len(columns['y'])}",
                hint="pass arrays of the same length",
            )
    return pa.table(columns)


def _column(name: str, values: Any) -> pa.Array:
    if hasattr(values, "toarray"):
        raise UsageError(f"{name} is a sparse matrix", hint=f"pass {name}.toarray()")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:  # rows of unequal lengths, for example
        raise UsageError(
            f"{name} is no array: {str(error)[:200]}",
            hint=f"{name} must hold numbers, shape (n, d), or n strings",
        ) from error
    if array.ndim == 1 and array.dtype.kind in "USO":
        return _strings(name, array)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
        raise UsageError(
            f"{name} is an array of {array.dtype} with shape {array.shape}",
            hint=f"{name} must hold numbers, shape (n, d), or n strings",
        )
    if array.ndim == 1:
        if name == "X":
            raise UsageError("X has one dimension", hint="pass X of shape (n, d)")
        return arrow.flat(array)
    if array.shape[1] == 0:
        raise UsageError(f"{name} has no columns", hint=f"pass {name} of shape (n, d), d > 0")
    flat = arrow.flat(np.ascontiguousarray(array).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def _strings(name: str, array: Any) -> pa.Array:
    try:
        column = pa.array(array.tolist())
    except (pa.ArrowException, UnicodeError) as error:
        raise UsageError(f"{name} mixes types: {error}", hint="pass strings or numbers") from error
    if name == "X" and not pa.types.is_string(column.type):
        raise UsageError("X holds objects", hint="pass X as floats (n, d), or as n strings")
    return column
