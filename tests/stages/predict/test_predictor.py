"""From a fitted model to a prediction: every formula, with models and features made up."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import oracles as naive
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.predict._samples import features_of

from taskaff.core.records.estimate import Interval
from taskaff.core.records.prediction import Setup
from taskaff.core.settings import PredictSettings
from taskaff.stages.predict import design_matrix, evaluate, fit, model, predictor
from taskaff.stages.predict.forest import Forest

RESIDUALS = np.array([-2.0, -1.0, -0.5, 0.0, 0.25, 1.5])
SETTINGS = PredictSettings()
Q = len(design_matrix.NAMES)


def stump(name, low, high, threshold=0.0):
    """A tree that gives ``low`` up to the threshold of a column and ``high`` above."""
    return Forest(
        np.zeros(1, np.int32),
        np.array([design_matrix.NAMES.index(name), 0, 0], np.int16),
        np.array([threshold, 0.0, 0.0]),
        np.array([1, 1, 2], np.int32),
        np.array([2, 1, 2], np.int32),
        np.array([0.0, low, high]),
    )


def made(**changes):
    """A model whose every part matters."""
    weights = np.zeros(Q)
    weights[design_matrix.NAMES.index("mean_shift")] = 0.3
    arrays = {
        "typical": np.full(Q, 0.1),
        "low": np.full(Q, -3.0),
        "high": np.full(Q, 4.0),
        "mean": np.full(Q, 0.2),
        "deviation": np.full(Q, 0.5),
        "weights": weights,
        "mix": np.array([0.8]),
        "followed": np.array([0.6, 0.3]),
        "residuals": RESIDUALS,
        "encoders": np.array(["glove"]),
        "trunks": np.array(["linear"]),
    }
    forests = {
        "target": stump("target_top_share", -0.2, 0.4, 0.5),
        "centre": stump("source_gain", -0.5, 0.7),
        "level": stump("relu", 0.05, -0.05, 0.5),
        "spread": stump("source_top_share", -0.1, 0.3, 0.5),
    }
    return model.Model(**arrays | forests | changes)


def row(seed=0, **changes):
    """Columns of one pair, all of them inside of the model's range."""
    random = np.random.default_rng(seed)
    found = dict(zip(design_matrix.NAMES, random.uniform(0.0, 1.0, Q), strict=True)) | changes
    return np.array([found[name] for name in design_matrix.NAMES])


def naive_z(m, x):
    at = design_matrix.NAMES.index
    known = [v if v == v else t for v, t in zip(x, m.typical, strict=True)]
    standard = max(-4.0, min(4.0, (known[at("mean_shift")] - 0.2) / 0.5))
    learned = -0.2 if known[at("target_top_share")] <= 0.5 else 0.4
    learned += 0.8 * (-0.5 if known[at("source_gain")] <= 0 else 0.7) + 0.2 * 0.3 * standard
    followed = 0.6 * naive.asinh(known[at("moment_gain")])
    followed += 0.05 if known[at("relu")] <= 0.5 else -0.05
    if x[at("moment_gain")] != x[at("moment_gain")]:
        return learned
    return 0.7 * learned + 0.3 * followed


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"moment_gain": math.nan, "source_gain": -1.0},
        {"moment_gain": -0.3, "relu": 1.0},
        {"mean_shift": 3.9},
        {"mean_shift": -2.9, "target_top_share": 0.4},
        {"mean_shift": math.nan, "target_top_share": math.nan},
    ],
)
def test_the_centre_is_a_mean_of_two_opinions(changes):
    x = row(**changes)
    found = made().z(np.stack([x, row(5)]))
    assert found[0] == pytest.approx(naive_z(made(), x))
    side = -0.1 if x[design_matrix.NAMES.index("source_top_share")] <= 0.5 else 0.3
    assert made().scale(x[None])[0] == pytest.approx(math.exp(side))


def test_what_is_outside():
    width, size = 7.0, 4.0
    slack = 0.02 * width + 0.002 * size + 1e-6
    for name, value, out in (
        ("mean_shift", 4.0 + slack - 1e-9, False),
        ("mean_shift", 4.0 + slack + 1e-9, True),
        ("overlap", -3.0 - slack + 1e-9, False),
        ("overlap", -3.0 - slack - 1e-9, True),
        ("width", math.nan, True),
    ):
        assert made().outside(row(**{name: value})) == [name] * out
    assert [model.wider(n) for n in range(6)] == [1.0, 1.25, 1.5625, 1.953125, 2.44140625, 2.5]


