"""``--fail-under SCORE=VALUE``: every pair passes, fails or is inconclusive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from taskaff.errors import UsageError
from taskaff.records import Estimate, ScoreResult
from taskaff.registry import unknown_name

Mapped = Literal["pass", "fail"]


class Verdict(IntEnum):
    """Ordered: the worst verdict of the pairs is that of the run."""

    passed = 0
    inconclusive = 1
    failed = 2


EXIT_CODES = {Verdict.passed: 0, Verdict.failed: 1, Verdict.inconclusive: 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """One pair against one limit."""

    score: str
    pair: str
    estimate: Estimate
    limit: float
    verdict: Verdict

    def __str__(self) -> str:
        value, low, high = self.estimate.value, self.estimate.low, self.estimate.high
        if value is None:
            shown = f"undefined ({self.estimate.note or 'no reason given'})"
        else:
            shown = f"{value:.4g}"
            if low is not None and high is not None:
                shown += f" [{low:.4g}, {high:.4g}]"
        return f"{self.verdict.name}: {self.score} of {self.pair} is {shown}, limit {self.limit:g}"


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


def findings(result: ScoreResult, limits: dict[str, float]) -> list[Finding]:
    """Every pair against every limit; nothing to check is an error, not a pass."""
    found = []
    for name, limit in limits.items():
        table = result.tables.get(name)
        for i, j in result.pairs(table.directed) if table else ():
            estimate = table.at(i, j)  # type: ignore[union-attr]
            arrow = " → " if table.directed else " and "  # type: ignore[union-attr]
            pair = result.names[i] + arrow + result.names[j]
            found.append(Finding(name, pair, estimate, limit, judge(estimate, limit)))
    if limits and not found:
        raise UsageError("--fail-under has nothing to check", hint="name at least two data sets")
    return found


def judge(estimate: Estimate, limit: float) -> Verdict:
    """Below the limit fails; undefined, or an interval on both sides of it, is inconclusive."""
    if estimate.value is None:
        return Verdict.inconclusive
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    if low < limit <= high:
        return Verdict.inconclusive
    return Verdict.failed if estimate.value < limit else Verdict.passed


def exit_code(found: Iterable[Finding], inconclusive: Mapped | None, exit_zero: bool) -> int:
    """The exit code of a run that was not broken."""
    return mapped(overall(found).name, inconclusive, exit_zero)


def mapped(outcome: str, inconclusive: Mapped | None, exit_zero: bool) -> int:
    """The exit code of an outcome; a warning passes."""
    if outcome == "inconclusive" and inconclusive:
        outcome = "passed" if inconclusive == "pass" else "failed"
    return 0 if exit_zero else EXIT_CODES[Verdict["passed" if outcome == "warned" else outcome]]


def overall(found: Iterable[Finding]) -> Verdict:
    """The worst of the verdicts."""
    return max((finding.verdict for finding in found), default=Verdict.passed)


def summary(found: Sequence[Finding]) -> str:
    """The verdict of the run in one line."""
    counts = {verdict: 0 for verdict in sorted(Verdict, reverse=True)}
    for finding in found:
        counts[finding.verdict] += 1
    parts = ", ".join(f"{count} {verdict.name}" for verdict, count in counts.items() if count)
    return f"{overall(found).name}: {parts} of {len(found)} checks"
