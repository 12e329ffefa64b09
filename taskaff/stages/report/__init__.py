"""Results to text and pictures: table, JSON, JSON lines, CSV, markdown. No decisions, no science.

A format is one module with ``render(result, options) -> Iterator[str]``, the pieces of the text in
order, and one line in ``FORMATS``; it takes any result. ``CHECK_FORMATS`` has those of a check too,
which CI systems read. ``plot`` draws a probe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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
    "FORMATS",
    "MATRICES",
    "PICTURES",
    "Format",
    "ReportOptions",
    "matrices",
    "payload",
    "pieces",
    "plot",
    "render",
    "result_schema",
    "suffixes",
    "write_predictions",
]

Result = OverlapResult | ScoreResult | TaskInfo | ProbeResult | CheckResult


class Format(NamedTuple):
    """A format: what writes it, and the suffix of its files for ``-o``; empty without one."""

    writer: str
    suffix: str


FORMATS: dict[str, Format] = {
    "table": Format("taskaff.stages.report.as_table:render", ".txt"),
    "json": Format("taskaff.stages.report.as_json:render", ".json"),
    "jsonl": Format("taskaff.stages.report.as_jsonl:render", ".jsonl"),
    "csv": Format("taskaff.stages.report.as_csv:render", ".csv"),
    "markdown": Format("taskaff.stages.report.as_markdown:render", ".md"),
}

CHECK_FORMATS: dict[str, Format] = {
    **FORMATS,
    "junit": Format("taskaff.stages.report.check.as_junit:render", ".xml"),
    "sarif": Format("taskaff.stages.report.check.as_sarif:render", ".sarif"),
    "github": Format("taskaff.stages.report.check.as_github:render", ""),
}

PICTURES: dict[str, str] = {".png": "png", ".svg": "svg"}
"""File suffix to picture format, for ``-o FILE``."""

MATRICES = ".safetensors"
"""File suffix of the alignment matrices of a probe."""


def suffixes(formats: Mapping[str, Format]) -> dict[str, str]:
    """File suffix to format, for ``-o FILE``."""
    return {format.suffix: name for name, format in formats.items() if format.suffix}


def pieces(result: Result, format: str, options: ReportOptions | None = None) -> Iterator[str]:
    """The text in pieces, for results too large to hold twice; unknown formats say what is near."""
    known = CHECK_FORMATS if isinstance(result, CheckResult) else FORMATS
    writers = {name: format.writer for name, format in known.items()}
    rendering: Iterator[str] = resolve("format", writers, format)(
        result, options or ReportOptions()
    )
    return rendering


def render(result: Result, format: str, options: ReportOptions | None = None) -> str:
    """The whole text, which ends with a line end (or is empty: no pair, no line of JSONL)."""
    return "".join(pieces(result, format, options))


def payload(result: Result) -> dict[str, Any]:
    """The JSON document as plain Python values: what parsing ``render(result, "json")`` gives."""
    import json

    document: dict[str, Any] = json.loads(render(result, "json"))
    return document


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
    """JSON Schema (2020-12) of the JSON documents: score, probe, check, inspection, overlap."""
    from taskaff.stages.report.documents.schema import schema

    return schema()
