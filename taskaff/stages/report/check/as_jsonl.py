"""One JSON object a line: a finding, in the shape that it has in the JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator

from taskaff.core.records.check import CheckResult
from taskaff.stages.report.escape import json_safe
from taskaff.stages.report.findings import finding
from taskaff.stages.report.options import ReportOptions


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The lines, worst finding first."""
    for found in result.findings:
        yield json_safe(json.dumps(finding(found), ensure_ascii=False, allow_nan=False)) + "\n"
