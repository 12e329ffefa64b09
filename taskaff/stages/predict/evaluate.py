"""Leave both data sets out: how good is the predictor on two data sets that it has never seen?

Data sets are divided into blocks, and pairs of a block and another are predicted by a model fitted
without any pair of either (``fit.folds``); scale and shape of its residuals come from the
out-of-fold residuals of the pairs that it was fitted on. Nothing is chosen here: the settings of
the fit are those that ship. Intervals resample data sets, because errors of pairs that share one
are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.stages.predict import atlas, design_matrix, features, metrics
from taskaff.stages.predict.fit import (
    Data,
    calibrated,
    centre,
    data_of,
    folds,
    out_of_fold,
    seed_errors,
)
from taskaff.stages.predict.model import UNIT, Model, squash
from taskaff.stages.predict.predictor import Distribution

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.arrays import Floats

BLOCKS = 7
TREES = 60
MARGINS = (0.0, 0.01, 0.02)
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
"""Probabilities from which a side is called, for accuracy against coverage."""
RESAMPLES = 100
SIGNIFICANT = 1.645
"""Standard errors: a gain beyond them differs from 0 at 90 %."""

KNOWN = {
    "equation 6": "covariance_similarity",
    "covariance alignment": "covariance_alignment",
    "model cosine": "model_cosine",
    "head energy share": "head_energy",
    "source gain": "source_gain",
    "moment gain": features.FOLLOWED,
    "mean-embedding cosine": "mean_cosine",
    "LogME": "logme",
    "H-score": "h_score",
}
"""What the prediction is compared with, and the column that holds it."""

PER_ROW = ("gain", "error", "source", "target", "expected", "first", "five", "seeds")
"""Arrays of ``Held``."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Rows of one set-up and view with predictions by models that had not seen them."""

    gain: Floats
    error: Floats
    source: np.ndarray
    target: np.ndarray
    expected: Floats
    """Expected gain."""
    scores: Mapping[str, Floats]
    distributions: Sequence[Distribution]
    first: Floats
    """Gain of the first seed alone, NaN where it is not known."""
    five: Floats
    """Mean gain of the first five seeds."""
    seeds: Floats

    def at(self, rows: np.ndarray) -> Held:
        """Some rows."""
        return replace(
            self,
            scores={name: score[rows] for name, score in self.scores.items()},
            distributions=[self.distributions[n] for n in rows],
            **{name: getattr(self, name)[rows] for name in PER_ROW},
        )


def evaluate(table: pa.Table, resamples: int = RESAMPLES, blocks: int = BLOCKS) -> dict[str, Any]:
    """Results of every set-up and view of an atlas, ready for JSON."""
    known = np.isfinite(np.asarray(table["gain"].to_numpy(), dtype=np.float64))
    table = table.filter(known)
    data, numbers = data_of(table), atlas.columns(table)
    z = out_of_fold(data, TREES, blocks)
    models = _models(data, z, blocks)
    others = {
        "without moment gain": out_of_fold(replace(data, X=without(data.X)), TREES, blocks),
        "sizes alone": out_of_fold(replace(data, X=only_sizes(data.X)), TREES, blocks),
    }
    errors = seed_errors(table, numbers)
    set_ups = []
    for name, rows in _setups(table, numbers).items():
        rows = rows[np.isfinite(z[rows])]
        held = _held(rows, data, numbers, z, others, models, errors)
        set_ups.append({**name_of(name), **measures(held, resamples)})
    return {"data_sets": len(np.unique(data.target)), "blocks": blocks, "set_ups": set_ups}


def without(X: Floats) -> Floats:
    """The matrix without the values of ``features.FOLLOWED``."""
    return np.where(np.array(design_matrix.NAMES) == features.FOLLOWED, np.nan, X)


def _models(data: Data, z: Floats, blocks: int) -> list[Model | None]:
    """For each row, a model that knows the residuals of none of its data sets."""
    models: list[Model | None] = [None] * len(z)
    plain = replace_centre(data)
    for fitted, held in folds(data, blocks):
        fitted = fitted[np.isfinite(z[fitted])]
        model = calibrated(plain, data.at(fitted), z[fitted])
        for row in held:
            models[row] = model
    return models


def replace_centre(data: Data) -> Model:
    """A model of which only the typical values are used: those of all rows, without gains."""
    return centre(replace(data, z=np.zeros_like(data.z)), 1)


