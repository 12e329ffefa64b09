"""One row a finding. An undefined number is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from taskaff.core.records.check import CheckResult
from taskaff.stages.report.escape import csv_cell
from taskaff.stages.report.findings import finding
from taskaff.stages.report.options import ReportOptions

COLUMNS = (
    *("level", "rule", "candidate", "task", "direction"),
    *("value", "low", "high", "threshold", "was", "waiver", "reason", "hint", "who"),
)


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Header and rows."""
    header, rows = table(result)
    yield _line(header)
    yield from map(_line, rows)


def table(result: CheckResult) -> tuple[Sequence[str], Iterator[list[Any]]]:
    """Names of the columns, and their values row by row."""
    documents = map(finding, result.findings)
    return COLUMNS, ([document[name] for name in COLUMNS] for document in documents)


def _line(cells: Sequence[Any]) -> str:
    return ",".join(map(_cell, cells)) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return csv_cell(value)
    return "" if value is None else str(value)
