"""Predictions from an atlas with a known rule: probabilities, intervals, reasons, odd input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.predict._samples import NAMES, features_of, rows, table

from taskaff.core.errors import PredictError
from taskaff.core.records.estimate import Interval
from taskaff.core.records.prediction import Setup
from taskaff.core.settings import PredictSettings
from taskaff.stages.predict import (
    atlas,
    design_matrix,
    fit,
    metrics,
    model,
    predictor,
)

SETTINGS = PredictSettings()


@pytest.fixture(scope="module")
def fitted():
    return fit.fit(table(), trees=30, blocks=3)


def ask(fitted, known, settings=SETTINGS, setup=None):
    return predictor.predict(fitted, [("a", "b")], [known], setup or Setup(), settings)[0]


@given(seed=st.integers(0, 10**6), gain=st.floats(-3, 3))
@settings(max_examples=15)
def test_probabilities_and_intervals_are_in_order(fitted, seed, gain):
    found = ask(fitted, features_of(np.random.default_rng(seed), gain))
    assert 0 < found.probability_negative < 1
    assert 0 < found.probability_positive < 1
    assert found.probability_negative + found.probability_positive <= 1 + 1e-9
    assert found.gain.low < found.gain.value < found.gain.high
    assert len({r.feature for r in found.reasons}) == len(found.reasons) <= 3


def test_a_larger_margin_makes_both_events_rarer(fitted):
    known = features_of(np.random.default_rng(1), 0.3)
    found = [ask(fitted, known, replace(SETTINGS, margin=m)) for m in (0, 0.01, 0.02, 0.1)]
    for side in ("probability_negative", "probability_positive"):
        chances = [getattr(each, side) for each in found]
        assert chances == sorted(chances, reverse=True)
        assert chances[0] > chances[-1]


def test_a_wider_level_gives_a_wider_interval(fitted):
    known = features_of(np.random.default_rng(1), 0.3)
    narrow, wide = (ask(fitted, known, replace(SETTINGS, confidence=c)).gain for c in (0.5, 0.95))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_rule_of_the_atlas_is_found_and_named(fitted):
    random = np.random.default_rng(2)
    good, bad = (ask(fitted, features_of(random, x)) for x in (2.0, -2.0))
    assert good.gain.value > 0.01 > -0.01 > bad.gain.value
    assert good.probability_positive > 0.5 > 0.3 > bad.probability_positive
    assert bad.probability_negative > 0.5 > 0.3 > good.probability_negative
    assert good.reasons[0].feature == bad.reasons[0].feature == "source_gain"
    assert good.reasons[0].effect > 0 > bad.reasons[0].effect


def test_names_and_order_change_nothing(fitted):
    random = np.random.default_rng(3)
    known = [features_of(random) for _ in range(4)]
    names = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")]
    found = predictor.predict(fitted, names, known, Setup(), SETTINGS)
    turned = predictor.predict(fitted, [("x", "y")] * 4, known[::-1], Setup(), SETTINGS)
    assert [each.gain for each in found] == [each.gain for each in turned[::-1]]


def test_outside_of_the_atlas_is_said_and_widens(fitted):
    known = features_of(np.random.default_rng(4))
    inside = ask(fitted, known)
    strange = ask(fitted, known, setup=Setup(encoder="st:other", trunk="lstm"))
    assert inside.outside == ()
    assert inside.note == ""
    assert strange.outside == ("encoder", "trunk")
    assert "extrapolated" in strange.note
    span = [each.gain.high - each.gain.low for each in (inside, strange)]
    assert span[1] > span[0]
    large = ask(fitted, known | {"target_columns": 5000.0, "target_regression": 1.0})
    assert "target_columns" in large.outside


@pytest.mark.parametrize("role", ["source", "target"])
def test_more_classes_than_were_measured_are_no_prediction(fitted, role):
    kind = {f"{role}_regression": 0.0, f"{role}_multilabel": 0.0}
    known = features_of(np.random.default_rng(4)) | kind
    assert ask(fitted, known | {f"{role}_columns": 256.0}).gain.value is not None
    large = ask(fitted, known | {f"{role}_columns": 257.0})
    assert large.gain.value is None
    assert "has more than 256 classes" in large.note
    labels = ask(fitted, known | {f"{role}_columns": 257.0, f"{role}_multilabel": 1.0})
    assert labels.gain.value is not None


def test_what_is_undefined_is_said(fitted):
    known = features_of(np.random.default_rng(5))
    some = ask(fitted, known | {"mean_shift": float("nan")})
    assert "mean_shift" in some.outside
    assert some.gain.value is not None
    none = ask(fitted, known | {"target_ridge_error": float("nan")})
    assert none.gain.value is None
    assert none.verdict == "inconclusive"
    assert "'b' has no linear model" in none.gain.note
    assert (none.probability_negative, none.probability_positive) == (None, None)
    assert (none.reasons, none.gain.low, none.gain.high) == ((), None, None)
    measured = predictor.combined(fitted, none, Interval(-0.08, stderr=0.001, n=8), SETTINGS)
    assert measured.probability_negative > 0.9


def test_a_probe_and_the_scores_together(fitted):
    known = features_of(np.random.default_rng(6), 0.0)
    prior = ask(fitted, known)
    sure = predictor.combined(fitted, prior, Interval(-0.08, stderr=0.001, n=8), SETTINGS)
    vague = predictor.combined(fitted, prior, Interval(-0.08, stderr=0.5, n=8), SETTINGS)
    assert sure.measured
    assert sure.verdict == "negative"
    assert sure.gain.value == pytest.approx(-0.08, abs=0.01)
    assert sure.gain.high - sure.gain.low < prior.gain.high - prior.gain.low
    assert abs(vague.gain.value - prior.gain.value) < 0.01
    assert "scores alone" in sure.note
    assert "probe -0.0800 over 8 seeds" in sure.note
    assert predictor.combined(fitted, prior, Interval(0.1, n=1), SETTINGS) is prior


def test_arrays_survive_the_disk(fitted, tmp_path):
    model.save(fitted, tmp_path / "model.npz")
    again = model.load(tmp_path / "model.npz")
    X = design_matrix.matrix(
        {k: np.array([v]) for k, v in features_of(np.random.default_rng(7)).items()}
    )
    assert again.z(X) == fitted.z(X)
    assert again.scale(X) == fitted.scale(X)


def test_the_forest_is_that_of_scikit_learn():
    from sklearn.ensemble import ExtraTreesRegressor

    from taskaff.stages.predict.forest import from_trees

    random = np.random.default_rng(0)
    X, y = random.normal(size=(200, 5)).astype(np.float32), random.normal(size=200)
    weight = random.uniform(1.0, 2.0, 200)
    options = {"min_samples_leaf": 3, "max_features": 0.4, "random_state": 0}
    trees = ExtraTreesRegressor(7, **options).fit(X, y, sample_weight=weight)
    ours = from_trees(trees.estimators_)(X.astype(np.float64))
    assert ours == pytest.approx(trees.predict(X), abs=1e-5)
    grown = fit._forest(X, y, weight, 7, 3, 0.4)
    assert (grown(X.astype(np.float64)) == ours).all()


def test_no_data_set_is_on_both_sides_of_a_fold():
    data = fit.data_of(table())
    seen = np.zeros(len(data.z), dtype=int)
    for kept, held in fit.folds(data, 4):
        names = {*data.source[kept], *data.target[kept]}
        assert not names & {*data.source[held], *data.target[held]}
        seen[held] += 1
    assert (seen == 1).all()


def test_an_atlas_that_is_too_small_is_refused():
    with pytest.raises(PredictError, match="needs 60"):
        fit.fit(table().slice(0, 20))


def effects_of_both(seed=0):
    """Gains of a target's own effect, told by its label entropy, and one of the source."""
    found = []
    random = np.random.default_rng(seed)
    entropy = {name: random.uniform(0.1, 1.0) for name in NAMES}
    for row in rows(seed):
        row |= {"target_constant_loss": entropy[row["target"]]}
        own = 0.1 * (row["target_constant_loss"] - 0.5)
        found.append(row | {"gain": 0.01 * row["source_gain"] + own})
    return found


