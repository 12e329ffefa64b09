"""Arrow columns in the few types that the rest of the room knows.

Views, run ends, extension types, half floats and dictionaries of anything but strings are other
ways to store the same values: they are rewritten as the plain type while a batch is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.stages.data import classlabel
from taskaff.stages.data.reader import BATCH_BYTES, BATCH_ROWS, Column, unique, validate

_LISTS = (
    (pat.is_list, pa.list_),
    (pat.is_large_list, pa.large_list),
    (pat.is_list_view, pa.list_),
    (pat.is_large_list_view, pa.large_list),
)
ROWS_FREE = 100_000_000
ROWS_PER_BYTE = 800
"""Rows take a bit each before compression; a file that declares more than these is damaged."""


def columns_of(schema: pa.Schema, path: str) -> tuple[Column, ...]:
    """The columns of a file or table, in plain types; names that cannot be used are refused."""
    try:
        names = schema.names
    except UnicodeDecodeError as error:
        raise not_utf8(error, path) from error
    unique(names, path)
    return tuple(c._replace(type=plain_type(c.type)) for c in classlabel.columns_of(schema))


def not_utf8(error: UnicodeDecodeError, path: str) -> DataError:
    """Error for a column or field name that is not UTF-8."""
    return DataError(
        f"a column name is not UTF-8: {error.object[:60]!r}",
        where=Place(path),
        hint="write the file again with other names",
    )


def check_rows(rows: int, size: int, path: str) -> None:
    """Refuse a number of rows that ``size`` bytes cannot hold, such as nulls without end."""
    if rows > max(ROWS_FREE, ROWS_PER_BYTE * size):
        raise DataError(
            f"the file declares {rows:,} rows in {size:,} bytes",
            where=Place(path),
            hint="the file is damaged: fetch or write it again",
        )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that a column of ``kind`` has once it is read."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pat.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if pat.is_dictionary(kind):
        words = pat.is_string(kind.value_type) or pat.is_large_string(kind.value_type)
        return kind if words else plain_type(kind.value_type)
    for is_of, make in _LISTS:
        if is_of(kind):
            return make(_item(kind))
    if pat.is_fixed_size_list(kind):
        return pa.list_(_item(kind), kind.list_size)
    return _SCALARS.get(kind, kind)


_SCALARS = {
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
    pa.float16(): pa.float32(),
}


def _item(kind: pa.DataType) -> pa.DataType:
    """The plain type of a list's items; lists of lists and the like are refused as they are."""
    return kind.value_type if pat.is_nested(kind.value_type) else plain_type(kind.value_type)


def plain(array: pa.Array) -> pa.Array:
    """Column ``array`` in the type that ``plain_type`` gives for it; values unchanged."""
    kind, target = array.type, plain_type(array.type)
    if kind == target:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        return plain(array.storage)
    if pat.is_run_end_encoded(kind):
        values, picked = _runs(array)
        return plain(values).take(arrow.flat(picked))
    if pat.is_dictionary(kind):
        values = plain(array.dictionary)
        return pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()
    return array.cast(target)


def checked_pieces(batches: Iterable[pa.RecordBatch], path: str) -> Iterator[pa.RecordBatch]:
    """All rows that another program wrote, validated, as ``plain_pieces`` gives them."""
    row = 1
    for batch in batches:
        yield from plain_pieces(validate(batch, path, row))
        row += batch.num_rows


def plain_pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in plain types, cut into pieces of bounded rows and bytes."""
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield from _cut(batch.slice(start, BATCH_ROWS))


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    rows = batch.num_rows
    if rows > 1 and sum(spelled_bytes(array) for array in batch.columns) > BATCH_BYTES:
        yield from _cut(batch.slice(0, rows // 2))
        yield from _cut(batch.slice(rows // 2))
    elif rows:
        names = batch.schema.names
        yield pa.RecordBatch.from_arrays([plain(array) for array in batch.columns], names=names)


def spelled_bytes(array: pa.Array) -> int:
    """Estimate the bytes that the values take when each is written out.

    A text that is stored once may be shared by all rows of a dictionary, a run or a view.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return spelled_bytes(array.storage)
    if pat.is_dictionary(kind):
        held = arrow.array(array.indices)[~arrow.is_null(array.indices)]
        return _shared(array.dictionary, held)
    if pat.is_run_end_encoded(kind):
        return _shared(*_runs(array))
    if pat.is_string_view(kind) or pat.is_binary_view(kind):
        return int(_lengths(array).sum())
    if pat.is_list_view(kind) or pat.is_large_list_view(kind):
        items = arrow.array(pc.list_value_length(array))[~arrow.is_null(array)]
        each = array.values.nbytes / max(1, len(array.values))
        return int(items.sum() * each)
    return int(array.nbytes)


def _runs(array: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
    """The values of the runs that a slice touches, and which of them each row has."""
    first, count = array.find_physical_offset(), array.find_physical_length()
    ends = arrow.array(array.run_ends.slice(first, count)).astype(np.int64) - array.offset
    lengths = np.diff(np.minimum(ends, len(array)), prepend=0)
    return array.values.slice(first, count), np.repeat(np.arange(count), lengths)


def _shared(values: pa.Array, picked: NDArray[np.int64]) -> int:
    if values.type in _OF_BYTES:
        return int(_lengths(values)[picked].sum())
    return int(len(picked) * (values.nbytes / max(1, len(values))))


_OF_BYTES = (
    *(pa.string(), pa.large_string(), pa.string_view()),
    *(pa.binary(), pa.large_binary(), pa.binary_view()),
)


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    """Bytes of each text; 0 for nulls."""
    if pat.is_string_view(array.type) or pat.is_binary_view(array.type):
        views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)  # the length comes first
        lengths = views[array.offset : array.offset + len(array), 0].astype(np.int64)
    else:
        lengths = arrow.array(pc.binary_length(array)).astype(np.int64)
    lengths[arrow.is_null(array)] = 0
    return lengths
