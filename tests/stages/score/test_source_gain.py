from __future__ import annotations

import numpy as np
import pytest
from builders import SETTINGS, draw, many_rows, one_hot, row_ridge, view

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.jackknife import t_quantile
from taskaff.stages.score.ridge import model
from taskaff.stages.score.source_gain import source_gain
from taskaff.stages.score.splits import PENALTIES


def augmented_errors(X, Y, source, level, folds):
    """``(FOLDS, L)`` held-out errors with the source's outputs as real extra columns of ``X``."""
    out = np.zeros((4, len(PENALTIES)))
    for f in range(4):
        held, (Xs, Ys, folds_s) = folds == f, source
        theta, _, _ = row_ridge(Xs[folds_s != f], Ys[folds_s != f], level)
        train, test, y = X[~held], X[held], Y[~held].mean(0)
        mean = train.mean(0)
        z = (train - mean) @ theta
        total = train.var(0).sum()
        scale = np.array([np.sqrt(total / v) if v > 1e-20 else 0.0 for v in z.var(0)])
        A = np.hstack([train - mean, z * scale])
        B = np.hstack([test - mean, (test - mean) @ theta * scale])
        for at, relative in enumerate(PENALTIES):
            mu = relative * total / np.count_nonzero(train.var(0) > 1e-12)
            rows = np.vstack([A, np.sqrt(len(A) * mu) * np.eye(A.shape[1])])
            goal = np.vstack([Y[~held] - y, np.zeros((A.shape[1], Y.shape[1]))])
            beta = np.linalg.lstsq(rows, goal, rcond=None)[0]
            out[f, at] = ((Y[held] - y - B @ beta) ** 2).sum()
    return out


def classes(n, d, c, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, c, n)
    return rng.normal(size=(n, d)) + 0.5 * rng.normal(size=(c, d))[codes], one_hot(codes, c)


@pytest.mark.parametrize("n", [48, 14])
def test_agrees_with_explicit_augmentation_of_rows(n):
    d = 8
    rows = [draw(n, d, 1, 1), draw(60, d, 3, 2), classes(80, d, 3, 3), classes(70, d, 12, 4)]
    views = [view(X, Y, f"t{i}") for i, (X, Y) in enumerate(rows)]
    table = source_gain(views, SETTINGS)
    for t, (X, Y) in enumerate(rows):
        folds = np.arange(len(X)) % 4
        unit = Y.var(0).sum() * len(X)
        alone = model(views[t]).error
        for s, (Xs, Ys) in enumerate(rows):
            source = (Xs, Ys, np.arange(len(Xs)) % 4)
            errors = augmented_errors(X, Y, source, model(views[s]).level, folds)
            want = alone - errors.sum(0).min() / unit
            # 1e-7 with fewer rows than dimensions: the smallest penalty's condition number is 1e6
            assert table.value[s, t] == pytest.approx(want, abs=1e-9 if n > d * 2 else 1e-7)
            assert table.extras["error_without"][s, t] == pytest.approx(alone)
    np.testing.assert_allclose(
        table.extras["error_without"] - table.extras["error_with"], table.value, atol=1e-12
    )


def test_interval_is_the_t_interval_of_the_paired_folds():
    (X, Y), (Z, W) = draw(40, 5, 1, 1), draw(80, 5, 1, 2)
    views = [view(Z, W, "s"), view(X, Y, "t")]
    folds = np.arange(40) % 4
    errors = augmented_errors(X, Y, (Z, W, np.arange(80) % 4), model(views[0]).level, folds)
    chosen = errors[:, np.argmin(errors.sum(0))] / 10 / Y.var()
    drop = model(views[1]).fold_errors - chosen
    reach = t_quantile(0.9) * drop.std(ddof=1) / 2
    table = source_gain(views, ScoreSettings(confidence=0.9))
    assert table.value[0, 1] == pytest.approx(drop.mean(), abs=1e-9)
    assert table.low[0, 1] == pytest.approx(drop.mean() - reach, abs=1e-9)
    assert table.high[0, 1] == pytest.approx(drop.mean() + reach, abs=1e-9)
    assert np.isnan(source_gain(views, ScoreSettings(intervals=False)).low).all()


