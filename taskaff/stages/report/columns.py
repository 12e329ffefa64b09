"""Arrow columns of text, for the formats with a line a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.arrow import flat, string
from taskaff.stages.report.numbers import DIGITS

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints


def taken(column: pa.Array, rows: Ints) -> pa.Array:
    """The entries of ``column`` at ``rows (m,)``."""
    return pc.take(column, flat(rows))


def decimals(x: Floats, missing: str) -> pa.Array:
    """Numbers ``(m,)`` as their shortest decimals, with ``missing`` where one is not finite."""
    x = significant(x)
    numbers = flat(x)
    return pc.if_else(pc.is_nan(numbers), string(missing), pc.cast(numbers, pa.string()))


def joined(parts: Sequence[pa.Array | str], separator: str = "") -> pa.Array:
    """Columns and constants joined into one column."""
    scalars = [string(part) if isinstance(part, str) else part for part in (*parts, separator)]
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
