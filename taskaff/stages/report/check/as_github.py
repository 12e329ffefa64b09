"""A check as workflow commands of GitHub Actions: an annotation a finding that did not pass.

GitHub shows ten errors and ten warnings of a step, so the rest is counted in the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskaff.core.records.check import CheckResult
from taskaff.core.records.finding import Finding
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.options import ReportOptions

MOST = 10
"""Annotations of one kind that GitHub shows of a step."""

COMMANDS = {"failed": "error", "inconclusive": "warning", "warned": "warning", "waived": "notice"}


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The commands, a line each, and nothing else."""
    sources = {each.task.name: each.task.source for each in result.candidates}
    for command in ("error", "warning", "notice"):
        findings = [f for f in result.findings if COMMANDS.get(f.level) == command]
        yield from _commands(command, findings, sources)


def _commands(command: str, findings: Sequence[Finding], sources: dict[str, str]) -> Iterator[str]:
    shown = findings if len(findings) <= MOST else findings[: MOST - 1]
    for finding in shown:
        parts = (words.line(finding), finding.hint and f"next: {finding.hint}")
        text = "\n".join(terminal(part) for part in parts if part)
        properties = {"file": sources.get(finding.candidate, ""), "title": _title(finding)}
        yield line(command, text, properties)
    if left := len(findings) - len(shown):
        yield line(command, f"{left} more findings: see the result", {"title": "taskaff"})


def _title(finding: Finding) -> str:
    return f"taskaff: {words.title(finding)}"


def line(command: str, message: str, properties: dict[str, str]) -> str:
    """``::command file=...,title=...::message``, with everything escaped."""
    shown = ",".join(
        f"{name}={escape_property(terminal(value))}"
        for name, value in properties.items()
        if value and (name != "file" or _local(value))
    )
    return f"::{command} {shown}::{escape_data(message)}\n"


def _local(source: str) -> bool:
    return "://" not in source and source != "-" and not any(c in source for c in "*?[")


def escape_data(text: str) -> str:
    """The message of a command: percent signs and line ends."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A property of a command: colons and commas as well."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