@given(st.floats(-3, 3))
def test_probability_below_a_gain(limit):
    found = predictor.Distribution(0.3, 0.7, RESIDUALS)
    gain = 0.02 * math.sinh(0.3 + 0.7 * limit)
    assert found.below(gain) == pytest.approx(naive.chance_below(limit, RESIDUALS), abs=1e-9)


@pytest.mark.parametrize("level", [0.0, 0.05, 0.1, 0.5, 0.77, 1.0])
def test_quantiles_and_the_mean_between_two(level):
    found = predictor.Distribution(0.3, 0.7, RESIDUALS)
    place = level * 5
    below = RESIDUALS[math.floor(place)]
    at = below + (place % 1) * (RESIDUALS[math.ceil(place)] - below)
    assert found.quantile(level) == pytest.approx(0.02 * math.sinh(0.3 + 0.7 * at))
    inner = [0.02 * math.sinh(0.3 + 0.7 * r) for r in RESIDUALS[1:-1]]
    assert found.expected() == pytest.approx(sum(inner) / 4)
    tied = predictor.Distribution(0.0, 1.0, np.array([-1.0] * 3 + [0.0] + [2.0] * 3))
    every = [0.02 * math.sinh(r) for r in tied.residuals]
    assert tied.expected() == pytest.approx(sum(every) / 7)  # the ends are inside


def test_a_measurement_is_weighed_by_its_precision():
    prior = predictor.Distribution(0.3, 0.7, RESIDUALS)
    found = prior.updated(0.05, 0.01)
    mean, variance = 0.3 + 0.7 * RESIDUALS.mean(), (0.7 * RESIDUALS.std()) ** 2
    noise = (0.01 / math.sqrt(0.05**2 + 0.02**2)) ** 2
    assert found.centre == pytest.approx(
        (mean / variance + naive.asinh(0.05) / noise) / (1 / variance + 1 / noise)
    )
    left = 1 / (1 / variance + 1 / noise)
    assert (found.scale * found.residuals.std()) ** 2 == pytest.approx(left)
    np.testing.assert_allclose(found.residuals, RESIDUALS - RESIDUALS.mean())
    assert prior.updated(0.05, 1e-12).scale == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("negative", "positive", "expected"),
    [
        (0.8, 0.1, "negative"),
        (0.75, 0.25, "negative"),
        (0.1, 0.75, "positive"),
        (0.74, 0.26, "inconclusive"),
        (0.2, 0.74, "inconclusive"),
    ],
)
def test_a_side_is_called_where_it_is_probable_enough(negative, positive, expected):
    assert predictor.call(negative, positive, 0.75) == expected


def test_the_more_probable_of_two_sides_is_called():
    assert predictor.call(0.4, 0.5, 0.3) == "positive"
    assert predictor.call(0.5, 0.4, 0.3) == "negative"
    assert predictor.call(0.5, 0.5, 0.3) == "negative"


def ask(m, features, setup=None, settings=SETTINGS, names=("a", "b")):
    return predictor.predict(m, [names], [features], setup or Setup(), settings)[0]


def wide(**changes):
    """A model with a range that holds every sample."""
    return made(low=np.full(Q, -1e4), high=np.full(Q, 1e4), **changes)


@pytest.mark.parametrize("strange", [0, 1, 2])
def test_a_prediction_is_read_off_the_distribution(strange):
    features = features_of(np.random.default_rng(0))
    m = wide()
    setup = Setup(encoder="glove" if strange < 2 else "x", trunk="linear" if not strange else "y")
    settings = PredictSettings(margin=0.015, confidence=0.8, decide=0.6)
    found = ask(m, features, setup, settings)
    X = design_matrix.matrix({n: np.array([v]) for n, v in features.items()})
    whole = predictor.Distribution(
        float(m.z(X)[0]), float(m.scale(X)[0]) * 1.25**strange, m.residuals
    )
    assert (found.gain.low, found.gain.high) == pytest.approx(
        (whole.quantile(0.1), whole.quantile(0.9))
    )
    assert found.gain.value == pytest.approx(whole.expected())
    below, above = whole.below(-0.015), 1 - whole.below(0.015)
    assert found.probability_negative == pytest.approx(below)
    assert found.probability_positive == pytest.approx(above)
    assert found.verdict == predictor.call(below, above, 0.6)
    assert (found.source, found.target, found.margin, found.confidence) == ("a", "b", 0.015, 0.8)
    assert found.features == features
    assert found.outside == ((), ("trunk",), ("encoder", "trunk"))[strange]
    assert predictor.predict(m, [], [], setup, settings) == []


