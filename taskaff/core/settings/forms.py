"""Settings that are written otherwise than they are kept: ``2%``, ``60s``, ``all``, ``auto``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from taskaff.core.errors import UsageError
from taskaff.core.recipe import parse
from taskaff.core.settings.setting import Form

ALL_ROWS = 10**9
"""``target_rows`` of a probe whose targets train on all the rows that they have."""

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}


def seconds_of(value: Any) -> float:
    """``60``, ``60s``, ``5m`` or ``1h`` in seconds, above 0."""
    match = re.fullmatch(_NUMBER + "([smh]?)", str(value), re.ASCII)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if isinstance(value, bool) or not 0 < seconds < float("inf"):
        raise ValueError("expected a time such as 60s, 5m or 1h")
    return seconds


def margin_of(value: Any) -> tuple[float, Literal["loss", "relative"]]:
    """``0.01`` of loss, or ``2%`` of the single-task loss, not below 0."""
    match = re.fullmatch(_NUMBER + "(%?)", str(value), re.ASCII)
    if isinstance(value, bool) or match is None:
        raise ValueError("expected a loss such as 0.01, or a share such as 2%")
    return (float(match[1]) / 100, "relative") if match[2] else (float(match[1]), "loss")


def recipe_of(value: Any) -> str:
    """A recipe in its one spelling."""
    try:
        return str(parse(str(value)))
    except UsageError as error:
        raise ValueError(f"{error.found}; {error.hint}") from error


def _rows(value: Any) -> int:
    return ALL_ROWS if value == "all" else _count(value, "all or ")


def _batch_size(value: Any) -> int | None:
    return None if value == "auto" else _count(value, "auto or ")


def _seeds(value: Any) -> tuple[int, ...]:
    return tuple(range(_count(value)))


def _count(value: Any, beside: str = "") -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"expected {beside}a whole number above 0")
    return value


def _device(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise ValueError("expected auto, cpu, cuda, cuda:1 or mps")
    return value


def _path(value: Any) -> Path | None:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return Path(value).expanduser() if value else None


def _columns(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError("expected a column name or a list of column names")
    return tuple(names)


def _values(value: Any) -> tuple[str, ...]:
    """One word or number, or a list of them, as words."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        raise ValueError("expected a word or a number, or a list of them")
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)


def _one_or_list(item: dict[str, Any], **more: int) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, **more}]}


def _or_word(word: str) -> dict[str, Any]:
    return {"anyOf": [_COUNT, {"const": word}]}


AMOUNT = {"type": ["number", "string"]}
BATCH_SIZE = Form(_batch_size, _or_word("auto"))
COLUMNS = Form(_columns, _one_or_list(_TEXT, minItems=1))
DEVICE = Form(_device, _TEXT)
DURATION = Form(seconds_of, AMOUNT)
FILE = Form(_path, _TEXT)
MARGIN = Form(margin_of, AMOUNT, fields=("margin", "margin_unit"))
RECIPE = Form(recipe_of, _TEXT)
RECIPES = Form(lambda value: (recipe_of(value),), _TEXT)
ROWS = Form(_rows, _or_word("all"))
SEEDS = Form(_seeds, _COUNT, option=int)
VALUES = Form(_values, _one_or_list({"type": ["string", "number", "boolean"]}), option=list[str])
