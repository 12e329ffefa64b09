"""``max_loss_increase``: what the probe measured on the mix, with the candidate and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

from taskaff.core.answers.words import MINUS, in_metric
from taskaff.core.recipe import SHARE
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Finding, Level
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.core.settings import CheckSettings, Limit
from taskaff.stages.gate.commands import SMALLER_SHARE, probe
from taskaff.stages.gate.limits import outside, who_suffers

ARM = "mix"
RULE = "max_loss_increase"
MORE_SEEDS = 40


@dataclass(frozen=True, slots=True)
class _Case:
    """One task of one candidate's probe, against its limit."""

    candidate: CheckedTask
    task: CheckedTask
    result: ProbeResult
    pair: PairOutcome | None
    increase: Estimate
    limit: float

    @property
    def own(self) -> bool:
        """Whether the task is the newcomer itself."""
        return self.task is self.candidate


def max_loss_increase(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """One finding for each task that the candidate joins, and one for the candidate itself.

    The increase is relative: the loss with the candidate over that without it, minus one; for the
    candidate, the loss in the mix over that alone. Failed when all of its interval is above the
    limit, inconclusive when the limit is inside. Of a task that is nearly solved any change is a
    large share, so that no limit is below ``settings.margin`` over the loss.
    """
    for candidate in evidence.candidates:
        result = evidence.measured.get(candidate.name)
        for task in _tasks_at_risk(candidate, evidence, settings) if result is not None else ():
            limit = limit_of(settings, newcomer=task is candidate)
            if limit is not None and result is not None:
                yield _finding(_case(candidate, task, result, limit, settings.margin), settings)


def limit_of(settings: CheckSettings, newcomer: bool) -> float | None:
    """Limit on the relative loss increase of the newcomer, or of a task of the mix."""
    own = settings.newcomer_max_loss_increase if newcomer else None
    return settings.max_loss_increase if own is None else own


def increase(pair: PairOutcome) -> Estimate:
    """Relative increase of the held-out loss, with the interval over seeds."""
    base, gain = pair.stl_loss, pair.gain
    if not base or base <= 0 or gain.mean is None:
        return Estimate(None, note=pair.verdict.reason)
    if gain.low is None or gain.high is None:
        return Estimate(None, note="an interval needs at least two seeds")
    return Estimate(-gain.mean / base, -gain.high / base, -gain.low / base)


def outcome_of(result: ProbeResult | None, task: str) -> PairOutcome | None:
    """Outcome of one task in the probe of a candidate; None where it was not measured."""
    pairs = result.pairs if result else ()
    return next((pair for pair in pairs if pair.target == task and pair.arm == ARM), None)


def _tasks_at_risk(
    candidate: CheckedTask, evidence: Evidence, settings: CheckSettings
) -> Iterator[CheckedTask]:
    if settings.directions != "from-mix":
        yield from evidence.mix
    if settings.directions != "into-mix":
        yield candidate


def _case(
    candidate: CheckedTask, task: CheckedTask, result: ProbeResult, limit: float, margin: float
) -> _Case:
    pair = outcome_of(result, task.name)
    if pair is None:
        measured = Estimate(None, note="the probe did not measure it")
    else:
        measured = increase(pair)
        limit = max(limit, margin / pair.stl_loss if pair.stl_loss else 0.0)
    return _Case(candidate, task, result, pair, measured, limit)


def _finding(case: _Case, settings: CheckSettings) -> Finding:
    level = outside(case.increase, Limit(fail=case.limit))
    name = case.candidate.name
    return Finding(
        rule=RULE,
        candidate=name,
        task="" if case.own else case.task.name,
        direction=f"mix -> {name}" if case.own else f"{name} -> {case.task.name}",
        level=level,
        value=case.increase.value,
        low=case.increase.low,
        high=case.increase.high,
        threshold=case.limit,
        reason=_reason(case),
        hint=_hint(case, level, settings),
        who=who_suffers(case.task, case.candidate),
    )


def _reason(case: _Case) -> str:
    measured, where = case.increase, "in the mix" if case.own else f"with {case.candidate.name}"
    who = f"{case.task.name} {where}"
    if case.pair is None or measured.value is None:
        return f"undecided: {who}: {measured.note}"
    metric = in_metric(case.pair)
    limit, seeds = f"limit {100 * case.limit:+.3g}%", f"{case.pair.gain.n} seeds"
    parts = (metric, f"loss {relative(measured)}", limit, seeds)
    return f"{who}: {', '.join(part for part in parts if part)}"


def relative(increase: Estimate) -> str:
    """``+1.2% [-0.4%, +2.9%]``."""
    ends = (increase.low or 0.0, increase.high or 0.0)
    low, high = (f"{100 * end:+.1f}%" for end in ends)
    return f"{100 * (increase.value or 0.0):+.1f}% [{low}, {high}]".replace("-", MINUS)


def _hint(case: _Case, level: Level, settings: CheckSettings) -> str:
    if level == "failed":
        return _leave_out(case, settings)
    if level != "inconclusive":
        return ""
    if not case.result.finished:
        return f"give the probe more time: {probe(case.candidate, settings, '--budget', '30m')}"
    if _rows_leave_it_open(case):
        advice = "no seed can decide it: give more rows"
        above = f"{_above(case):g}"
        key = "newcomer_max_loss_increase" if case.own else "max_loss_increase"
        command = probe(case.candidate, settings, "--config", f"check.{key}={above}")
        return f"{advice}, or allow more: {command}"
    seeds = max(MORE_SEEDS, 2 * (case.pair.gain.n if case.pair else 0))
    command = probe(case.candidate, settings, "--seeds", str(seeds))
    return f"more seeds narrow the interval: {command}"


def _leave_out(case: _Case, settings: CheckSettings) -> str:
    text = "leave the candidate out, waive the pair with a reason"
    if case.own:
        text = 'keep it apart, check the mix alone (directions = "into-mix")'
    if settings.recipe.startswith(SHARE):
        return text.replace(", waive", " or waive").replace(", check", " or check")
    smaller = probe(case.candidate, settings, "--config", f"check.recipe={SMALLER_SHARE}")
    return f"{text}, or try a smaller share of it: {smaller}"


def _rows_leave_it_open(case: _Case) -> bool:
    """Whether the limit lies within what the finite rows leave open, however many seeds there are.

    ``gain.fixed`` is the standard error that no seed shrinks.
    """
    pair, value = case.pair, case.increase.value
    if pair is None or value is None or not pair.gain.fixed or not pair.stl_loss:
        return False
    reach = NormalDist().inv_cdf(0.5 + case.result.settings.confidence / 2) * pair.gain.fixed
    return abs(value - case.limit) < reach / pair.stl_loss


def _above(case: _Case) -> float:
    """Smallest integer percentage above the interval."""
    return (int(100 * max(0.0, case.increase.high or 0.0)) + 1) / 100