def _held(
    rows: np.ndarray,
    data: Data,
    numbers: Mapping[str, Floats],
    z: Floats,
    others: Mapping[str, Floats],
    models: Sequence[Model | None],
    errors: Floats,
) -> Held:
    distributions = []
    scales: dict[int, Floats] = {}
    for row in rows:
        model = models[row]
        assert model is not None
        if id(model) not in scales:
            scales[id(model)] = model.scale(data.X)
        scale = float(scales[id(model)][row])
        distributions.append(Distribution(float(z[row]), scale, model.residuals))
    nothing = np.full(len(z), np.nan)
    scores = {name: numbers.get(column, nothing)[rows] for name, column in KNOWN.items()}
    return Held(
        gain=numbers["gain"][rows],
        error=errors[rows],
        source=data.source[rows],
        target=data.target[rows],
        expected=z[rows],
        scores={"prediction": z[rows], **{n: x[rows] for n, x in others.items()}, **scores},
        distributions=distributions,
        first=numbers.get("first", nothing)[rows],
        five=numbers.get("first_five", nothing)[rows],
        seeds=numbers["seeds"][rows],
    )


def _setups(table: pa.Table, numbers: Mapping[str, Floats]) -> dict[tuple[Any, ...], np.ndarray]:
    rows_of: dict[tuple[Any, ...], list[int]] = {}
    words = (table[name].to_pylist() for name in ("encoder", "trunk", "view"))
    sizes = (numbers[name].tolist() for name in ("target_rows", "r"))
    for n, key in enumerate(zip(*words, *sizes, strict=True)):
        rows_of.setdefault(key, []).append(n)
    return {key: np.array(rows) for key, rows in rows_of.items()}


def name_of(key: tuple[Any, ...]) -> dict[str, Any]:
    """The parts of a set-up under their names."""
    encoder, trunk, view, rows, r = key
    return {
        "encoder": encoder,
        "trunk": trunk,
        "view": view,
        "target_rows": int(rows),
        "r": int(r),
    }


def measures(held: Held, resamples: int) -> dict[str, Any]:
    """All measures of one set-up and view."""
    negative = held.gain + SIGNIFICANT * held.error < 0
    positive = held.gain - SIGNIFICANT * held.error > 0
    return {
        "pairs": len(held.gain),
        "seeds": float(held.seeds.mean()),
        "negative": float((held.gain < 0).mean()),
        "significant_negative": float(negative.mean()),
        "significant_positive": float(positive.mean()),
        "ceiling": ceilings(held),
        "additive": additive(held),
        "order": {
            name: _with_intervals(held, name, resamples)
            for name, score in held.scores.items()
            if np.isfinite(score).any()
        },
        "probabilities": probabilities(held),
        "abstention": abstention(held, negative | positive),
        "with_one_seed": with_probe(held, held.first, 1),
        "with_five_seeds": with_probe(held, held.five, 5),
    }


def ceilings(held: Held) -> dict[str, float]:
    """Correlation of a perfect predictor with gains that have these errors."""
    noise = float(np.mean((held.error / np.hypot(held.gain, UNIT)) ** 2))
    z = squash(held.gain)
    inside = z - _target_means(z, held.target)
    limits = {}
    for name, values in (("all", z), ("within", inside)):
        share = max(0.0, 1.0 - noise / max(float(values.var()), 1e-12))
        limits[name] = float(np.sqrt(share))
    return limits


def additive(held: Held) -> dict[str, float]:
    """Order of gains by an additive fit: an effect of the target plus one of the source.

    It knows every gain, and nothing of pairs: what is above it, only effects of pairs can give.
    """
    z = squash(held.gain)
    (_, source), (_, target) = (
        np.unique(names, return_inverse=True) for names in (held.source, held.target)
    )
    rows = np.arange(len(z))
    effects = np.zeros((len(z), source.max() + target.max() + 2))
    effects[rows, source] = effects[rows, source.max() + 1 + target] = 1.0
    fitted = effects @ np.linalg.lstsq(effects, z, rcond=None)[0]
    return {
        "all": metrics.spearman(fitted, held.gain),
        "within": metrics.within(fitted, held.gain, held.target),
    }


def _target_means(z: Floats, target: np.ndarray) -> Floats:
    _, place = np.unique(target, return_inverse=True)
    return np.asarray((np.bincount(place, z) / np.bincount(place))[place])


def order(held: Held, name: str) -> dict[str, float]:
    """Measures of how a score orders pairs; undefined scores get the middle rank."""
    score = held.scores[name]
    score = np.where(np.isfinite(score), score, np.nanmedian(score))
    negative = held.gain + SIGNIFICANT * held.error < 0
    positive = held.gain - SIGNIFICANT * held.error > 0
    return {
        "spearman": metrics.spearman(score, held.gain),
        "within": metrics.within(score, held.gain, held.target),
        "auc_negative": metrics.auc(-score, negative),
        "auc_positive": metrics.auc(score, positive),
    }