def test_at_most_four_columns_are_named():
    assert predictor._note([]) == ""
    four = predictor._note(["r", "width", "relu", "encoder"])
    assert four.endswith("a vector, whether the shared module is not linear, encoder")
    assert predictor._note(["encoder"] * 6).endswith(
        "encoder, encoder, encoder, encoder and 2 more"
    )


def test_effects_are_those_of_one_column_at_a_time():
    m = wide()
    X = np.stack([row(0), row(1, moment_gain=0.2), row(2, mean_shift=math.nan)])
    found = predictor._effects(m, X)
    for n in range(3):
        x = np.where(np.isfinite(X[n]), X[n], m.typical)
        for j in range(Q):
            other = x.copy()
            other[j] = m.typical[j]
            ends = [0.02 * math.sinh(float(m.z(each[None])[0])) for each in (x, other)]
            assert found[n, j] == pytest.approx(ends[0] - ends[1], abs=1e-12)
    assert (found != 0).any(axis=0).sum() >= 4


def test_few_trees_rank_the_reasons():
    one, shift = stump("source_gain", 0.0, 1.0), 3 * np.arange(30)
    many = Forest(
        shift.astype(np.int32),
        np.tile(one.column, 30),
        np.tile(one.threshold, 30),
        np.concatenate([one.left + k for k in shift]),
        np.concatenate([one.right + k for k in shift]),
        np.concatenate([one.value * k for k in shift]),
    )
    X = np.stack([row(0), row(1)])
    few = replace(many, roots=many.roots[: predictor.FEW_TREES])
    np.testing.assert_array_equal(
        predictor._effects(made(centre=many), X), predictor._effects(made(centre=few), X)
    )
    assert predictor.FEW_TREES == len(predictor._first(many, 24).roots) == 24


def test_the_largest_effects_are_the_reasons_one_a_family():
    x = row(0, covariance_similarity=0.5, mean_shift=math.nan, target_columns=1.0)
    effects = np.zeros(Q)
    for name, effect in {
        "covariance_similarity": -0.5,
        "covariance_alignment": 0.4,
        "mean_shift": 0.9,
        "target_columns": 0.3,
        "overlap": 0.1,
        "relu": 0.05,
    }.items():
        effects[design_matrix.NAMES.index(name)] = effect
    found = predictor._reasons(made(), x, effects)
    assert [r.feature for r in found] == ["covariance_similarity", "target_columns", "overlap"]
    assert [r.effect for r in found] == [-0.5, 0.3, 0.1]
    assert found[0].words == (
        "alikeness of the texts (eq. 6): 0.5, where 0.1 is usual, lowers the gain"
    )
    # Logarithms are shown as counts: 10 columns where 10^0.1 are usual.
    assert found[1].value == pytest.approx(10.0)
    assert found[1].words.endswith(": 10, where 1.26 is usual, raises the gain")
    only = np.where(np.array(design_matrix.NAMES) == "overlap", effects, 0.0)
    assert [r.feature for r in predictor._reasons(made(), x, only)] == ["overlap"]


@pytest.mark.parametrize("value", [-0.04, 0.05])
@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_a_probe_of_few_seeds_is_trusted_less(n, value):
    m = wide()
    before = ask(m, features_of(np.random.default_rng(0)), Setup(trunk="y"))
    found = predictor.combined(m, before, Interval(value, stderr=0.01, n=n), SETTINGS)
    X = design_matrix.matrix({k: np.array([v]) for k, v in before.features.items()})
    prior = predictor.Distribution(float(m.z(X)[0]), 1.25 * float(m.scale(X)[0]), m.residuals)
    # The variance of Student's t with n - 1 degrees of freedom, (n - 1) / (n - 3).
    few = math.sqrt((n - 1) / max(n - 3, 0.5))
    after = prior.updated(value, 0.01 * few)
    assert found.gain.value == pytest.approx(after.expected())
    assert found.gain.low == pytest.approx(after.quantile(0.05))
    assert found.probability_negative == pytest.approx(after.below(-0.01))
    assert found.probability_positive == pytest.approx(1 - after.below(0.01))
    assert found.verdict == predictor.call(
        found.probability_negative, found.probability_positive, 0.75
    )
    assert found.measured
    told = f"scores alone {before.gain.value:+.4f} ({before.verdict}), probe {value:+.4f}"
    assert found.note == f"{before.note}; {told} over {n} seeds"
    assert before.note.endswith(": trunk")


