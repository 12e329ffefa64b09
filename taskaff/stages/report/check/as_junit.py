"""A check as JUnit XML: a suite for each candidate, a case for each finding.

failed is a ``failure``; inconclusive an ``error``, since the rule could not be decided, or what
``inconclusive`` says it counts as; waived is ``skipped``; warned passes and has ``system-out``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from taskaff.core.records.check import CheckResult
from taskaff.core.records.finding import Finding
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.options import ReportOptions

CONFIGURATION = "configuration"
OUTCOMES = {"pass": "skipped", "fail": "failure", None: "error"}
_SPACE = re.compile(r"[\s\u0085]")


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The document."""
    kinds = [_kind(result, finding) for finding in result.findings]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="taskaff check"{_counts(kinds)}>\n'
    names = [each.task.name for each in result.candidates]
    order = {name: n for n, name in enumerate((*names, ""))}
    ranked = sorted(result.findings, key=lambda finding: order.get(finding.candidate, len(order)))
    for name, findings in groupby(ranked, key=lambda finding: finding.candidate):
        yield from _suite(result, name or CONFIGURATION, list(findings))
    yield "</testsuites>\n"


def _suite(result: CheckResult, name: str, findings: Sequence[Finding]) -> Iterator[str]:
    kinds = [_kind(result, finding) for finding in findings]
    yield f"  <testsuite name={_attribute(name)}{_counts(kinds)}>\n"
    for finding, kind in zip(findings, kinds, strict=True):
        yield from _case(finding, kind, name)
    yield "  </testsuite>\n"


def _case(finding: Finding, kind: str, suite: str) -> Iterator[str]:
    head = f"    <testcase classname={_attribute('taskaff.' + suite)}"
    head += f' name={_attribute(words.title(finding))} time="0"'
    if kind == "passed":
        yield head + "/>\n"
        return
    text = "\n".join(escape(terminal(part)) for part in (words.line(finding), finding.hint) if part)
    yield head + ">\n"
    if kind == "system-out":
        yield f"      <system-out>{text}</system-out>\n"
    elif kind == "skipped":
        yield f"      <skipped message={_attribute(words.line(finding))}/>\n"
    else:
        yield f"      <{kind} type={_attribute(finding.rule)}"
        yield f" message={_attribute(finding.reason)}>{text}</{kind}>\n"
    yield "    </testcase>\n"


def _kind(result: CheckResult, finding: Finding) -> str:
    if finding.level == "inconclusive":
        return OUTCOMES[result.settings.inconclusive]
    kinds = {"failed": "failure", "waived": "skipped", "warned": "system-out"}
    return kinds.get(finding.level, "passed")


def _counts(kinds: Sequence[str]) -> str:
    counts = {
        "tests": len(kinds),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    return "".join(f' {name}="{count}"' for name, count in counts.items()) + ' time="0"'


def _attribute(text: str) -> str:
    """Untrusted text as an attribute; what XML cannot hold is made visible."""
    return quoteattr(terminal(_SPACE.sub(" ", text)))
