"""``--fail-under SCORE=VALUE`` of ``taskaff score``, judged by the gate; outcomes to exit codes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from taskaff.core.errors import UsageError
from taskaff.core.records.finding import Finding
from taskaff.core.records.score import ScoreResult
from taskaff.core.registry import unknown_name

Mapped = Literal["pass", "fail"]
EXIT_CODES = {"passed": 0, "warned": 0, "failed": 1, "inconclusive": 3}


def parse_limits(
    texts: Iterable[str], known: Iterable[str], chosen: Sequence[str]
) -> dict[str, float]:
    """``SCORE=VALUE`` texts by score; ``chosen`` are the scores of the run (empty: all)."""
    limits: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        limit = _number(number)
        if not equals or limit is None:
            hint = "for example --fail-under covariance_alignment=0.5"
            raise UsageError(f"--fail-under takes SCORE=VALUE, found {text!r}", hint=hint)
        if name not in known:
            raise unknown_name("score", name, known)
        if name in limits:
            raise UsageError(f"--fail-under {name} is given twice", hint="leave one out")
        if chosen and name not in chosen:
            hint = f"--scores {','.join([*chosen, name])}"
            raise UsageError(f"--fail-under {name}, but --scores leaves it out", hint=hint)
        limits[name] = limit
    return limits


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def judged(result: ScoreResult, limits: Mapping[str, float]) -> ScoreResult:
    """The result with the findings of the gate's own rule on every pair and limit.

    Raises
    ------
    UsageError : there are limits and nothing to check, which is no pass.
    """
    from taskaff.stages.gate import score_findings

    findings = score_findings(result, limits)
    if limits and not findings:
        raise UsageError("--fail-under has nothing to check", hint="name at least two data sets")
    return replace(result, findings=tuple(findings))


def mapped(outcome: str, inconclusive: Mapped | None, exit_zero: bool) -> int:
    """The exit code of an outcome; a warning passes."""
    if outcome == "inconclusive" and inconclusive:
        outcome = "passed" if inconclusive == "pass" else "failed"
    return 0 if exit_zero else EXIT_CODES[outcome]


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings that did not pass, a line each, and the verdict of the run."""
    from taskaff.stages.report.check.words import line

    for finding in findings:
        if finding.level != "passed":
            yield line(finding)
    yield summary(findings)


def summary(findings: Sequence[Finding]) -> str:
    """The verdict of the run in one line."""
    from taskaff.stages.gate import worst

    levels = [finding.level for finding in findings]
    counts = ((level, levels.count(level)) for level in ("failed", "inconclusive", "passed"))
    parts = ", ".join(f"{count} {level}" for level, count in counts if count)
    return f"{worst(findings)}: {parts} of {len(findings)} checks"
