"""JSON documents: which keys a result has, of which the values and the JSON Schema are derived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskaff.stages.report.documents.common import COMMON
from taskaff.stages.report.documents.json_object import JsonObject, items, plain
from taskaff.stages.report.documents.probe import CHECK, PROBE
from taskaff.stages.report.documents.score import INSPECT, OVERLAP, SCORE

RESULTS = (SCORE[0], PROBE[0], CHECK[0], INSPECT[0], OVERLAP[0])
"""The documents themselves."""

OBJECTS: dict[type, JsonObject] = {
    found.record: found for found in (*COMMON, *SCORE, *PROBE, *CHECK, *INSPECT, *OVERLAP)
}


def entries(result: Any) -> Iterator[tuple[str, Any]]:
    """Keys and JSON values of a result, one after the other."""
    return items(result, OBJECTS)


def entry(result: Any, name: str) -> Any:
    """The JSON value of one key of a result."""
    key = next(key for key in OBJECTS[type(result)].keys if key.name == name)
    return plain(key.value(result), OBJECTS)


def document(record: Any) -> dict[str, Any]:
    """The JSON object of a record, as plain Python values."""
    values: dict[str, Any] = plain(record, OBJECTS)
    return values
