"""Every formula of the fit against the naive one on rows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import oracles as naive
import pytest
from stages.predict._samples import NAMES, features_of

from taskaff.core.errors import PredictError
from taskaff.stages.predict import atlas, design_matrix, fit, model

MOMENT_GAIN = design_matrix.NAMES.index("moment_gain")


def measured(seed=0, count=90, **changes):
    """Rows of an atlas in two set-ups, some pairs in two views; errors and seeds of all kinds."""
    random = np.random.default_rng(seed)
    found = []
    for n in range(count):
        source, target = random.choice(NAMES[:8], 2, replace=False)
        row = features_of(random) | {
            "source": str(source),
            "target": str(target),
            "encoder": "glove",
            "trunk": "linear" if n % 3 else "relu",
            "view": "full",
            "gain": float(np.float32(random.normal() * 0.05)),
            "stderr": float(np.float32(random.choice([0.002, 0.01, 0.03, np.nan]))),
            "seeds": float(random.integers(1, 6)),
        }
        if row["target"] == NAMES[0]:  # no seed of it is known to vary
            row["seeds"] = 1.0
        found.append(row | changes)
        if n % 5 == 0:
            found.append(found[-1] | {"view": "rows"})
    return found


def setup_of(row):
    return (row["encoder"], row["trunk"], row["target_rows"], row["r"])


def data_of(rows):
    return fit.data_of(atlas.table_of(rows))


def data(seed=0, n=70):
    """Data without an atlas: two set-ups, unknown values, weights of all sizes."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, len(design_matrix.NAMES)))
    X[random.random(X.shape) < 0.1] = np.nan
    X[:, 5], X[:, 7] = np.nan, 3.0  # never known; always the same
    source, target = random.integers(0, 7, n), random.integers(0, 6, n)
    names = np.array(NAMES, dtype=object)
    return fit.Data(
        X=X,
        z=random.normal(size=n) + 0.5,
        error=random.uniform(0.05, 0.6, n),
        weight=random.uniform(0.2, 1.0, n),
        source=names[np.where(source == target, 7, source)],
        target=names[target],
        setup=random.integers(0, 2, n),
        of_target=np.isin(design_matrix.NAMES, design_matrix.TARGET),
        family={name: name for name in NAMES},
        encoders=np.array(["glove"]),
        trunks=np.array(["linear"]),
    )


@pytest.mark.parametrize("seed", range(3))
def test_errors_and_weights_of_an_atlas(seed):
    rows = measured(seed)
    found, (errors, weights) = data_of(rows), naive.row_weights(rows, setup_of)
    np.testing.assert_allclose(found.error, errors, rtol=1e-5)
    np.testing.assert_allclose(found.weight, weights, rtol=1e-4)
    np.testing.assert_allclose(found.z, [naive.asinh(row["gain"]) for row in rows], rtol=1e-5)


@pytest.mark.parametrize("changes", [{"seeds": 1.0}, {"stderr": math.nan}])
def test_without_any_known_variance_the_unit_stands_in(changes):
    rows = measured(**changes)
    table = atlas.table_of(rows)
    found = fit.seed_errors(table, atlas.columns(table))
    np.testing.assert_allclose(found, [0.02 / math.sqrt(row["seeds"]) for row in rows], rtol=1e-6)


def test_what_makes_a_set_up():
    first = measured(count=60)[0]
    rows = [first] * 70
    for n, change in enumerate(
        ({"encoder": "other"}, {"trunk": "mlp"}, {"r": 4.0}, {"target_rows": 7.0})
    ):
        rows[n] = first | change
    rows[4] = first | {"view": "rows", "source": "z", "source_rows": 5.0}
    setup = data_of(rows).setup
    assert len(set(setup[:4])) == 4
    assert set(setup[4:]).isdisjoint(setup[:4])
    assert len(set(setup[4:])) == 1


def test_pairs_without_a_gain_do_not_count():
    rows = measured(count=70)
    some = data_of([*rows, rows[0] | {"gain": math.nan}])
    assert len(some.z) == len(rows)
    assert len(data_of(rows[: fit.LEAST]).z) == 60
    with pytest.raises(PredictError, match="an atlas of 59 measured pairs; a prediction needs 60"):
        data_of([*rows[: fit.LEAST - 1], rows[0] | {"gain": math.nan}])


def test_effects_of_targets():
    found = data()
    expected = naive.target_effects(found.z, found.weight, found.target, found.setup)
    np.testing.assert_allclose(fit.target_effects(found), expected)


@pytest.fixture(scope="module")
def centred():
    some = data()
    return some, fit.centre(some, 3), np.array(fit.target_effects(some))