@pytest.fixture(scope="module")
def concepts():
    """100 target rows in 50 dimensions, and sources of 5,000 rows."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=50)
    u = rng.normal(size=50)
    u -= u @ w / (w @ w) * w
    unit = rng.normal(size=(5000, 50))

    def task(X, theta, name):
        return many_rows(X, X @ theta + 6.0 * rng.normal(size=len(X)), name)

    target = task(rng.normal(size=(100, 50)), w, "target")
    permuted = many_rows(unit, rng.permutation(unit @ w), "permuted")
    return [target, task(unit, w, "same"), task(unit, u, "orthogonal"), permuted]


def test_a_large_source_of_the_same_concept_helps_and_others_do_not(concepts):
    table = source_gain(concepts, SETTINGS)
    assert table.value[1, 0] > 0.1
    assert table.low[1, 0] > 0.0
    assert abs(table.value[2, 0]) < 0.03
    assert abs(table.value[3, 0]) < 0.03
    assert abs(table.value[0, 0]) < 0.03
    assert abs(table.value[0, 1]) < 0.01
    assert table.directed


def test_a_copy_of_the_target_knows_nothing_new_although_it_has_its_rows():
    X, Y = draw(100, 40, 1, noise=3.0)
    copies = [view(X, Y, "a"), view(X, Y, "b")]
    assert abs(source_gain(copies, SETTINGS).value[0, 1]) < 0.03
    folds = np.arange(100) % 4
    leaky = source_gain([view(X, Y, "a"), view(X, Y, "b", folds=folds[::-1])], SETTINGS)
    assert leaky.value[0, 1] > 0.1, "the design must matter: other folds would leak"


def test_renaming_classes_and_splitting_one_column_in_two_change_nothing():
    X, Y = classes(80, 6, 3, 1)
    target = view(*draw(60, 6, 1, 2), name="t")
    a = source_gain([view(X, Y, "s", "classes"), target], SETTINGS)
    b = source_gain([view(X, Y[:, [2, 0, 1]], "s", "classes"), target], SETTINGS)
    np.testing.assert_allclose(a.value, b.value, atol=1e-9)
    np.testing.assert_allclose(a.high, b.high, atol=1e-9)


def test_scale_of_the_source_labels_and_of_all_inputs_does_not_matter():
    (X, Y), (Z, W) = draw(60, 6, 1, 1), draw(90, 6, 1, 2)
    plain = source_gain([view(Z, W, "s"), view(X, Y, "t")], SETTINGS)
    other = source_gain([view(9 * Z, 1e4 * W, "s"), view(9 * X, Y, "t")], SETTINGS)
    np.testing.assert_allclose(plain.value, other.value, atol=1e-9)


def test_undefined_tasks_and_empty_folds():
    X, Y = draw(60, 5, 1)
    tasks = [view(X, Y, "a"), view(X, name="bare"), view(X, np.full(60, 0.1), "flat"),
             view(*draw(60, 5, 1, 3), name="three", folds=np.arange(60) % 3)]  # fmt: skip
    table = source_gain(tasks, SETTINGS)
    assert "no labels" in table.notes[0, 1]
    assert "do not vary" in table.notes[2, 0]
    assert np.isnan(table.value[1:3]).all()
    assert np.isfinite(table.value[[0, 0, 3, 3], [0, 3, 0, 3]]).all()
    assert np.isnan(table.low[0, 3])
    assert "no interval" in table.notes[0, 3]
    assert np.isfinite(table.low[3, 0])


def test_a_source_of_inputs_that_the_target_lacks_adds_nothing():
    X, Y = draw(60, 4, 1)
    blank = np.zeros((60, 4))
    tasks = [view(np.hstack([X, blank]), Y, "left"), view(np.hstack([blank, X]), Y, "right")]
    table = source_gain(tasks, SETTINGS)
    assert table.value[0, 1] == 0.0
    assert table.low[0, 1] == table.high[0, 1] == 0.0
