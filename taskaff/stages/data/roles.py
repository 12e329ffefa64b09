"""Which types a column may have as a text, label, feature, vector or split: one table.

Types are plain ones (``plain.plain_type``). A column is checked before any of its values is read.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.types as pat

from taskaff.core.errors import DataError, Place
from taskaff.stages.data.reader import Column

Role = Literal["text", "label", "labels", "feature", "vector", "split"]
"""``label`` is the only column of labels, ``labels`` one of several."""

_SCALARS = (
    ("truth", (pat.is_boolean,)),
    ("integers", (pat.is_integer,)),
    ("floats", (pat.is_floating,)),
    ("decimals", (pat.is_decimal,)),
    ("words", (pat.is_string, pat.is_large_string)),
    ("nothing", (pat.is_null,)),
    ("bytes", (pat.is_binary, pat.is_large_binary, pat.is_fixed_size_binary)),
    ("times", (pat.is_temporal, pat.is_interval)),
    ("maps", (pat.is_map,)),
    ("structs", (pat.is_struct, pat.is_union)),
)
_NUMBERS = ("integers", "floats", "decimals")
_VALUES = ("truth", *_NUMBERS, "words", "nothing")


class _Line(NamedTuple):
    """What a role accepts, the option that names its column, and what that column may hold."""

    families: frozenset[str]
    option: str
    needed: str


TABLE: dict[Role, _Line] = {
    "text": _Line(frozenset(_VALUES), "--text", "strings or numbers"),
    "label": _Line(
        frozenset(_VALUES)
        | {"lists of integers", "lists of words", "lists of nothing", "rows of truth"}
        | {f"rows of {numbers}" for numbers in _NUMBERS},
        "--label",
        "strings, numbers, truth values or lists of names",
    ),
    "labels": _Line(frozenset(_VALUES), "--label", "one number a row"),
    "feature": _Line(frozenset(("truth", *_NUMBERS)), "--text", "numbers"),
    "vector": _Line(
        frozenset(f"{shape} of {numbers}" for shape in ("lists", "rows") for numbers in _NUMBERS)
        | {"lists of nothing"},
        "--text",
        "lists of numbers",
    ),
    "split": _Line(frozenset({"words"}), "--split-column", "strings: train, validation or test"),
}
"""The families that each role accepts. Lists have any length, rows one fixed length."""

_ADVICE = {
    "bytes": "write it as UTF-8 strings: column.cast('string')",
    "times": "write it as strings or as numbers",
    "maps": "write the value that is meant as a column of its own",
    "structs": "write the field that is meant as a column of its own",
    "lists of words": "write the words of a row as one string",
    "lists of floats": "write rows of one length (fixed_size_list), or a column for each number",
    "lists of decimals": "write rows of one length (fixed_size_list), or a column for each number",
    "lists of truth": "write rows of one length (fixed_size_list), or a column for each label",
    "rows of words": "write lists of any length: column.cast('list<string>')",
}


def family(kind: pa.DataType) -> str:
    """What a plain type holds: ``words``, ``lists of floats`` …"""
    if pat.is_dictionary(kind):
        kind = kind.value_type
    if pat.is_list(kind) or pat.is_large_list(kind):
        return f"lists of {family(kind.value_type)}"
    if pat.is_fixed_size_list(kind):
        return f"rows of {family(kind.value_type)}"
    return next((name for name, tests in _SCALARS if any(t(kind) for t in tests)), "others")


def fits(kind: pa.DataType, role: Role) -> bool:
    """Whether a column of a plain type can have a role."""
    return family(kind) in TABLE[role].families


def check(column: Column, role: Role, path: str) -> None:
    """Raise ``DataError`` for a column whose type the role does not accept, with what to do."""
    if fits(column.type, role):
        return
    advice = _ADVICE.get(family(column.type))
    other = f"{TABLE[role].option} COL with a column of {TABLE[role].needed}"
    raise DataError(
        f"{role.removesuffix('s')} column {column.name!r} holds {shown(column.type)}",
        where=Place(path, column=column.name),
        hint=f"{advice}, or {other}" if advice else other,
    )


def shown(kind: pa.DataType) -> str:
    """A type for a message: one line, and not longer than that."""
    try:
        words = " ".join(str(kind).split())
    except UnicodeDecodeError:
        return "a type with a field name that is not UTF-8"
    return words if len(words) <= 80 else f"{words[:79]}…"
