"""Results to text and pictures: table, JSON, JSON lines, CSV, markdown. No decisions, no science.

A format is one module with ``render(result, options) -> Iterator[str]``, the pieces of the text in
order, and one line in ``FORMATS``. It takes a ``ScoreResult`` or a ``TaskInfo``; ``PROBE_FORMATS``
are the same formats of a ``ProbeResult``, which ``plot`` draws, too, and ``CHECK_FORMATS`` those of
a ``CheckResult``, with the ones that CI systems read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taskaff.core.errors import UsageError
from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.overlap import OverlapResult
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.registry import resolve
from taskaff.stages.report.options import ReportOptions

__all__ = [
    "CHECK_FORMATS",
    "CHECK_SUFFIXES",
    "FORMATS",
    "MATRICES",
    "PICTURES",
    "PROBE_FORMATS",
    "SUFFIXES",
    "ReportOptions",
    "matrices",
    "payload",
    "pieces",
    "plot",
    "render",
    "result_schema",
    "write_predictions",
]

Result = OverlapResult | ScoreResult | TaskInfo | ProbeResult | CheckResult

FORMATS: dict[str, str] = {
    "table": "taskaff.stages.report.as_table:render",
    "json": "taskaff.stages.report.as_json:render",
    "jsonl": "taskaff.stages.report.as_jsonl:render",
    "csv": "taskaff.stages.report.as_csv:render",
    "markdown": "taskaff.stages.report.as_markdown:render",
}

PROBE_FORMATS: dict[str, str] = {
    "table": "taskaff.stages.report.probe.as_table:render",
    "json": "taskaff.stages.report.probe.as_json:render",
    "jsonl": "taskaff.stages.report.probe.as_jsonl:render",
    "csv": "taskaff.stages.report.probe.as_csv:render",
    "markdown": "taskaff.stages.report.probe.as_markdown:render",
}

CHECK_FORMATS: dict[str, str] = {
    "table": "taskaff.stages.report.check.as_table:render",
    "json": "taskaff.stages.report.check.as_json:render",
    "jsonl": "taskaff.stages.report.check.as_jsonl:render",
    "csv": "taskaff.stages.report.check.as_csv:render",
    "markdown": "taskaff.stages.report.check.as_markdown:render",
    "junit": "taskaff.stages.report.check.as_junit:render",
    "sarif": "taskaff.stages.report.check.as_sarif:render",
    "github": "taskaff.stages.report.check.as_github:render",
}

OVERLAP_FORMATS: dict[str, str] = {
    "table": "taskaff.stages.report.overlap.formats:table",
    "json": "taskaff.stages.report.overlap.formats:as_json",
    "jsonl": "taskaff.stages.report.overlap.formats:as_jsonl",
    "csv": "taskaff.stages.report.overlap.formats:as_csv",
    "markdown": "taskaff.stages.report.overlap.formats:as_markdown",
}

PICTURES: dict[str, str] = {".png": "png", ".svg": "svg"}
"""File suffix to picture format, for ``-o FILE``."""

MATRICES = ".safetensors"
"""File suffix of the alignment matrices of a probe."""

SUFFIXES: dict[str, str] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".md": "markdown",
    ".txt": "table",
}
"""File suffix to format, for ``-o FILE``."""

CHECK_SUFFIXES: dict[str, str] = {**SUFFIXES, ".xml": "junit", ".sarif": "sarif"}
"""The same for a check."""


def pieces(result: Result, format: str, options: ReportOptions | None = None) -> Iterator[str]:
    """The text in pieces, for results too large to hold twice; unknown formats say what is near."""
    rendering: Iterator[str] = resolve("format", _formats(result), format)(
        result, options if options is not None else ReportOptions()
    )
    return rendering


def _formats(result: Result) -> dict[str, str]:
    if isinstance(result, CheckResult):
        return CHECK_FORMATS
    if isinstance(result, OverlapResult):
        return OVERLAP_FORMATS
    return PROBE_FORMATS if isinstance(result, ProbeResult) else FORMATS


def render(result: Result, format: str, options: ReportOptions | None = None) -> str:
    """The whole text, which ends with a line end (or is empty: no pair, no line of JSONL)."""
    return "".join(pieces(result, format, options))


def payload(result: Result) -> dict[str, Any]:
    """The JSON document as plain Python values: what parsing ``render(result, "json")`` gives."""
    import json

    found: dict[str, Any] = json.loads(render(result, "json"))
    return found


def plot(result: Result, format: str) -> bytes:
    """A picture of a probe: ``png`` or ``svg``."""
    if not isinstance(result, ProbeResult):
        raise UsageError("only a probe can be drawn", hint="write .json, .csv, .md or .txt")
    from taskaff.stages.report import plots

    return plots.plot(result, format)


def matrices(result: Result) -> bytes:
    """The alignment matrices of a probe, as a file of safetensors."""
    from taskaff.stages.report.probe import saved

    assert isinstance(result, ProbeResult)
    return saved.matrices(result)


def write_predictions(result: ProbeResult, path: Path) -> None:
    """What both arms of every comparison of a probe predict of its test rows, as Parquet."""
    from taskaff.stages.report.probe import saved

    saved.write_predictions(result, path)


def result_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the JSON documents: score, probe, check, inspection."""
    from taskaff.stages.report.schema import schema

    return schema()
