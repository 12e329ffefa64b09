"""Numbers to text: shortest exact decimals for machines, few digits for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from taskaff.records import Estimate

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.records import Floats

DIGITS = 12
"""Significant digits in the formats for machines: below this, threads and BLAS builds differ."""

MISSING = "–"  # noqa: RUF001


def significant(x: Floats) -> Floats:
    """``x`` rounded to ``DIGITS`` significant digits, elementwise; NaN where not finite."""
    import numpy as np

    with np.errstate(all="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(x))))
        rounded = np.rint(x * scale) / scale
    # Zero and the smallest subnormal numbers have no finite scale.
    rounded = np.where(np.isfinite(rounded), rounded, x) + 0.0
    return np.where(np.isfinite(x), rounded, np.nan)


def rounded(x: float | None) -> float | None:
    """One number as :func:`significant` writes it; None where it is not finite."""
    if x is None or not math.isfinite(x):
        return None
    return float(f"{x:.{DIGITS - 1}e}") + 0.0


def decimal_text(x: Floats, missing: str) -> pa.Array:
    """Arrow strings of :func:`significant` numbers, with ``missing`` where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.array(significant(x), from_pandas=True)
    return pc.fill_null(pc.cast(numbers, pa.string()), missing)


def short(x: float | None) -> str:
    """About three significant digits, for people."""
    if x is None or not math.isfinite(x):
        return MISSING
    if x != 0 and (abs(x) < 0.0005 or abs(x) >= 100_000):
        return f"{x:.1e}"
    places = 0 if abs(x) >= 1000 else 1 if abs(x) >= 100 else 2 if abs(x) >= 0.1 else 3
    return f"{x:,.{places}f}" if x else "0"


def percent(share: float | None) -> str:
    """A share as a percentage, with digits where they matter."""
    if share is None or not math.isfinite(share):
        return MISSING
    if share and abs(share) < 0.0001:
        return "<0.01%" if share > 0 else short(share)
    places = 2 if 0 < abs(share) < 0.01 else 1 if abs(share) < 0.9995 and share else 0
    return f"{100 * share:.{places}f}%"


def count(x: float | None) -> str:
    """A number of rows."""
    return MISSING if x is None or not math.isfinite(x) else f"{x:,.0f}"


def interval(estimate: Estimate) -> str:
    """``[low, high]``, or nothing when there is none."""
    if estimate.low is None and estimate.high is None:
        return ""
    return f"[{short(estimate.low)}, {short(estimate.high)}]"


def with_interval(estimate: Estimate) -> str:
    """``0.87 [0.84, 0.90]``."""
    return f"{short(estimate.value)} {interval(estimate)}".rstrip()
