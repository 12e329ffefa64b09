"""The answer on each candidate: its findings summed up in words.

Failed is *keep it apart*, inconclusive *undecided*; a candidate that passes is *no difference*
where everything was measured and lies within the probe's margin, and *add it* otherwise. So the
word and the outcome never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from taskaff.core.answers.words import effect
from taskaff.core.records.answer import Answer, Call
from taskaff.core.records.check import CheckedTask, Evidence, Outcome
from taskaff.core.records.finding import Finding
from taskaff.core.records.probe import PairOutcome
from taskaff.stages.gate.max_loss_increase import RULE as MEASURED
from taskaff.stages.gate.max_loss_increase import outcome_of
from taskaff.stages.gate.predictions import RULE as PREDICTED

MOST = 3
"""Reasons that are given; the findings have all of them."""
WHOLE = ("overlap", "min_rows", PREDICTED, MEASURED)
"""Rules whose reasons name the data sets that they are about."""
UNDECIDED = "undecided: "
CALLS: dict[Outcome, Call] = {"failed": "apart", "inconclusive": "undecided"}


def answer(
    evidence: Evidence, candidate: CheckedTask, outcome: Outcome, findings: Sequence[Finding]
) -> Answer:
    """Answer on a candidate, from its findings, worst first, and their outcome."""
    own = [finding for finding in findings if finding.candidate == candidate.name]
    if outcome in CALLS:
        deciding = [finding for finding in own if finding.level == outcome]
        command = next((each.command for each in deciding if each.command), "")
        return Answer(candidate.name, CALLS[outcome], _shortened(map(_why, deciding)), command)
    measured = list(_measured(evidence, candidate, own))
    same = bool(measured) and all(pair.verdict.call == "neutral" for _, pair in measured)
    reasons = _shortened([*_accepted(own), *_effects(measured), *_within_limits(own)])
    return Answer(candidate.name, "same" if same else "add", reasons)


def _measured(
    evidence: Evidence, candidate: CheckedTask, own: Sequence[Finding]
) -> Iterator[tuple[str, PairOutcome]]:
    """Name and measured outcome of each task with a finding; the largest gain first."""
    result = evidence.measured.get(candidate.name)
    outcomes = []
    for finding in own:
        pair = outcome_of(result, finding.task or candidate.name)
        if finding.rule == MEASURED and pair is not None:
            outcomes.append((finding.task or f"{candidate.name} in the mix", pair))
    yield from sorted(outcomes, key=lambda each: -(each[1].gain.mean or 0.0))


def _effects(measured: Iterable[tuple[str, PairOutcome]]) -> Iterator[str]:
    for name, pair in measured:
        yield f"{name} {effect(pair)}"


def _accepted(own: Sequence[Finding]) -> Iterator[str]:
    """What was waived, and what warns."""
    for finding in own:
        if finding.level == "waived":
            yield f"accepted by a waiver: {_why(finding)}"
    for finding in own:
        if finding.level == "warned":
            yield _why(finding)


def _within_limits(own: Sequence[Finding]) -> Iterator[str]:
    """Reasons on rules that passed: the largest number of each rule on pairs, and its limit."""
    for rule in (PREDICTED, "overlap"):
        passed = [
            each for each in own if each.rule == rule and each.level == "passed" and each.value
        ]
        if passed:
            yield _why(max(passed, key=lambda each: each.value or 0.0))
    if not any(each.rule in (PREDICTED, MEASURED) for each in own):
        yield "no limit on its effects is set"


def _why(finding: Finding) -> str:
    reason = finding.reason.removeprefix(UNDECIDED)
    if finding.rule in WHOLE:
        return reason
    return f"{finding.direction or finding.candidate}: {reason}"


def _shortened(reasons: Iterable[str]) -> tuple[str, ...]:
    """Each reason once, and how many are left out."""
    each = list(dict.fromkeys(reasons))
    left = len(each) - MOST
    return (*each[:MOST], f"and {left:,} more reasons") if left > 0 else tuple(each)