def _with_intervals(held: Held, name: str, resamples: int) -> dict[str, list[float | None]]:
    """``[value, low, high]`` of each measure, at 90 % over resampled data sets."""
    value = order(held, name)
    drawn = [order(held.at(rows), name) for rows in resampled(held, resamples)]
    intervals: dict[str, list[float | None]] = {}
    for key, x in value.items():
        many = [each[key] for each in drawn if np.isfinite(each[key])]
        ends = np.quantile(many, [0.05, 0.95]).tolist() if many else [float("nan")] * 2
        intervals[key] = [_clean(number) for number in (x, *ends)]
    return intervals


def _clean(x: float) -> float | None:
    return round(float(x), 4) if np.isfinite(x) else None


def resampled(held: Held, times: int, seed: int = 0) -> list[np.ndarray]:
    """Rows of the pairs of data sets drawn with replacement; a pair drawn twice counts twice."""
    names = np.unique(np.concatenate([held.source, held.target]))
    place = {name: n for n, name in enumerate(names)}
    source = np.array([place[name] for name in held.source])
    target = np.array([place[name] for name in held.target])
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(times):
        count = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        draws.append(np.repeat(np.arange(len(source)), count[source] * count[target]))
    return [rows for rows in draws if len(rows) > 10]


def probabilities(held: Held) -> dict[str, Any]:
    """Brier score and calibration error at each margin, and how often the interval covers."""
    scores: dict[str, Any] = {}
    for margin in MARGINS:
        below = np.array([d.below(-margin) for d in held.distributions])
        above = 1.0 - np.array([d.below(margin) for d in held.distributions])
        events = {"negative": (below, held.gain < -margin), "positive": (above, held.gain > margin)}
        for side, (p, event) in events.items():
            base = float(event.mean())
            scores[f"{side} {margin:g}"] = {
                "brier": _clean(metrics.brier(p, event)),
                "brier_base_rate": _clean(base * (1 - base)),
                "calibration_error": _clean(metrics.calibration_error(p, event)),
                "base_rate": _clean(base),
            }
    ends = np.array([[d.quantile(0.05), d.quantile(0.95)] for d in held.distributions])
    scores["coverage_90"] = _clean(metrics.coverage(ends[:, 0], ends[:, 1], held.gain))
    return scores


def abstention(held: Held, significant: np.ndarray) -> dict[str, Any]:
    """F1 of negative on significant pairs, and accuracy of the sign against coverage."""
    p = np.array([d.below(0.0) for d in held.distributions])
    negative = held.gain < 0
    curve = []
    for level in LEVELS:
        called = (p >= level) | (1.0 - p >= level)
        right = (p >= 0.5) == negative
        sure = called & significant
        curve.append(
            {
                "decide": level,
                "coverage": _clean(called.mean()),
                "accuracy": _clean(right[called].mean()) if called.any() else None,
                "accuracy_significant": _clean(right[sure].mean()) if sure.any() else None,
            }
        )
    f1 = metrics.f1((p >= 0.5)[significant], negative[significant])
    return {"f1_negative_significant": _clean(f1), "curve": curve}


def with_probe(held: Held, probed: Floats, k: int) -> dict[str, Any] | None:
    """Prediction and ``k`` seeds of a probe together, against the mean of the other seeds.

    Of pairs with two others at least, and no fewer than ``k``: the mean is the truth here.
    """
    rows = np.flatnonzero(np.isfinite(probed) & (held.seeds >= k + max(k, 2)))
    if len(rows) < 50:
        return None
    held, probed = held.at(rows), probed[rows]
    n = held.seeds
    rest = (n * held.gain - k * probed) / (n - k)
    one = held.error * np.sqrt(n)
    both = np.array(
        [
            d.updated(float(g), float(e)).centre
            for d, g, e in zip(held.distributions, probed, one / np.sqrt(k), strict=True)
        ]
    )
    others = replace(held, gain=rest, error=one / np.sqrt(n - k))
    scores = {"prediction": held.expected, "probe": probed, "both": both}
    others = replace(others, scores=scores)
    return {name: {key: _clean(x) for key, x in order(others, name).items()} for name in scores}


def only_sizes(X: Floats) -> Floats:
    """The matrix with every column made constant that tells more than sizes and set-up."""
    return without(np.where(np.isin(design_matrix.NAMES, design_matrix.SIZES), X, 0.0))
