"""One number with its interval against one limit."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Level, Who
from taskaff.core.settings import CheckSettings, Limit

Pair = tuple[CheckedTask, CheckedTask, CheckedTask, CheckedTask]


def below(estimate: Estimate, limit: float) -> Level:
    """Level for a smallest allowed value: failed when all of the interval is below it.

    Undefined, or an interval that has the limit inside, is inconclusive.
    """
    if estimate.value is None:
        return "inconclusive"
    low, high = _ends(estimate)
    if low < limit <= high:
        return "inconclusive"
    return "failed" if estimate.value < limit else "passed"


def outside(estimate: Estimate, limit: Limit) -> Level:
    """Level for a largest allowed value: failed when all of the interval is above ``limit.fail``.

    Undefined, or an interval on both sides of ``limit.fail``, is inconclusive. ``limit.warn`` is
    compared with the value alone, since a warning decides nothing. A value that equals its limit
    keeps to it.
    """
    if estimate.value is None:
        return "inconclusive"
    low, high = _ends(estimate)
    if limit.fail is not None:
        if low > limit.fail:
            return "failed"
        if high > limit.fail:
            return "inconclusive"
    return "warned" if limit.warn is not None and estimate.value > limit.warn else "passed"


def _ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.value is not None
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return low, high


def directed_pairs(evidence: Evidence, settings: CheckSettings) -> Iterator[Pair]:
    """``(candidate, task, source, target)`` of every direction that counts."""
    for candidate in evidence.candidates:
        for task in evidence.mix:
            if settings.directions != "from-mix":
                yield candidate, task, candidate, task
            if settings.directions != "into-mix":
                yield candidate, task, task, candidate


def arrow(source: CheckedTask, target: CheckedTask) -> str:
    """Direction of a pair in words, for findings."""
    return f"{source.name} -> {target.name}"


def who_suffers(target: CheckedTask, candidate: CheckedTask) -> Who:
    """Name of whoever suffers from harm to the target: the newcomer or the mix."""
    return "newcomer" if target is candidate else "mix"


def too_small(settings: CheckSettings, *tasks: CheckedTask) -> bool:
    """Whether any of the data sets has too few rows to conclude anything."""
    return any(task.rows < settings.min_rows for task in tasks)


def span(estimate: Estimate, digits: int = 2) -> str:
    """``0.62 [0.57, 0.67]`` or the value alone."""
    if estimate.value is None:
        return "undefined"
    shown = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return shown
    return f"{shown} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
