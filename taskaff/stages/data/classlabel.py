"""Names of class ids in the metadata that ``datasets`` writes into Arrow and Parquet schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from taskaff.core.errors import DataError, Place
from taskaff.stages.data.reader import Column

_KEY = b"huggingface"
_CLASS = "ClassLabel"
_LISTS = ("Sequence", "List", "LargeList")


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Top-level fields, with the names that a ``ClassLabel`` gives to their ids."""
    features = _features(schema.metadata or {})
    columns = []
    for field in schema:
        inside = _ids_of(features.get(field.name))
        columns.append(Column(field.name, field.type, inside.pop((), ()), inside))
    return tuple(columns)


def metadata(columns: Sequence[Column]) -> dict[bytes, bytes]:
    """What ``columns_of`` reads, of columns that have no objects."""
    features = {c.name: {"names": list(c.names), "_type": _CLASS} for c in columns if c.names}
    return {_KEY: json.dumps({"info": {"features": features}}).encode()} if features else {}


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    try:
        features = json.loads(metadata.get(_KEY, b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _ids_of(feature: Any) -> dict[tuple[str, ...], tuple[str, ...]]:
    try:
        return dict(_inside(feature, ()))
    except RecursionError:
        return {}


_Named = tuple[tuple[str, ...], tuple[str, ...]]
"""The path of a field, and the names of its ids."""


def _inside(feature: Any, path: tuple[str, ...]) -> Iterator[_Named]:
    """Every ``ClassLabel`` in a feature: alone, in lists, or in fields of an object."""
    if isinstance(feature, list) and len(feature) == 1:
        yield from _inside(feature[0], path)
    elif isinstance(feature, dict) and feature.get("_type") in _LISTS:
        yield from _inside(feature.get("feature"), path)
    elif isinstance(feature, dict) and isinstance(feature.get("_type"), str):
        names = feature.get("names")
        if feature["_type"] == _CLASS and isinstance(names, list) and names:
            yield path, tuple(map(str, names))
    elif isinstance(feature, dict):
        for name, field in feature.items():
            yield from _inside(field, (*path, name))


def agreed(named: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """One list of names for all files, given as path and names; the longest, if no two disagree.

    Raises
    ------
    DataError : two files that call an id by different names.
    """
    longest: tuple[str, tuple[str, ...]] = ("", ())
    for path, names in named:
        for number, (name, other) in enumerate(zip(names, longest[1], strict=False)):
            if name != other:
                raise DataError(
                    f"the ClassLabel names disagree: {number} is {name[:60]!r}, "
                    f"and {other[:60]!r} in {longest[0]}",
                    where=Place(path),
                    hint="write the labels as names, or cast all files to one ClassLabel with "
                    "datasets' cast_column",
                )
        if len(names) > len(longest[1]):
            longest = path, names
    if repeated := [name for name in longest[1] if longest[1].count(name) > 1]:
        raise DataError(
            f"the ClassLabel names repeat {repeated[0][:60]!r}",
            where=Place(longest[0]),
            hint="give each id a name of its own",
        )
    return longest[1]
