"""All rules over all candidates, waivers applied, and the outcome."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from taskaff.core.records.check import (
    OUTCOMES,
    BaselineState,
    CandidateOutcome,
    CheckResult,
    Evidence,
    Outcome,
)
from taskaff.core.records.estimate import Call
from taskaff.core.records.finding import Finding
from taskaff.core.records.prediction import Prediction
from taskaff.core.settings import CheckSettings
from taskaff.stages.gate.answers import answer
from taskaff.stages.gate.baseline import Lock, compare, lock_text
from taskaff.stages.gate.ineffective_limits import ineffective
from taskaff.stages.gate.max_loss_increase import max_loss_increase
from taskaff.stages.gate.predictions import RULE as PREDICTED
from taskaff.stages.gate.predictions import probability_negative
from taskaff.stages.gate.rows import min_rows
from taskaff.stages.gate.scores import fail_under, overlap
from taskaff.stages.gate.waivers import apply

Rule = Callable[[Evidence, CheckSettings], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "min_rows": min_rows,
    "overlap": overlap,
    "probability_negative": probability_negative,
    "max_loss_increase": max_loss_increase,
    "fail_under": fail_under,
}
"""Every rule by its key of ``[check]``."""

ORDER = ("failed", "inconclusive", "warned", "waived", "passed")


def check(
    evidence: Evidence,
    settings: CheckSettings,
    today: datetime.date,
    baseline: tuple[str, Lock] | None = None,
) -> CheckResult:
    """Findings by every rule, those of the baseline (its path and content), and the outcome."""
    ruled = [finding for rule in RULES.values() for finding in rule(evidence, settings)]
    state, more = BaselineState(), list[Finding]()
    if baseline is not None:
        path, lock = baseline
        state, more = compare(lock, path, evidence, settings, ruled)
    result = decide(evidence, settings, today, [*ruled, *more])
    return replace(result, baseline=state, lock=lock_text(evidence, settings, ruled))


def decide(
    evidence: Evidence,
    settings: CheckSettings,
    today: datetime.date,
    findings: Sequence[Finding],
) -> CheckResult:
    """The findings with waivers applied, worst first, and the outcome of each candidate and all.

    Parameters
    ----------
    evidence : data sets, scores, predictions, measurements.
    settings : limits and waivers.
    today : the day that waivers are measured by.
    findings : of every rule and of the baseline.
    """
    applied = apply(findings, settings.waivers, evidence, today)
    applied += ineffective(settings)
    ranked = tuple(sorted(applied, key=lambda finding: ORDER.index(finding.level)))
    candidates = tuple(
        CandidateOutcome(task, worst(f for f in ranked if f.candidate == task.name))
        for task in evidence.candidates
    )
    return CheckResult(
        outcome=worst(ranked),
        candidates=candidates,
        answers=tuple(answer(evidence, each.task, each.outcome, ranked) for each in candidates),
        mix=evidence.mix,
        findings=ranked,
        predictions=_called(evidence.predictions, ranked),
        measured=evidence.measured,
        encoder=evidence.scores.encoder,
        settings=settings,
    )


CALLS: dict[str, Call] = {"failed": "negative", "inconclusive": "inconclusive"}


def _called(
    predictions: Sequence[Prediction], findings: Sequence[Finding]
) -> tuple[Prediction, ...]:
    """The predictions with verdicts by the limits of the gate, which are those of the findings."""
    levels = {f.direction: f.was or f.level for f in findings if f.rule == PREDICTED}
    ways = (f"{each.source} -> {each.target}" for each in predictions)
    return tuple(
        replace(each, verdict=CALLS.get(levels.get(way, ""), each.verdict))
        for each, way in zip(predictions, ways, strict=True)
    )


def worst(findings: Iterable[Finding]) -> Outcome:
    """The first of ``OUTCOMES`` among the levels; passed when there is none of them."""
    levels = {finding.level for finding in findings}
    return next((outcome for outcome in OUTCOMES if outcome in levels), "passed")
