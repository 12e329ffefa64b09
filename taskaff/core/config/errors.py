"""From a validation error to one sentence, a hint, and the line of the file it is about."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from taskaff.core.registry import closest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Key = tuple[str | int, ...]
"""A dotted key: ``("embed", "encoder")``; integers count the entries of a list."""

RENAMED = {
    ("probe", "sampling"): 'recipe = "turns" (or "concat")',
    ("probe", "steps"): "updates, the cap of a run in updates of its target,",
}
"""Keys of earlier versions that meant something else, and what there is now."""

_SCHEMA = "taskaff schema config lists every key and what it takes"
_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "date_type": "a date such as 2027-03-01",
    "date_from_datetime_inexact": "a date such as 2027-03-01",
}


def complaint(detail: ErrorDetails) -> tuple[str, str, Key]:
    """What was found, the hint, and the key it is about."""
    key, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    if kind == "unknown":
        table, key = dotted(key), (*key, context["key"])
        renamed = RENAMED.get((table, context["key"]))
        hint = f"it is {renamed} now" if renamed else _meant(context["key"], context, table)
        return f"unknown key {dotted(key)!r}", hint, key
    if kind == "mix":
        problem = f"mix.datasets names {context['name']!r}, which no [datasets.*] declares"
        return problem, _meant(context["name"], context, ""), ("mix", "datasets")
    if key == ("version",):
        problem = f"version {detail['input']!r} is not known: this taskaff reads version 1"
        return problem, "write version = 1, or install the taskaff that wrote the file", key
    if kind == "missing":
        return f"{dotted(key[:-1])} lacks {key[-1]!r}", f"add {key[-1]} = ...", key
    shown = repr(detail["input"])
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    problem = f"{dotted(key)}: {_expected(detail)}, found {shown}"
    choices = re.findall(r"'(\w+)'", context.get("expected", ""))
    near = closest(str(detail["input"]), choices)
    return problem, f"did you mean {near!r}?" if near else _SCHEMA, key


def _expected(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    if kind == "literal_error":
        return f"expected {context['expected']}"
    if kind in ("too_short", "too_long"):
        return f"expected {context.get('min_length', context.get('max_length'))} entries"
    return detail["msg"].removeprefix("Input ").removeprefix("Value error, ")


def _meant(word: str, context: Mapping[str, Any], table: str) -> str:
    near = closest(word, context["known"])
    listing = ", ".join(context["known"]) or "nothing"
    where = f" in [{table}]" if table else ""
    return f"did you mean {near!r}? " * bool(near) + f"known{where}: {listing}"


def dotted(key: Key) -> str:
    """A key as it is written: ``datasets.sst.path``, ``waivers[0].pair``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


# ---------------------------------------------------------------------------- lines of the file

_HEADER = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*(#.*)?$")


def line_of(text: str, key: Key) -> int | None:
    """The line of ``key``, or of the nearest table around it; None when it cannot be told."""
    best, line = 0, None
    for number, path in _keys_by_line(text):
        if best < len(path) <= len(key) and key[: len(path)] == path:
            best, line = len(path), number
    return line


def _keys_by_line(text: str) -> Iterator[tuple[int, Key]]:
    table: Key = ()
    entries: Counter[Key] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = split_key(header[2])
            if header[1] == "[[":
                entries[table] += 1
                table = (*table, entries[table] - 1)
            yield number, table
        elif name := split_key(line.partition("=")[0]):
            yield number, (*table, *name)


def split_key(text: str) -> tuple[str, ...]:
    """The parts of a dotted TOML key, quoted or not; empty when it is no key."""
    try:
        value: Any = tomllib.loads(f"{text}=0")
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    parts: list[str] = []
    while isinstance(value, dict) and len(value) == 1:
        part, value = next(iter(value.items()))
        parts.append(part)
    return tuple(parts) if value == 0 else ()
