"""One JSON document, laid out as that of a score: a key a line, a task and a pair a line."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.probe import ProbeResult
from taskaff.stages.report.as_json import entries
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.probe.document import probe_document


def render(result: ProbeResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The document; the options are for people and change nothing here."""
    yield "{\n" + ",\n".join(entries(probe_document(result))) + "\n}\n"
