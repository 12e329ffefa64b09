"""Names of class ids in the metadata that ``datasets`` writes into Arrow and Parquet schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from taskaff.data.reader import Column
from taskaff.errors import DataError, Place

_KEY = b"huggingface"


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Top-level fields, with the names that a ``ClassLabel`` gives to their ids."""
    features = _features(schema.metadata or {})
    return tuple(Column(f.name, f.type, _names(features.get(f.name))) for f in schema)


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    try:
        found = json.loads(metadata.get(_KEY, b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(feature: Any) -> tuple[str, ...]:
    """Names of a ``ClassLabel``, or of a sequence or list of them."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return ()
    if feature.get("_type") in ("Sequence", "List", "LargeList"):
        return _names(feature.get("feature"))
    names = feature.get("names")
    known = feature.get("_type") == "ClassLabel" and isinstance(names, list)
    return tuple(map(str, names)) if known and names else ()


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
