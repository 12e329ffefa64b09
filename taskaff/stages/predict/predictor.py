"""Predictions of directed pairs: distribution, probabilities, verdict and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.estimate import Call, Estimate, Interval
from taskaff.core.records.prediction import Prediction, Reason, Setup
from taskaff.core.records.score import MOST_CLASSES
from taskaff.core.settings import PredictSettings
from taskaff.stages.predict import design_matrix
from taskaff.stages.predict.forest import Forest
from taskaff.stages.predict.model import UNIT, Model, squash, stretch, wider

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

FEW_TREES = 24
"""Enough to rank the reasons; a reason needs one more evaluation a column."""
REASONS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Distribution of one pair's gain: ``z = centre + scale * residuals``."""

    centre: float
    scale: float
    residuals: Floats

    def below(self, gain: float) -> float:
        """Probability of a gain below this one; never quite 0 or 1."""
        limit = (float(squash(np.array(gain))) - self.centre) / self.scale
        m = len(self.residuals)
        place = np.interp(limit, self.residuals, np.arange(m) + 0.5, left=0.0, right=float(m))
        return float((place + 0.5) / (m + 1))

    def quantile(self, level: float) -> float:
        """Gain below which the probability is ``level``."""
        at = self.centre + self.scale * np.quantile(self.residuals, level)
        return float(stretch(np.asarray(at)))

    def expected(self) -> float:
        """Mean gain between the 5 % and the 95 % quantile, so that no far tail decides."""
        low, high = np.quantile(self.residuals, [0.05, 0.95])
        inner = self.residuals[(self.residuals >= low) & (self.residuals <= high)]
        return float(stretch(self.centre + self.scale * inner).mean())

    def updated(self, gain: float, error: float) -> Distribution:
        """Distribution after a measurement, by precision weighting on the scale of ``z``.

        The shape of the residuals stays; only their scale shrinks.
        """
        prior = self.scale * float(self.residuals.std())
        noise = error / float(np.hypot(gain, UNIT))
        share = prior**2 / (prior**2 + noise**2)
        centre = self.centre + self.scale * float(self.residuals.mean())
        middle = centre + share * (float(squash(np.array(gain))) - centre)
        scale = self.scale * float(np.sqrt(1.0 - share))
        return Distribution(middle, max(scale, 1e-6), self.residuals - self.residuals.mean())


def predict(
    model: Model,
    names: Sequence[tuple[str, str]],
    features: Sequence[Mapping[str, float]],
    setup: Setup,
    settings: PredictSettings,
) -> list[Prediction]:
    """One prediction a pair ``(source, target)`` with its features, in their order."""
    if not names:
        return []
    X = _matrix(features)
    z, scale = model.z(X), model.scale(X)
    effects = _effects(model, X)
    strange = _unknown_setup(model, setup)
    predictions = []
    for n, (pair, known) in enumerate(zip(names, features, strict=True)):
        outside = (*strange, *model.outside(X[n]))
        distribution = Distribution(
            float(z[n]), float(scale[n]) * wider(len(outside)), model.residuals
        )
        made = _prediction(pair, distribution, settings)
        made = replace(made, reasons=_reasons(model, X[n], effects[n]), features=dict(known))
        made = replace(made, outside=outside, note=_note(outside))
        predictions.append(_undefined(made, X[n]) or made)
    return predictions


def combined(
    model: Model, prediction: Prediction, measured: Interval, settings: PredictSettings
) -> Prediction:
    """The prediction as prior, and a probe's measurement of the same pair and set-up."""
    if measured.mean is None or measured.stderr is None or measured.n < 2:
        return prediction
    X = _matrix([prediction.features])
    factor = wider(len(prediction.outside))
    scale = float(model.scale(X)[0]) * factor
    prior = Distribution(float(model.z(X)[0]), scale, model.residuals)
    if prediction.gain.value is None:  # nothing is known before
        prior = Distribution(0.0, 10.0 * scale, model.residuals)
    # A deviation from few seeds is itself uncertain: what a t distribution's variance adds.
    few = np.sqrt((measured.n - 1) / max(measured.n - 3, 0.5))
    posterior = prior.updated(measured.mean, max(measured.stderr, 1e-9) * float(few))
    made = _prediction((prediction.source, prediction.target), posterior, settings)
    before = prediction.gain.value
    told = "" if before is None else f"scores alone {before:+.4f} ({prediction.verdict}), "
    note = f"{told}probe {measured.mean:+.4f} over {measured.n} seeds"
    return replace(
        prediction,
        gain=made.gain,
        probability_negative=made.probability_negative,
        probability_positive=made.probability_positive,
        verdict=made.verdict,
        measured=True,
        note=f"{prediction.note}; {note}" if prediction.note else note,
    )


