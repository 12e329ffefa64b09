"""Numbers between Arrow and numpy without a copy.

``pa.array`` and ``Array.to_numpy`` import pandas where it is installed, which takes longer than
embedding 100,000 rows; buffers and DLPack do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from taskaff.records import Ints


def integers(array: pa.Array) -> Ints:
    """An Arrow array of integers or truth values without nulls as int64 ``(n,)``."""
    if not len(array):
        return np.zeros(0, np.int64)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    return np.from_dlpack(array).astype(np.int64)


def places(rows: Ints) -> pa.Array:
    """Row numbers as Arrow's ``take`` wants them."""
    data = np.ascontiguousarray(rows, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])
