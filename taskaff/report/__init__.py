"""Results to text: table, JSON, JSON lines, CSV, markdown. No decisions, no science.

A format is one module with ``render(result, options) -> Iterator[str]``, the pieces of the text in
order, and one line in ``FORMATS``. It takes a ``ScoreResult`` or a ``TaskInfo``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskaff.records import ScoreResult, TaskInfo
from taskaff.registry import resolve
from taskaff.report.options import ReportOptions

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "ReportOptions",
    "payload",
    "pieces",
    "render",
    "result_schema",
]

FORMATS: dict[str, str] = {
    "table": "taskaff.report.as_table:render",
    "json": "taskaff.report.as_json:render",
    "jsonl": "taskaff.report.as_jsonl:render",
    "csv": "taskaff.report.as_csv:render",
    "markdown": "taskaff.report.as_markdown:render",
}

SUFFIXES: dict[str, str] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".md": "markdown",
    ".txt": "table",
}
"""File suffix to format, for ``-o FILE``."""


def pieces(
    result: ScoreResult | TaskInfo, format: str, options: ReportOptions | None = None
) -> Iterator[str]:
    """The text in pieces, for results too large to hold twice; unknown formats say what is near."""
    rendering: Iterator[str] = resolve("format", FORMATS, format)(
        result, options if options is not None else ReportOptions()
    )
    return rendering


def render(
    result: ScoreResult | TaskInfo, format: str, options: ReportOptions | None = None
) -> str:
    """The whole text, which ends with a line end (or is empty: no pair, no line of JSONL)."""
    return "".join(pieces(result, format, options))


def payload(result: ScoreResult | TaskInfo) -> dict[str, Any]:
    """The JSON document as plain Python values: what parsing ``render(result, "json")`` gives."""
    import json

    found: dict[str, Any] = json.loads(render(result, "json"))
    return found


def result_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the JSON documents: a score result or an inspection."""
    from taskaff.report.schema import schema

    return schema()
