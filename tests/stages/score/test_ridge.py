from __future__ import annotations

import numpy as np
import pytest
from builders import SETTINGS, draw, one_hot, row_errors, row_ridge, view
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.stages.score.ridge import fit, model, reason
from taskaff.stages.score.splits import PENALTIES, moments, ridge, splits


@pytest.mark.parametrize(("n", "d", "c"), [(60, 5, 1), (41, 7, 3), (30, 40, 2)])
def test_fit_agrees_with_explicit_folds_on_rows(n, d, c):
    X, Y = draw(n, d, c, seed=n)
    folds = np.arange(n) % 4
    got = fit(view(X, Y).signature)
    errors = row_errors(X, Y, folds)
    level = int(np.argmin(errors.sum(0)))
    assert got.level == level
    assert got.penalty == PENALTIES[level]
    np.testing.assert_allclose(got.theta, row_ridge(X, Y, level)[0], rtol=0, atol=1e-9)
    for f in range(4):
        kept = folds != f
        np.testing.assert_allclose(got.without[f], row_ridge(X[kept], Y[kept], level)[0], atol=1e-9)
    variance = Y.var(0).sum()
    sizes = np.bincount(folds)
    np.testing.assert_allclose(got.fold_errors, errors[:, level] / sizes / variance, atol=1e-9)
    np.testing.assert_allclose(got.error, errors[:, level].sum() / n / variance, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(8, 40), st.integers(1, 12), st.integers(1, 4), st.integers(0, 10**6))
def test_errors_of_every_penalty_agree_with_rows(n, d, c, seed):
    X, Y = draw(n, d, c, seed=seed)
    got = np.array([s.errors() for s in splits(view(X, Y).signature)])
    # 1e-7 of the total: with n < d the smallest penalty leaves a condition number near 1e6
    want = row_errors(X, Y, np.arange(n) % 4)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("n", "d"), [(50, 6), (8, 12)])
def test_no_penalty_is_the_pseudo_inverse(n, d):
    X, Y = draw(n, d, 2)
    part = moments(view(X, Y).signature)
    Xc, Yc = X - X.mean(0), Y - Y.mean(0)
    want = np.linalg.lstsq(Xc, Yc, rcond=None)[0]
    np.testing.assert_allclose(ridge(part.C, part.S, 0.0), want, atol=1e-9)
    np.testing.assert_allclose(ridge(part.C, part.S, 1e-9), want, atol=1e-6)


def test_scale_padding_and_constant_columns_change_no_prediction():
    X, Y = draw(80, 6, 1)
    plain = fit(view(X, Y).signature)
    scaled = fit(view(1000.0 * X, Y).signature)
    padded = fit(view(np.hstack([X, np.zeros((80, 5)), np.full((80, 1), 7.3)]), Y).signature)
    assert plain.level == scaled.level == padded.level
    np.testing.assert_allclose(scaled.theta * 1000.0, plain.theta, rtol=1e-9)
    np.testing.assert_allclose(padded.theta[:6], plain.theta, rtol=1e-9)
    assert not padded.theta[6:].any()
    np.testing.assert_allclose([scaled.error, padded.error], plain.error, rtol=1e-9)


def test_labels_without_meaning_get_a_large_penalty_and_no_error_below_chance():
    rng = np.random.default_rng(3)
    got = fit(view(rng.normal(size=(400, 20)), rng.normal(size=400)).signature)
    assert got.error > 0.97
    assert got.penalty >= 1.0


def test_an_empty_fold_is_left_out():
    X, Y = draw(60, 4, 1)
    got = fit(view(X, Y, folds=np.arange(60) % 3).signature)
    assert np.isnan(got.fold_errors[3])
    assert np.isfinite(got.fold_errors[:3]).all()
    np.testing.assert_array_equal(got.without[3], got.theta)


def test_a_class_that_is_in_one_fold_only():
    X, _ = draw(40, 3, 1)
    codes = np.arange(40) % 2
    codes[0] = 2
    got = fit(view(X, one_hot(codes, 3), kind="classes").signature)
    assert np.isfinite(got.theta).all()
    assert np.isfinite(got.without).all()


def test_one_in_a_thousand():
    X, _ = draw(2000, 5, 1)
    codes = np.zeros(2000, int)
    codes[[5, 1006]] = 1
    got = fit(view(X, one_hot(codes, 2), kind="classes").signature)
    assert np.isfinite(got.theta).all()
    assert got.error == pytest.approx(1.0, abs=0.05)


def test_reasons_name_the_task_and_the_cause():
    X, Y = draw(40, 3, 1)
    cases = {
        "has no labels": view(X),
        "has 9 rows, fewer than 10": view(X[:9], Y[:9]),
        "labels of 'task' do not vary": view(X, one_hot(np.zeros(40, int), 1), kind="classes"),
        "inputs of 'task' do not vary": view(np.full((40, 3), 0.1), Y),
        "repeats one row": view(X[:1].repeat(40, 0), Y[:40], folds=np.zeros(40, int)),
    }
    for words, task in cases.items():
        assert words in reason(task, SETTINGS)
        assert "'task'" in reason(task, SETTINGS)
    assert reason(view(X, Y), SETTINGS) == ""
    assert "do not vary" in reason(view(X, np.full(40, 0.1)), SETTINGS)


def test_a_model_is_fitted_once_per_view():
    task = view(*draw(40, 3, 1))
    assert model(task) is model(task)