def test_what_is_typical_of_each_column(centred):
    some, made, _ = centred
    for j, column in enumerate(some.X.T):
        known = sorted(x for x in column if x == x)
        typical = float(np.median(known)) if known else 0.0
        assert made.typical[j] == pytest.approx(typical)
        ends = (known[0], known[-1]) if known else (0.0, 0.0)
        assert (made.low[j], made.high[j]) == ends
        filled = [x if x == x else typical for x in column]
        assert made.mean[j] == pytest.approx(np.mean(filled))
        spread = math.sqrt(sum((x - np.mean(filled)) ** 2 for x in filled) / len(filled))
        assert made.deviation[j] == pytest.approx(spread if spread > 1e-9 else 1.0)


def filled(some, made):
    return np.where(np.isnan(some.X), made.typical, some.X)


def test_the_ridge_regression_sees_differences_between_sources(centred):
    some, made, usual = centred
    group = [*zip(some.target, some.setup, strict=True)]
    standard = (filled(some, made) - made.mean) / made.deviation
    expected = naive.ridge_of_differences(standard, some.z - usual, some.weight, group)
    np.testing.assert_allclose(made.weights, expected, atol=1e-9)
    assert np.abs(expected).max() > 0.01


def test_the_forest_of_the_rest_grows_on_what_targets_do_not_explain(centred):
    some, made, usual = centred
    X = filled(some, made)
    expected = fit._forest(X, some.z - usual, some.weight, 3, fit.LEAF, fit.SHARE_OF_COLUMNS)
    np.testing.assert_array_equal(made.centre(X), expected(X))
    assert made.mix.tolist() == [fit.FOREST]


def test_the_forest_of_targets_has_one_row_for_each(centred):
    some, made, usual = centred
    some = replace(some, X=np.where(some.of_target, some.X[some.target == "set1"][0], some.X))
    made, usual = fit.centre(some, 3), usual + np.arange(len(usual)) / 10
    # All rows look like one target now: its value is the weighted mean of all.
    found = fit._target_forest(filled(some, made), usual, some, 3)
    expected = naive.weighted_mean(usual, some.weight)
    np.testing.assert_allclose(found(filled(some, made)), expected, rtol=1e-6)
    two = some.X.copy()
    at = np.flatnonzero(some.of_target)[-1]
    two[:, at] = np.arange(len(two)) % 2
    rows = fit._target_forest(np.nan_to_num(two), usual, some, 3)
    # Two rows are fewer than two leaves need.
    np.testing.assert_allclose(rows(np.nan_to_num(two)), rows.value[0], rtol=1e-6)


def test_targets_are_grouped_by_what_is_known_of_them_alone():
    some = data(n=120)
    X = np.nan_to_num(some.X)
    X[:, some.of_target] = (np.arange(120) % 12)[:, None]
    usual = some.z
    found = fit._target_forest(X, usual, some, 5)
    groups = [np.flatnonzero(np.arange(120) % 12 == k) for k in range(12)]
    rows = np.where(some.of_target, np.arange(12.0)[:, None], 0.0)
    means = np.array([naive.weighted_mean(usual[g], some.weight[g]) for g in groups])
    weight = np.array([some.weight[g].sum() for g in groups])
    expected = fit._forest(rows, means, weight, 5, fit.TARGET_LEAF, 1.0)
    np.testing.assert_allclose(found(X), expected(X), rtol=1e-5)
    assert np.ptp(found(X)) > 0.01


def test_the_scale_of_moment_gain_comes_from_differences_inside_a_set_up():
    some = data()
    X = some.X.copy()
    setup_columns = np.isin(design_matrix.NAMES, fit.LEVEL)
    X[:, setup_columns] = 1.0  # nothing tells the levels apart: one leaf
    some = replace(some, X=X)
    slope, level = fit._followed(np.nan_to_num(X), some, 3)
    known = [n for n in range(len(X)) if X[n, MOMENT_GAIN] == X[n, MOMENT_GAIN]]
    assert 10 < len(known) < len(X)
    m = np.array([naive.asinh(X[n, MOMENT_GAIN]) for n in known])
    w, z = some.weight[known], some.z[known]
    inside = naive.less_group_means(m, w, some.setup[known])
    expected = sum(w * inside * z) / sum(w * inside**2)
    assert slope == pytest.approx(expected)
    off = naive.weighted_mean(z - expected * m, w)
    np.testing.assert_allclose(level(X), off, rtol=1e-5)


