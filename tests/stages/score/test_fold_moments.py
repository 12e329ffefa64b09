"""Moments as folds train and judge them, against the rows themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import naive_signature, one_hot

from taskaff.core.records.signature import FOLDS
from taskaff.stages.score.fold_moments import Sums, held_out, likelihood, sums, thinned, training
from taskaff.stages.score.likelihoods import Labels, direction

N, D, SCALE = 42, 3, 1.7
THERE = np.arange(N) % FOLDS
BASIS = np.array([[1.0, 0.2], [0.5, -1.0], [0.0, 0.3]])


def drawn(kind, seed=0):
    """Rows and labels; a class that only fold 0 has, a label that all rows have, one that none."""
    rng = np.random.default_rng(seed)
    X = rng.normal([1.0, 0.0, -2.0], size=(N, D))
    if kind == "classes":
        codes = rng.integers(0, 2, N)
        codes[[0, 4, 8]] = 2
        return X, one_hot(codes, 3)
    if kind == "multilabel":
        Y = (rng.random((N, 4)) < 0.4).astype(float)
        Y[:, 1], Y[:, 2] = 1.0, 0.0
        return X, Y
    return X, np.column_stack([X @ [1.0, 2.0, 0.0] + rng.normal(size=N), np.full(N, 5.0)])


def rows_of(kind, fold, held):
    X, Y = drawn(kind)
    own = (fold == THERE) == held
    return X[own] @ BASIS * SCALE, Y[own], Y[fold != THERE]


@pytest.fixture(scope="module", params=[False, True], ids=["trained", "held out"])
def held(request):
    return request.param


def both(kind, held):
    signature = naive_signature(*drawn(kind), kind=kind)
    trained, found = training(signature, BASIS, SCALE)
    return held_out(signature, BASIS, SCALE, found) if held else trained


def test_classes(held):
    task = both("classes", held)
    for fold in range(FOLDS):
        X, Y, _ = rows_of("classes", fold, held)
        left = X.copy()
        for c in range(3):
            own = Y[:, c] > 0
            mean = X[own].mean(axis=0) if own.any() else np.zeros(2)
            assert task.share[fold, c] == pytest.approx(own.mean())
            np.testing.assert_allclose(task.mean[fold, c], mean, atol=1e-12)
            left[own] -= mean
        np.testing.assert_allclose(task.within[fold], left.T @ left / len(X), atol=1e-9)
        np.testing.assert_allclose(task.square[fold, :, 0], (X**2).mean(axis=0))


def test_labels(held):
    task = both("multilabel", held)
    for fold in range(FOLDS):
        X, Y, _ = rows_of("multilabel", fold, held)
        for c in range(4):
            for y in (0, 1):
                own = Y[:, c] == y
                mean = X[own].mean(axis=0) if own.any() else np.zeros(2)
                assert task.share[fold, y, c] == pytest.approx(own.mean())
                np.testing.assert_allclose(task.mean[fold, y, c], mean, atol=1e-9)
        np.testing.assert_allclose(task.gram[fold], X.T @ X / len(X))
        np.testing.assert_allclose(task.square[fold, :, 0], (X**2).mean(axis=0))


def test_values_in_the_units_of_the_training_rows(held):
    task = both("regression", held)
    for fold in range(FOLDS):
        X, Y, trained = rows_of("regression", fold, held)
        size = trained.std(axis=0)
        size[1] = 1.0  # a constant has no unit
        Y = (Y - trained.mean(axis=0)) / size
        np.testing.assert_allclose(task.gram[fold], X.T @ X / len(X))
        np.testing.assert_allclose(task.cross[fold], X.T @ Y / len(X), atol=1e-9)
        np.testing.assert_allclose(task.x[fold, 0], X.mean(axis=0))
        np.testing.assert_allclose(task.y[fold, 0], Y.mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(task.yy[fold, 0], (Y**2).mean(axis=0), atol=1e-9)


def test_what_rounding_leaves_of_an_empty_class_is_no_mean():
    """A label of every row: sums of rows without it are zero but for rounding."""
    xy = np.array([[1.0 - 1e-16], [2.0]])
    one = Sums(2.0, np.array([1.0, 2.0]), np.eye(2), xy, np.array([2.0]), np.eye(1))
    task = likelihood([one], [one], "multilabel")
    assert isinstance(task, Labels)
    assert task.share[0, 0, 0] == 0.0
    assert (task.mean[0, 0] == 0.0).all()
    xy = np.column_stack([one.x, [1e-17, 0.0]])
    classes = Sums(2.0, one.x, one.xx, xy, np.array([2.0, 0.0]), np.diag([2.0, 0.0]))
    assert (likelihood([classes], [classes], "classes").mean[0, 1] == 0.0).all()


def test_a_fold_without_rows_has_sums_of_nothing():
    found = sums(naive_signature(np.ones((1, 2)), np.ones((1, 1))), [2], np.eye(2), 1.0)
    assert found.n == 1.0  # so that nothing divides by 0
    assert not found.xx.any()


# ------------------------------------------------------------------------- thinning


def whole(kind, n=90, seed=3, shares=(0.5, 0.3, 0.19, 0.01)):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, D)) @ rng.normal(size=(D, D)) + [1.0, 0.0, -1.0]
    if kind == "regression":
        Y = X @ rng.normal(size=(D, 2)) + rng.normal(size=(n, 2))
    elif kind == "multilabel":
        Y = (rng.random((n, 2)) < 0.4).astype(float)
    else:
        codes = np.repeat(np.arange(4), np.round(np.array(shares) * n).astype(int))
        X, Y = X[: len(codes)] + codes[:, None], one_hot(codes, 4)
    return Sums(float(len(X)), X.sum(0), X.T @ X, X.T @ Y, Y.sum(0), Y.T @ Y)


def root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors @ np.diag(np.sqrt(np.maximum(values, 0.0))) @ vectors.T


@pytest.mark.parametrize("rows", [7, 20, 60])
def test_thinned_classes(rows):
    s = whole("classes")
    found = thinned(s, rows, "classes", np.random.default_rng(5))
    draws = np.random.default_rng(5)
    counts = np.array([round(y * rows / s.n) for y in s.y])
    means = [s.xy[:, c] / s.y[c] for c in range(4)]
    spread = s.xx / s.n - sum(s.y[c] / s.n * np.outer(means[c], means[c]) for c in range(4))
    first = draws.standard_normal((4, D))
    place = np.argsort([m @ direction(D) for m in means])
    off = np.empty((4, D))
    for k, c in enumerate(place):
        off[c] = first[k] / math.sqrt(max(counts[c], 1)) @ root(spread)
    # As many degrees of freedom within classes as rows less the classes that are there.
    inner = draws.standard_normal((counts.sum() - (counts > 0).sum(), D)) @ root(spread)
    assert found.n == counts.sum()
    assert found.y.tolist() == counts.tolist()
    np.testing.assert_array_equal(found.yy, np.diag(counts))
    xx = inner.T @ inner
    for c in range(4):
        mean = means[c] + off[c]
        np.testing.assert_allclose(found.xy[:, c], counts[c] * mean, atol=1e-9)
        xx = xx + counts[c] * np.outer(mean, mean)
    np.testing.assert_allclose(found.x, found.xy.sum(axis=1))
    np.testing.assert_allclose(found.xx, xx, atol=1e-9)
    assert (counts == 0).sum() == 1 if rows < 50 else (counts > 0).all()


@pytest.mark.parametrize("kind", ["regression", "multilabel"])
def test_thinned_values_and_labels(kind):
    s, rows = whole(kind), 20
    found = thinned(s, rows, kind, np.random.default_rng(5))
    mean = np.concatenate([s.x, s.y]) / s.n
    joint = np.block([[s.xx, s.xy], [s.xy.T, s.yy]]) / s.n - np.outer(mean, mean)
    draws = np.random.default_rng(5).standard_normal((rows, D + 2))
    place = np.argsort(direction(D) @ joint[:D, D:])
    turned = draws.copy()
    for k, c in enumerate(place):
        turned[:, D + c] = draws[:, D + k]
    Z = turned @ root(joint) + mean
    X, Y = Z[:, :D], Z[:, D:]
    assert found.n == rows
    np.testing.assert_allclose(found.x, X.sum(axis=0))
    np.testing.assert_allclose(found.xx, X.T @ X)
    np.testing.assert_allclose(found.xy, X.T @ Y)
    own = kind == "multilabel"
    np.testing.assert_allclose(found.y, s.y / s.n * rows if own else Y.sum(axis=0))
    np.testing.assert_allclose(found.yy, s.yy / s.n * rows if own else Y.T @ Y)


def test_only_larger_tasks_are_thinned():
    signature = naive_signature(*drawn("regression"), kind="regression")
    kept = [int((fold != THERE).sum()) for fold in range(FOLDS)]
    plain = [s.n for s in training(signature, BASIS, SCALE)[1]]
    assert plain == kept
    assert {31, 32} == set(kept)
    assert [s.n for s in training(signature, BASIS, SCALE, 31)[1]] == [31.0] * FOLDS
    same = training(signature, BASIS, SCALE, 32)[1]
    for s, fold in zip(same, range(FOLDS), strict=True):
        X, _, _ = rows_of("regression", fold, held=False)
        np.testing.assert_allclose(s.x, X.sum(axis=0))


def test_folds_draw_their_own_rows():
    signature = naive_signature(*drawn("regression"), kind="regression")
    found = training(signature, BASIS, SCALE, 10)[1]
    for fold, s in enumerate(found):
        others = [f for f in range(FOLDS) if f != fold]
        rng = np.random.default_rng(fold)
        expected = thinned(sums(signature, others, BASIS, SCALE), 10, "regression", rng)
        np.testing.assert_array_equal(s.xx, expected.xx)
