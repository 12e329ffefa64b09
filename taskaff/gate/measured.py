"""``max_loss_increase``: what the probe measured on the mix, with the candidate and without."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.gate.limits import outside
from taskaff.gate_records import CheckedTask, CheckSettings, Evidence, Limit
from taskaff.predict_records import Finding
from taskaff.probe_records import PairOutcome, ProbeResult
from taskaff.records import Estimate

ARM = "mix"
RULE = "max_loss_increase"


def max_loss_increase(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """One finding for each task that the candidate joins, and one for the candidate itself.

    The increase is relative: the loss with the candidate over that without it, minus one; for the
    candidate, the loss in the mix over that alone. Failed when its whole interval is above the
    limit, inconclusive when the limit is inside. Of a task that is nearly solved any change is a
    large share, so that no limit is below ``settings.margin`` over the loss.
    """
    limit = settings.max_loss_increase
    for candidate in evidence.candidates if limit is not None else ():
        result = evidence.measured.get(candidate.name)
        for task in _judged(candidate, evidence, settings) if result is not None else ():
            yield _finding(candidate, task, result, settings)


def increase(pair: PairOutcome) -> Estimate:
    """Relative increase of the held-out loss, with the interval over seeds."""
    base, gain = pair.stl_loss, pair.gain
    if not base or base <= 0 or gain.mean is None:
        return Estimate(None, note=pair.verdict.reason)
    if gain.low is None or gain.high is None:
        return Estimate(None, note="an interval needs at least two seeds")
    return Estimate(-gain.mean / base, -gain.high / base, -gain.low / base)


def _judged(
    candidate: CheckedTask, evidence: Evidence, settings: CheckSettings
) -> Iterator[CheckedTask]:
    if settings.directions != "from-mix":
        yield from evidence.mix
    if settings.directions != "into-mix":
        yield candidate


def _finding(
    candidate: CheckedTask,
    task: CheckedTask,
    result: ProbeResult | None,
    settings: CheckSettings,
) -> Finding:
    own, limit = task is candidate, settings.max_loss_increase or 0.0
    estimate = Estimate(None, note="the probe did not measure it")
    for pair in result.pairs if result else ():
        if pair.target == task.name and pair.arm == ARM:
            estimate = increase(pair)
            limit = max(limit, settings.margin / pair.stl_loss if pair.stl_loss else 0.0)
    level = outside(estimate, Limit(fail=limit))
    return Finding(
        rule=RULE,
        candidate=candidate.name,
        task="" if own else task.name,
        direction=f"mix -> {candidate.name}" if own else f"{candidate.name} -> {task.name}",
        level=level,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        threshold=limit,
        reason=_reason(estimate, task, own, limit),
        hint=_hint(level, result),
    )


def _reason(estimate: Estimate, task: CheckedTask, own: bool, limit: float) -> str:
    if estimate.value is None:
        return f"undefined: {estimate.note}"
    low, high = 100 * (estimate.low or 0.0), 100 * (estimate.high or 0.0)
    what = "in the mix, against alone" if own else "with the candidate, against without"
    moved = f"{100 * estimate.value:+.1f}% [{low:+.1f}%, {high:+.1f}%]"
    return f"measured loss of {task.name} {what}: {moved}; limit {100 * limit:+g}%"


def _hint(level: str, result: ProbeResult | None) -> str:
    if level == "failed":
        return "leave the candidate out, or weigh it down, or waive the pair with a reason"
    if level == "inconclusive":
        late = result is not None and not result.finished
        return (
            "give the probe more time (--budget) or seeds (--seeds)"
            if late
            else ("more seeds narrow the interval: --seeds 20")
        )
    return ""
