"""Numbers with intervals, and the verdict on a gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its interval, and the reason when it has none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


Call = Literal["positive", "negative", "neutral", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean over seeds with its t interval; None where fewer than two seeds gave a number."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    stderr: float | None = None
    """Over seeds."""
    n: int = 0
    fixed: float | None = None
    """Standard error that no seed shrinks, of the finite rows; ``low`` and ``high`` contain it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The call and the reason, in words."""

    call: Call
    reason: str
