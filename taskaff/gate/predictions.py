"""``probability_negative``: the predicted probability that a source hurts its target.

A calibrated probability is itself known to a few hundredths only. ``settings.uncertainty`` is that
distance: the probability counts as an interval of this half-width, and one that has the limit
inside decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.gate.limits import arrow, directed_pairs, outside, span, too_small
from taskaff.gate_records import CheckSettings, Evidence, Limit
from taskaff.predict_records import Finding, Level, Prediction
from taskaff.records import Estimate

DIGITS = 9
"""Decimals of an end: 0.55 + 0.05 is 0.6, and keeps to a limit of 0.6."""

HINTS: dict[Level, str] = {
    "failed": "measure it (taskaff check --probe), leave the candidate out, or waive the pair with "
    "a reason",
    "inconclusive": "measure it: taskaff check --probe --budget 5m",
    "warned": "measure it before you rely on it: taskaff check --probe",
}


def probability_negative(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """One finding a direction, unless rows are too few or the probe has measured the mix."""
    limit = settings.probability_negative
    if limit is None or settings.probe:
        return
    found = {(each.source, each.target): each for each in evidence.predictions}
    for candidate, task, source, target in directed_pairs(evidence, settings):
        if too_small(settings, candidate, task):
            continue
        prediction = found.get((source.name, target.name))
        estimate = _estimate(prediction, settings.uncertainty)
        level = outside(estimate, limit)
        yield Finding(
            rule="probability_negative",
            candidate=candidate.name,
            task=task.name,
            direction=arrow(source, target),
            level=level,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            threshold=_threshold(limit, level),
            reason=_reason(prediction, estimate, limit, level),
            hint=HINTS.get(level, ""),
        )


def _estimate(prediction: Prediction | None, uncertainty: float) -> Estimate:
    if prediction is None:
        return Estimate(None, note="no prediction for this pair")
    p = prediction.probability_negative
    if prediction.gain.value is None or p is None:
        return Estimate(None, note=prediction.note or prediction.gain.note or "no prediction")
    low, high = round(p - uncertainty, DIGITS), round(p + uncertainty, DIGITS)
    return Estimate(p, max(0.0, low), min(1.0, high))


def _threshold(limit: Limit, level: Level) -> float | None:
    return limit.warn if level == "warned" or limit.fail is None else limit.fail


def _reason(prediction: Prediction | None, estimate: Estimate, limit: Limit, level: Level) -> str:
    if prediction is None or estimate.value is None:
        return f"undefined: {estimate.note}"
    text = f"probability of harm {span(estimate)}"
    if level == "inconclusive":
        text += f" lies on both sides of the limit {limit.fail:g}"
    else:
        word = {"failed": "above", "warned": "above", "passed": "within"}[level]
        text += f", {word} the limit {_threshold(limit, level):g}"
    text += f"; expected gain {span(prediction.gain, 3)}"
    if prediction.outside:
        text += f"; outside of what was measured: {', '.join(prediction.outside)}"
    return text
