"""Numbers to text: shortest exact decimals for machines, few digits for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from taskaff.core.records.estimate import Estimate

DIGITS = 12
"""Significant digits in the formats for machines: below this, threads and BLAS builds differ."""

BARS = "▁▂▃▄▅▆▇█"

MISSING = "–"  # noqa: RUF001


def rounded(x: float | None) -> float | None:
    """One number as the formats for machines write it; None where it is not finite."""
    if x is None or not math.isfinite(x):
        return None
    return float(f"{x:.{DIGITS - 1}e}") + 0.0


def short(x: float | None) -> str:
    """About three significant digits, for people, and never more than four decimals."""
    if x is None or not math.isfinite(x):
        return MISSING
    size = abs(x)
    if size >= 100_000:
        return f"{x:.1e}"
    # The least size, with room for rounding up, that still needs no further decimal.
    steps = ((999.5, 0), (99.5, 1), (0.0995, 2), (0.0005, 3))
    places = next((places for least, places in steps if size >= least), 4)
    return f"{x:,.{places}f}".removeprefix("-" if size < 0.00005 else "") if x else "0"


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
    """``[low, high]``, or nothing when there is none or the value is exact."""
    return _bounds(estimate, short)


def percent_interval(estimate: Estimate) -> str:
    """:func:`interval` of a share."""
    return _bounds(estimate, percent)


def _bounds(estimate: Estimate, text: Callable[[float | None], str]) -> str:
    if estimate.low is None and estimate.high is None:
        return ""
    if estimate.low == estimate.value == estimate.high:
        return ""
    return f"[{text(estimate.low)}, {text(estimate.high)}]"


def curve_bars(values: Sequence[float | None]) -> str:
    """Values as bars from the lowest to the highest."""
    known = [x for x in values if x is not None and math.isfinite(x)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        BARS[round((x - low) * scale)] if x is not None and math.isfinite(x) else " "
        for x in values
    )