def call(negative: float, positive: float, decide: float) -> Call:
    """A verdict where one side is probable enough."""
    if negative >= decide and negative >= positive:
        return "negative"
    return "positive" if positive >= decide else "inconclusive"


def _matrix(features: Sequence[Mapping[str, float]]) -> Floats:
    every = dict.fromkeys(name for known in features for name in known)
    columns = {
        name: np.array([known.get(name, np.nan) for known in features], dtype=np.float64)
        for name in every
    }
    return design_matrix.matrix(columns)


def _prediction(
    pair: tuple[str, str], distribution: Distribution, settings: PredictSettings
) -> Prediction:
    tail = (1.0 - settings.confidence) / 2.0
    negative, positive = (
        distribution.below(-settings.margin),
        1.0 - distribution.below(settings.margin),
    )
    return Prediction(
        source=pair[0],
        target=pair[1],
        gain=Estimate(
            distribution.expected(), distribution.quantile(tail), distribution.quantile(1.0 - tail)
        ),
        probability_negative=negative,
        probability_positive=positive,
        margin=settings.margin,
        confidence=settings.confidence,
        verdict=call(negative, positive, settings.decide),
    )


def _unknown_setup(model: Model, setup: Setup) -> list[str]:
    """Parts of the set-up that the atlas does not have."""
    unknown = []
    if setup.encoder not in model.encoders:
        unknown.append("encoder")
    if setup.trunk not in model.trunks:
        unknown.append("trunk")
    return unknown


def _note(outside: Sequence[str]) -> str:
    if not outside:
        return ""
    words = ", ".join(design_matrix.WORDS.get(name, name) for name in outside[:4])
    more = f" and {len(outside) - 4} more" if len(outside) > 4 else ""
    return f"extrapolated: unlike any data set in the atlas, interval widened: {words}{more}"


def _undefined(prediction: Prediction, x: Floats) -> Prediction | None:
    """No expected gain where a task has no usable labels, or more classes than was measured."""
    for role, who in (("source", prediction.source), ("target", prediction.target)):
        reason = ""
        if not np.isfinite(x[design_matrix.NAMES.index(f"{role}_ridge_error")]):
            reason = f"nothing to predict: {who!r} has no linear model (labels, rows or inputs)"
        elif _classes(prediction.features, role) > MOST_CLASSES:
            reason = f"nothing to predict: {who!r} has more than {MOST_CLASSES} classes"
        if reason:
            return replace(
                prediction,
                gain=Estimate(None, note=reason),
                probability_negative=None,
                probability_positive=None,
                verdict="inconclusive",
                reasons=(),
                note=reason,
            )
    return None


def _classes(features: Mapping[str, float], role: str) -> float:
    several = any(features.get(f"{role}_{kind}") for kind in ("regression", "multilabel"))
    return 0.0 if several else features.get(f"{role}_columns", 0.0)


def _effects(model: Model, X: Floats) -> Floats:
    """``(n, q)`` change of the gain, in nats, against each column's typical value."""
    forests = (model.target, model.centre, model.level)
    target, centre, level = (_first(forest, FEW_TREES) for forest in forests)
    few = replace(model, target=target, centre=centre, level=level)
    X = model.filled(X)
    n, q = X.shape
    own = stretch(few.z(X))
    changed = np.repeat(X[:, None, :], q, axis=1)
    changed[:, np.arange(q), np.arange(q)] = model.typical
    others = stretch(few.z(changed.reshape(n * q, q))).reshape(n, q)
    return np.asarray(own[:, None] - others)


def _short(x: float) -> str:
    return f"{round(x, 4) + 0.0:.3g}"


def _first(forest: Forest, trees: int) -> Forest:
    return replace(forest, roots=forest.roots[:trees])


def _reasons(model: Model, x: Floats, effects: Floats) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    told: set[str] = set()
    for n in np.argsort(-np.abs(effects), kind="stable"):
        name = design_matrix.NAMES[n]
        family = design_matrix.family(name)
        if len(reasons) == REASONS or not effects[n]:
            break
        if not np.isfinite(x[n]) or family in told:
            continue
        told.add(family)
        value, usual = (design_matrix.shown(name, float(v)) for v in (x[n], model.typical[n]))
        way = "raises" if effects[n] > 0 else "lowers"
        shown = f"{_short(value)}, where {_short(usual)} is usual"
        words = f"{design_matrix.WORDS[name]}: {shown}, {way} the gain"
        reasons.append(Reason(name, value, float(effects[n]), words))
    return tuple(reasons)
