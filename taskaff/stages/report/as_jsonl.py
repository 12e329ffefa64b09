"""One JSON object a line and pair, in the shape that ``pairs`` has in the JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator

from taskaff.core.records.data import TaskInfo
from taskaff.core.records.score import ScoreResult
from taskaff.stages.report.as_json import pair_lines
from taskaff.stages.report.document import inspect_document
from taskaff.stages.report.escape import json_safe
from taskaff.stages.report.options import ReportOptions


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """A line a pair and direction; of an inspection, the whole document on one line."""
    if isinstance(result, TaskInfo):
        yield json_safe(json.dumps(inspect_document(result), ensure_ascii=False)) + "\n"
        return
    for lines in pair_lines(result):
        yield "\n".join(lines) + "\n"