def test_what_moment_gain_is_off_by_may_differ_by_set_up_only():
    some = data(n=120)
    X = np.nan_to_num(some.X)
    X[:, np.isin(design_matrix.NAMES, fit.LEVEL)] = 1.0
    at = design_matrix.NAMES.index("relu")
    X[:, at] = some.setup
    some = replace(some, X=X)
    slope, level = fit._followed(X, some, 3)
    off = some.z - slope * model.squash(X[:, MOMENT_GAIN])
    for setup in (0, 1):
        rows = some.setup == setup
        expected = naive.weighted_mean(off[rows], some.weight[rows])
        np.testing.assert_allclose(level(X[rows]), expected, rtol=1e-5)


def test_without_moment_gain_nothing_is_followed():
    some = data()
    X = some.X.copy()
    X[:, MOMENT_GAIN] = np.nan
    made = fit.centre(replace(some, X=X), 2)
    assert made.followed.tolist() == [0.0, fit.FOLLOWED]
    assert (made.level(np.nan_to_num(X)) == 0.0).all()
    assert (made.spread(np.nan_to_num(X)) == 0.0).all()


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_scale_and_residuals(centred, scale):
    """At scale 3 the errors of gains alone would be more than all residuals."""
    some, made, _ = centred
    some = replace(some, error=scale * some.error)
    predicted = some.z + np.random.default_rng(1).normal(size=len(some.z)) * 0.8
    found = fit.calibrated(made, some, predicted)
    residual = naive.shrunk_residuals(some.z - predicted, some.error, some.weight)
    X, size = filled(some, made), np.log(np.abs(residual) + 0.05)

    def scale_of(rows, trees):
        some_of = (X[rows], size[rows], some.weight[rows])
        return fit._forest(*some_of, trees, 60, fit.SHARE_OF_COLUMNS)

    spread = scale_of(np.arange(len(X)), 30)
    np.testing.assert_allclose(found.spread(X), spread(X), rtol=1e-5)
    standard = residual / np.exp(spread(X))
    for kept, held in fit.folds(some, 3, seed=1):
        standard[held] = residual[held] / np.exp(scale_of(kept, 15)(X[held]))
    levels = [(k + 0.5) / 401 for k in range(401)]
    expected = [naive.weighted_quantile(standard, some.weight, level) for level in levels]
    np.testing.assert_allclose(found.residuals, expected, rtol=1e-4, atol=1e-6)
    assert found.centre is made.centre


def test_which_pairs_are_predicted_by_which():
    """Every pair of blocks once, by all pairs that touch neither."""
    some = data(n=200)
    block = fit._blocks(some, 3, 0)
    found = [*fit.folds(some, 3)]
    ends = [{block[s], block[t]} for s, t in zip(some.source, some.target, strict=True)]
    for kept, held in found:
        away = set.union(*(ends[n] for n in held))
        assert len(away) <= 2
        assert [*held] == [n for n in range(200) if ends[n] == ends[held[0]]]
        assert [*kept] == [n for n in range(200) if not ends[n] & away]
    possible = {frozenset(e) for e in ends}
    fewest = {e for e in possible if sum(not o & e for o in ends) >= fit.LEAF}
    assert {frozenset(ends[held[0]]) for _, held in found} == fewest


def test_families_fill_the_emptiest_block_first():
    some = data()
    family = {name: "a" if n < 4 else "b" if n < 6 else name for n, name in enumerate(NAMES)}
    some = replace(some, family=family)
    block = fit._blocks(some, 3, 0)
    assert set(block) == {*NAMES[:8]}
    assert len({block[name] for name in NAMES[:4]}) == len({block[n] for n in NAMES[4:6]}) == 1
    assert sorted(Counter(block.values()).values()) == [2, 2, 4]
    few = fit._blocks(replace(some, family=dict.fromkeys(NAMES, "a")), 3, 0)
    assert sorted(Counter(few.values()).values()) == [2, 3, 3]
    exactly = fit._blocks(some, 4, 0)
    assert sorted(Counter(exactly.values()).values()) == [1, 1, 2, 4]


def test_out_of_fold_predictions_are_those_of_the_fold_models(monkeypatch):
    some = data(n=200)
    asked = []

    class Fake:
        def __init__(self, kept):
            self.kept = kept

        def z(self, X):
            return X[:, 7] * len(self.kept.z)

    def centre(kept, trees):
        asked.append(trees)
        return Fake(kept)

    monkeypatch.setattr(fit, "centre", centre)
    found = fit.out_of_fold(some, 9, 3)
    expected = np.full(200, np.nan)
    for kept, held in fit.folds(some, 3):
        expected[held] = 3.0 * len(kept)
    np.testing.assert_array_equal(found, expected)
    assert set(asked) == {9}