def test_the_effect_of_the_target_and_that_of_the_source_are_both_found():
    found = fit.fit(atlas.table_of(effects_of_both()), trees=40, blocks=4)
    new = effects_of_both(seed=9)
    numbers = atlas.columns(atlas.table_of(new))
    z, gain = found.z(design_matrix.matrix(numbers)), numbers["gain"]
    targets = np.array([row["target"] for row in new])
    assert metrics.spearman(z, gain) > 0.8
    assert metrics.within(z, gain, targets) > 0.8
    own = found.target(found.filled(design_matrix.matrix(numbers)))
    assert np.corrcoef(own, numbers["target_constant_loss"])[0, 1] > 0.8


def test_columns_of_the_source_do_not_move_the_effect_of_the_target(fitted):
    known = features_of(np.random.default_rng(8))
    X = design_matrix.matrix({k: np.array([v] * 2) for k, v in known.items()})
    others = ~np.isin(design_matrix.NAMES, design_matrix.TARGET)
    X[1, others] = X[1, others] + 1.0
    own = fitted.target(fitted.filled(X))
    assert own[0] == own[1]


def test_a_share_of_a_prediction_is_the_training_that_was_followed(fitted):
    random = np.random.default_rng(5)
    at = design_matrix.NAMES.index("moment_gain")
    X = np.tile(
        design_matrix.matrix({n: np.array([v]) for n, v in features_of(random).items()}), (3, 1)
    )
    X[:, at] = (0.01, 0.03, np.nan)
    learned = replace(fitted, followed=np.array([fitted.followed[0], 0.0]))
    alone = replace(fitted, followed=np.array([fitted.followed[0], 1.0]))
    mixed = (1 - fit.FOLLOWED) * learned.z(X) + fit.FOLLOWED * alone.z(X)
    np.testing.assert_allclose(fitted.z(X)[:2], mixed[:2])
    assert fitted.z(X)[2] == learned.z(X)[2]  # not known, so no share of anything
    moved = fitted.followed[0] * np.diff(model.squash(X[:2, at]))
    np.testing.assert_allclose(np.diff(alone.z(X)[:2]), moved)


