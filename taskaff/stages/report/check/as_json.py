"""One JSON document, laid out as that of a score: a key a line, a finding a line."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import CheckResult
from taskaff.stages.report.as_json import entries
from taskaff.stages.report.check.document import check_document
from taskaff.stages.report.options import ReportOptions


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The document; the options are for people and change nothing here."""
    yield "{\n" + ",\n".join(entries(check_document(result))) + "\n}\n"
