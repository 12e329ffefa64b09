"""A check as SARIF 2.1.0: a result for every finding that did not pass.

failed is an ``error``, warned a ``warning``; inconclusive has the kind ``open``, which the standard
has for a rule that could not be decided; waived is a suppressed result with its justification.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from taskaff.core.records.check import CheckResult
from taskaff.core.records.finding import Finding
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import json_safe, terminal
from taskaff.stages.report.options import ReportOptions

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
LEVELS = {"failed": "error", "warned": "warning", "inconclusive": "none"}


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """The document."""
    text = json.dumps(_log(result), indent=2, ensure_ascii=False, allow_nan=False)
    yield json_safe(text) + "\n"


def _log(result: CheckResult) -> dict[str, Any]:
    findings = [finding for finding in result.findings if finding.level != "passed"]
    rules = list(dict.fromkeys(finding.rule for finding in findings))
    sources = {each.task.name: each.task.source for each in result.candidates}
    driver = {
        "name": "taskaff",
        "version": result.environment.get("taskaff", "0"),
        "rules": [_rule(name) for name in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of the check."}}},
        "results": [
            _result(result, finding, rules.index(finding.rule), sources) for finding in findings
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    text = words.about(name)
    return {
        "id": name,
        "name": name,
        "shortDescription": {"text": f"taskaff check: {name}"},
        "fullDescription": {"text": text[:1].upper() + text[1:] + "."},
    }


def _result(
    result: CheckResult, finding: Finding, index: int, sources: dict[str, str]
) -> dict[str, Any]:
    lines = [words.line(finding), *words.explanation(result, finding)]
    level = finding.was if finding.level == "waived" else finding.level
    document: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "open" if level == "inconclusive" else "fail",
        "level": LEVELS.get(level, "warning"),
        "message": {"text": "\n".join(map(terminal, lines))},
        "locations": [_location(finding, sources.get(finding.candidate, ""))],
        "partialFingerprints": {"taskaffFinding/v1": _fingerprint(finding)},
    }
    if finding.level == "waived":
        justification = terminal(finding.waiver)
        document["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": justification}
        ]
    return document


def _fingerprint(finding: Finding) -> str:
    """The same for the same rule and pair, whatever the numbers are."""
    parts = [finding.rule, finding.candidate, finding.task, finding.direction]
    if not finding.candidate:
        parts.append(finding.reason)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _location(finding: Finding, source: str) -> dict[str, Any]:
    """The candidate's file, and the pair as a logical place; the configuration for the rest."""
    place: dict[str, Any] = {"artifactLocation": artifact(source or "taskaff.toml")}
    name = terminal(words.subject(finding)) or "configuration"
    return {
        "physicalLocation": {**place, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "module"}],
    }


def artifact(source: str) -> dict[str, str]:
    """A path or URL as a SARIF location: percent-encoded, relative to the folder of the check."""
    if "://" in source:
        scheme, _, rest = source.partition("://")
        valid = "".join(c for c in scheme if c.isascii() and (c.isalnum() or c in "+-."))
        return {"uri": f"{valid or 'file'}://{_quoted(rest)}"}
    path = Path(source)
    if path.is_absolute():
        return {"uri": "file://" + _quoted(PurePosixPath(path.as_posix()).as_posix())}
    return {"uri": _quoted(path.as_posix()), "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    """Percent-encoded UTF-8; bytes of a file name that are none come back as they were."""
    try:
        return quote(path.encode("utf-8", "surrogateescape"), safe="/")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return quote(path.encode("utf-8", "replace"), safe="/")
