"""Values of the configuration that are written with a unit: ``2%``, ``60s``."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic_core import PydanticCustomError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"


def seconds_of(value: Any) -> float:
    """``60``, ``60s``, ``5m`` or ``1h`` in seconds, above 0."""
    match = re.fullmatch(_NUMBER + "([smh]?)", str(value), re.ASCII)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if isinstance(value, bool) or not 0 < seconds < float("inf"):
        raise PydanticCustomError("duration", "expected a time such as 60s, 5m or 1h")
    return seconds


def margin_of(value: Any) -> tuple[float, Literal["loss", "relative"]]:
    """``0.01`` of loss, or ``2%`` of the single-task loss, not below 0."""
    match = re.fullmatch(_NUMBER + "(%?)", str(value), re.ASCII)
    if isinstance(value, bool) or match is None:
        raise PydanticCustomError("margin", "expected a loss such as 0.01, or a share such as 2%")
    return (float(match[1]) / 100, "relative") if match[2] else (float(match[1]), "loss")
