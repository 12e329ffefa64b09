"""The result as one JSON document: a key a line, a task, a pair, a finding or a row a line.

``{"source", "target", "scores": {name: {"value", "low", "high", ...}}}`` is the shape of every
pair of a ``score``. Both directions are listed, and a score without direction stands in both, so
that one filter finds any score of any pair:
``jq '.pairs[] | select(.source == "a" and .target == "b")'``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from taskaff.stages.report.documents import entries
from taskaff.stages.report.escape import json_safe, json_text
from taskaff.stages.report.options import ReportOptions


def render(result: Any, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Pieces of the document; the options are for people and change nothing here."""
    lead = "{\n"
    for key, value in entries(result):
        yield f"{lead}  {json_text(key)}: "
        yield from _value(value)
        lead = ",\n"
    yield "\n}\n"


def _value(value: Any) -> Iterator[str]:
    """A list of objects one a line, anything else on the key's line."""
    blocks = objects(value)
    if blocks is None:
        yield compact(value)
        return
    lead = "[\n    "
    for lines in blocks:
        yield lead + ",\n    ".join(lines)
        lead = ",\n    "
    yield "[]" if lead.startswith("[") else "\n  ]"


def objects(value: Any) -> Iterator[list[str]] | None:
    """The objects of a list as text, in blocks; None where it is no list of objects."""
    if isinstance(value, Iterator):  # of many pairs, whose text was joined column by column
        return value
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return iter([[compact(each) for each in value]])
    return None


def compact(value: Any) -> str:
    """A value on one line."""
    return json_safe(json.dumps(value, ensure_ascii=False, allow_nan=False))
