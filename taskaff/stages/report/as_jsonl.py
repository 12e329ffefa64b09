"""One JSON object a line: what a result lists, in the shape that it has in the JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskaff.core.records.check import CheckResult
from taskaff.core.records.overlap import OverlapResult
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.stages.report.as_json import compact, objects
from taskaff.stages.report.documents import document, entry
from taskaff.stages.report.options import ReportOptions

LISTS: dict[type, tuple[str, ...]] = {
    ScoreResult: ("pairs",),
    ProbeResult: ("pairs", "capacity"),
    CheckResult: ("findings",),
    OverlapResult: ("rows",),
}
"""The keys whose entries are the lines; the first one that is not empty counts."""


def render(result: Any, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The lines; of an inspection, which lists nothing, the whole document."""
    if type(result) not in LISTS:
        yield compact(document(result)) + "\n"
        return
    lists = (objects(entry(result, key)) for key in LISTS[type(result)])
    for lines in next(filter(None, lists), ()):
        yield "\n".join(lines) + "\n"
