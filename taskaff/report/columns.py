"""NumPy and Python values as Arrow columns of text.

``pa.array`` and Python strings in ``pyarrow.compute`` calls import pandas wherever it is installed,
which takes longer than writing a result: the columns are made of their buffers instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.report.numbers import DIGITS

if TYPE_CHECKING:
    from taskaff.records import Floats, Ints


def texts(values: Sequence[str]) -> pa.Array:
    """Strings as a column; they are escaped already and hold no lone surrogate."""
    encoded = [value.encode("utf-8") for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def constant(value: str) -> pa.Scalar:
    """One string for a whole column."""
    return texts([value])[0]


def taken(column: pa.Array, rows: Ints) -> pa.Array:
    """The entries of ``column`` at ``rows (m,)``."""
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    indices = pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows)])
    return pc.take(column, indices)


def decimals(x: Floats, missing: str) -> pa.Array:
    """Numbers ``(m,)`` as their shortest decimals, with ``missing`` where one is not finite."""
    x = significant(x)
    numbers = pa.Array.from_buffers(pa.float64(), len(x), [None, pa.py_buffer(x)])
    return pc.if_else(pc.is_nan(numbers), constant(missing), pc.cast(numbers, pa.string()))


def joined(parts: Sequence[pa.Array | str], separator: str = "") -> pa.Array:
    """Columns and constants joined into one column."""
    scalars = [constant(part) if isinstance(part, str) else part for part in (*parts, separator)]
    return pc.binary_join_element_wise(*scalars)


def significant(x: Floats) -> Floats:
    """``x`` rounded to ``DIGITS`` significant digits, elementwise; NaN where not finite."""
    x = np.ascontiguousarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(x))))
        rounded = np.rint(x * scale) / scale
    # Zero and the extremes have no finite scale; adding 0 drops the sign of zero.
    rounded = np.where(np.isfinite(rounded), rounded, x) + 0.0
    return np.where(np.isfinite(x), rounded, np.nan)
