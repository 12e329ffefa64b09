"""Conversion between Arrow and NumPy without a detour through pandas.

``pa.array``, ``Array.to_numpy`` and Python scalars in ``pyarrow.compute`` calls import pandas when
it is installed, which costs more than reading a small data set does. These do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pat
from numpy.typing import NDArray


def strings(values: Iterable[str | None]) -> pa.Array:
    """Python strings as an Arrow array."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def string(value: str) -> pa.Scalar:
    """One Arrow string."""
    return strings([value])[0]


def flags(mask: NDArray[np.bool_]) -> pa.Array:
    """A mask ``(n,)`` as an Arrow array, for ``filter``."""
    bits = np.packbits(mask, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(bits)])


def flat(values: NDArray[Any]) -> pa.Array:
    """Numbers ``(n,)`` as an Arrow array, without a copy (booleans and odd layouts excepted)."""
    if values.dtype.kind == "b":
        return flags(values)
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def array(values: pa.Array) -> NDArray[Any]:
    """Numbers or truth values ``(n,)`` as NumPy; values under nulls are arbitrary."""
    count, offset = len(values), values.offset
    buffer = values.buffers()[1]
    if buffer is None or count == 0:
        return np.zeros(count, dtype=_dtype(values.type))
    if pat.is_boolean(values.type):
        packed = np.frombuffer(buffer, np.uint8)[offset // 8 : (offset + count + 7) // 8]
        bits = np.unpackbits(packed, bitorder="little")
        return bits[offset % 8 : offset % 8 + count].astype(np.bool_)
    dtype = _dtype(values.type)
    return np.frombuffer(buffer, dtype, count=count, offset=offset * dtype.itemsize)


def integers(values: pa.Array) -> NDArray[np.int64]:
    """Whole numbers or truth values without nulls as int64 ``(n,)``."""
    return array(values).astype(np.int64)


def _dtype(kind: pa.DataType) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return dtype


def is_null(values: pa.Array) -> NDArray[np.bool_]:
    """Rows that are null; a fresh array."""
    if values.null_count == 0:
        return np.zeros(len(values), dtype=np.bool_)
    return np.array(array(values.is_null()), dtype=np.bool_)