def test_the_followed_training_is_scaled_and_shifted_by_what_it_is_off_by():
    rng = np.random.default_rng(0)
    found = list(rows(3))
    for row in found:
        z = rng.normal()
        row |= {"moment_gain": float(model.stretch(2.0 * z + 1.0)), "gain": float(model.stretch(z))}
    fitted = fit.fit(atlas.table_of(found), trees=20)
    assert fitted.followed[0] == pytest.approx(0.5, rel=0.02)
    X = design_matrix.matrix(atlas.columns(atlas.table_of(found)))
    np.testing.assert_allclose(fitted.level(X), -0.5, atol=0.05)


def test_one_pair_is_no_mean_of_a_target():
    data = fit.data_of(table())
    own = data.target == "set0"
    lonely = data.at(np.append(np.flatnonzero(~own), np.flatnonzero(own)[0]))
    usual = fit.target_effects(lonely)
    common = np.average(lonely.z, weights=lonely.weight)
    assert 0 < (usual[-1] - common) / (lonely.z[-1] - common) < 0.6
    many = lonely.target == "set1"
    mean = np.average(lonely.z[many], weights=lonely.weight[many])
    assert 0.8 < (usual[many][0] - common) / (mean - common) < 1


def test_data_sets_that_share_rows_are_one_family_and_stay_together():
    source = np.array(["a", "b", "c", "d"], dtype=object)
    target = np.array(["b", "c", "d", "e"], dtype=object)
    found = fit.families(source, target, np.array([0.5, 0.1, np.nan, 0.001]))
    assert found == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e"}
    shared = table().to_pylist()
    for row in shared:
        row["overlap"] = 0.3 * ({row["source"], row["target"]} == {"set1", "set2"})
    data = fit.data_of(atlas.table_of(shared))
    for kept, held in fit.folds(data, 4):
        sides = [{*data.source[side], *data.target[side]} for side in (kept, held)]
        assert not ({"set1", "set2"} & sides[0] and {"set1", "set2"} & sides[1])


def test_an_atlas_can_say_which_data_sets_share_rows():
    told = atlas.with_families(table(), {"set3": "set3", "set7": "set3", "gone": "set3"})
    assert fit.data_of(told).family["set7"] == "set3"
    assert fit.data_of(table()).family["set7"] == "set7"
    more = atlas.with_families(told, {"set9": "set7"})
    assert fit.data_of(more).family["set9"] == fit.data_of(more).family["set3"] == "set3"
    assert more.column_names == told.column_names
