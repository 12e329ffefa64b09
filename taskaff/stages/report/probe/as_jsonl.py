"""One JSON object a line: a pair and arm, or the curve of a model where there are no pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from taskaff.core.records.probe import ProbeResult
from taskaff.stages.report.escape import json_safe
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.probe.document import rows


def render(result: ProbeResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The lines, in the shape that ``pairs`` or ``capacity`` has in the JSON document."""
    for row in rows(result):
        yield json_safe(json.dumps(row, ensure_ascii=False, allow_nan=False)) + "\n"