def test_a_probe_without_a_prior():
    m = wide()
    unknown = features_of(np.random.default_rng(0)) | {"source_ridge_error": math.nan}
    before = ask(m, unknown)
    assert before.gain.value is None
    assert "'a' has no linear model" in before.note
    found = predictor.combined(m, before, Interval(0.03, stderr=0.02, n=5), SETTINGS)
    X = design_matrix.matrix({k: np.array([v]) for k, v in unknown.items()})
    scale = float(m.scale(X)[0]) * model.wider(1)
    after = predictor.Distribution(0.0, 10 * scale, m.residuals).updated(0.03, 0.02 * math.sqrt(2))
    assert found.gain.value == pytest.approx(after.expected())
    assert found.note.endswith("; probe +0.0300 over 5 seeds")
    plain = ask(m, features_of(np.random.default_rng(0)))
    found = predictor.combined(m, plain, Interval(0.03, stderr=0.02, n=5), SETTINGS)
    assert found.note.startswith("scores alone")


@pytest.mark.parametrize(
    "measured",
    [
        Interval(None, stderr=0.1, n=5),
        Interval(0.1, stderr=None, n=5),
        Interval(0.1, stderr=0.1, n=1),
    ],
)
def test_a_probe_that_measured_nothing_changes_nothing(measured):
    before = ask(wide(), features_of(np.random.default_rng(0)))
    assert predictor.combined(wide(), before, measured, SETTINGS) is before


def test_more_seeds_without_an_error_are_not_divided_by_nothing():
    before = ask(wide(), features_of(np.random.default_rng(0)))
    found = predictor.combined(wide(), before, Interval(0.05, stderr=0.0, n=5), SETTINGS)
    assert found.gain.value == pytest.approx(0.05, rel=1e-3)


# ----------------------------------------------------------- models of an evaluation


def test_a_pair_is_judged_by_residuals_of_other_data_sets(monkeypatch):
    from stages.predict.test_fit_formulas import data

    some = data(n=200)
    z = np.where(np.arange(200) % 7, some.z, np.nan)
    seen = []

    def calibrated(plain, part, predicted):
        assert (plain.target(np.zeros((1, Q))) == 0).all()  # no gain went into it
        assert np.isfinite(predicted).all()
        seen.append(({*part.source, *part.target}, len(part.z), predicted))
        return replace(plain, residuals=np.array([float(len(seen))]))

    monkeypatch.setattr(evaluate, "calibrated", calibrated)
    models = evaluate._models(some, z, 3)
    for (kept, held), (names, n, predicted) in zip(fit.folds(some, 3), seen, strict=True):
        known = [k for k in kept if z[k] == z[k]]
        assert n == len(known) < len(kept)
        np.testing.assert_array_equal(predicted, z[known])
        assert names.isdisjoint({*some.source[held], *some.target[held]})
    for number, (_, held) in enumerate(fit.folds(some, 3)):
        assert {float(models[k].residuals[0]) for k in held} == {number + 1.0}


def test_rows_of_a_set_up_are_held_with_the_scale_of_their_model():
    from stages.predict.test_fit_formulas import data

    some = data(n=12)
    models = [made(), made(residuals=RESIDUALS * 2, spread=stump("width", 1.0, 2.0))] * 6
    numbers = {"gain": np.arange(12.0), "seeds": np.full(12, 5.0), "source_gain": -np.arange(12.0)}
    numbers |= {"first": np.arange(12.0) / 2, "first_five": np.arange(12.0) / 3}
    rows, z = np.array([7, 2, 4]), np.arange(12.0) + 50
    held = evaluate._held(rows, some, numbers, z, {"other": z + 1}, models, np.arange(12.0) + 7)
    assert held.gain.tolist() == [7, 2, 4]
    assert held.error.tolist() == [14, 9, 11]
    assert held.expected.tolist() == held.scores["prediction"].tolist() == [57, 52, 54]
    assert held.scores["other"].tolist() == [58, 53, 55]
    assert held.scores["source gain"].tolist() == [-7, -2, -4]
    assert np.isnan(held.scores["LogME"]).all()
    assert held.first.tolist() == [3.5, 1.0, 2.0]
    assert held.five == pytest.approx([7 / 3, 2 / 3, 4 / 3])
    assert held.source.tolist() == some.source[rows].tolist()
    assert held.target.tolist() == some.target[rows].tolist()
    for k, d in zip(rows, held.distributions, strict=True):
        assert d.centre == z[k]
        assert d.scale == pytest.approx(models[k].scale(some.X)[k])
        assert d.residuals is models[k].residuals
