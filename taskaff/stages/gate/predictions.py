"""``probability_negative``: the predicted probability that a source hurts its target.

A calibrated probability is itself known to a few hundredths only. ``settings.uncertainty`` is that
distance: the probability counts as an interval of this half-width, and one that has the limit
inside decides nothing. Nor does a prediction of another recipe than the mix is trained with, nor
one outside of what the atlas has measured: such a finding has no value, and the number is in
the predictions alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.recipe import PREDICTED
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Finding, Level
from taskaff.core.records.prediction import Prediction
from taskaff.core.settings import CheckSettings, Limit
from taskaff.stages.gate.commands import measure
from taskaff.stages.gate.limits import (
    Pair,
    arrow,
    directed_pairs,
    outside,
    span,
    too_small,
    who_suffers,
)

RULE = "probability_negative"
DIGITS = 9
"""Decimals of an end of the interval: 0.55 + 0.05 is 0.6, within a limit of 0.6."""

ADVICE: dict[Level, str] = {
    "failed": "leave the candidate out, waive the pair with a reason, or measure it",
    "inconclusive": "measure it",
    "warned": "before you rely on it, measure it",
}


def probability_negative(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """One finding a direction, unless rows are too few or the probe has measured the mix."""
    if settings.probe:
        return
    by_direction = {(each.source, each.target): each for each in evidence.predictions}
    for pair in directed_pairs(evidence, settings):
        candidate, task, source, target = pair
        limit = limit_of(settings, target is candidate)
        if limit is not None and not too_small(settings, candidate, task):
            yield _finding(
                evidence, settings, pair, limit, by_direction.get((source.name, target.name))
            )


def limit_of(settings: CheckSettings, newcomer: bool) -> Limit | None:
    """Limit on the probability of harm to the newcomer, or to a task of the mix."""
    own = settings.newcomer_probability_negative if newcomer else None
    return own or settings.probability_negative


def _finding(
    evidence: Evidence,
    settings: CheckSettings,
    pair: Pair,
    limit: Limit,
    prediction: Prediction | None,
) -> Finding:
    candidate, task, source, target = pair
    estimate = _estimate(prediction, settings)
    level = outside(estimate, limit)
    advice = ADVICE.get(level, "")
    return Finding(
        rule=RULE,
        candidate=candidate.name,
        task=task.name,
        direction=arrow(source, target),
        level=level,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        threshold=_threshold(limit, level),
        reason=_reason(prediction, estimate, limit, level, target),
        hint=measure(evidence, candidate, settings, advice) if advice else "",
        who=who_suffers(target, candidate),
    )


def _estimate(prediction: Prediction | None, settings: CheckSettings) -> Estimate:
    """The probability with its interval, or why it decides nothing."""
    if prediction is None:
        return Estimate(None, note="no prediction for this pair")
    p = prediction.probability_negative
    if prediction.gain.value is None or p is None:
        return Estimate(None, note=prediction.note or prediction.gain.note or "no prediction")
    if settings.recipe != PREDICTED:
        note = "the prediction is of concatenated training, and the mix is trained by "
        return Estimate(None, note=f"{note}{settings.recipe}: run the probe")
    if prediction.outside:
        features = ", ".join(prediction.outside)
        return Estimate(None, note=f"extrapolated: unlike any data set in the atlas ({features})")
    low, high = round(p - settings.uncertainty, DIGITS), round(p + settings.uncertainty, DIGITS)
    return Estimate(p, max(0.0, low), min(1.0, high))


def _threshold(limit: Limit, level: Level) -> float | None:
    return limit.warn if level == "warned" or limit.fail is None else limit.fail


def _reason(
    prediction: Prediction | None,
    estimate: Estimate,
    limit: Limit,
    level: Level,
    target: CheckedTask,
) -> str:
    if prediction is None or estimate.value is None:
        return f"undecided: {estimate.note}"
    text = f"probability of harm to {target.name} {span(estimate)}"
    if level == "inconclusive":
        text += f" lies on both sides of the limit {limit.fail:g}"
    else:
        word = {"failed": "above", "warned": "above", "passed": "within"}[level]
        text += f", {word} the limit {_threshold(limit, level):g}"
    return f"{text}, expected gain {span(prediction.gain, 3)}"
