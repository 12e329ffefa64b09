"""How a record becomes a JSON object, said once: the writers and the JSON Schema both read it.

A record without a description stands in a document with all its fields, in their order. The types
and docstrings of its attributes become the schema's types and descriptions.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Annotated, Any

from taskaff.stages.report.numbers import rounded

Finite = Annotated[float, "never null"]
"""The type of a number that is always defined; any other number may be null in a document."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a JSON object."""

    name: str
    of: str | Callable[[Any], Any] = ""
    """Attribute that holds the value (``verdict.call``: of an attribute), or a function of the
    record; empty: the attribute of the same name."""
    type: Any = None
    """Type hint, or a piece of JSON Schema; None: the type of the attribute."""
    about: str = ""
    """Description; empty: the docstring of the attribute."""
    optional: bool = False
    """The schema does not require it, and it is left out where it is empty."""

    @property
    def attribute(self) -> str:
        """Where the value stands in the record; empty where it is computed."""
        return "" if callable(self.of) else self.of or self.name

    def value(self, record: Any) -> Any:
        """The value, before its own parts become JSON."""
        return self.of(record) if callable(self.of) else attrgetter(self.attribute)(record)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """The keys of a record's JSON object, in their order."""

    record: type
    keys: tuple[Key, ...]
    about: str = ""
    """Description; empty: the docstring of the record."""
    name: str = ""
    """Of a definition in the schema; empty: described wherever it occurs."""
    others: Any = None
    """Type of any further keys."""
    finite: bool = False
    """Numbers are never null."""


def described(
    record: type, *keys: Key | str, about: str = "", name: str = "", others: Any = None
) -> JsonObject:
    """A description; a plain word is a key of that name, and without any all fields are meant."""
    names = keys or tuple(field.name for field in fields(record))
    each = tuple(Key(key) if isinstance(key, str) else key for key in names)
    return JsonObject(record, each, about, name, others)


def settings(record: type, about: str = "") -> JsonObject:
    """The description of settings: every field, and no number is null."""
    return JsonObject(record, described(record).keys, about, finite=True)


def inside(json_object: JsonObject, attribute: str, prefix: str = "") -> tuple[Key, ...]:
    """The keys of a record that stands in ``attribute`` of another one, as keys of that one."""
    return tuple(Key(prefix + key.name, f"{attribute}.{key.attribute}") for key in json_object.keys)


def items(record: Any, known: Mapping[type, JsonObject]) -> Iterator[tuple[str, Any]]:
    """Keys and JSON values of a record, each computed when it is asked for."""
    json_object = known.get(type(record)) or described(type(record))
    for key in json_object.keys:
        value = key.value(record)
        if value or not key.optional:
            yield key.name, plain(value, known)


def plain(value: Any, known: Mapping[type, JsonObject]) -> Any:
    """A value as JSON has it: numbers of 12 digits, null for NaN, lists, objects, ISO dates."""
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, tuple | list):
        return [plain(each, known) for each in value]
    if isinstance(value, Mapping):
        return {key: plain(each, known) for key, each in value.items()}
    if isinstance(value, datetime.date):
        return value.isoformat()
    return dict(items(value, known)) if is_dataclass(value) else value
