from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import draw, one_hot, sketch, view
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.svd_weights import shared_rank, svd_weights
from taskaff.stages.score.task_weights import same_rows, task_weights


def test_printed_algorithm_on_an_example_worked_by_hand():
    # X = I_2, y_1 = (1, 0), y_2 = (2, 2), y_3 = (1, 0): X'Y = [[1, 2, 1], [0, 2, 0]], whose
    # X'Y (X'Y)' = [[6, 4], [4, 4]] has eigenvalues 5 +- sqrt 17, the first along (1 + sqrt 17, 4).
    thetas = [np.array([[1.0], [0.0]]), np.array([[2.0], [2.0]]), np.array([[1.0], [0.0]])]
    u = np.array([1 + np.sqrt(17), 4.0])
    u /= np.linalg.norm(u)
    got, rank = svd_weights(thetas, 1, normalise=False)
    np.testing.assert_allclose(got, [u[0], 2 * (u[0] + u[1]), u[0]], atol=1e-12)
    assert rank == 1
    full, rank = svd_weights(thetas, 3, normalise=False)
    np.testing.assert_allclose(full, [1.0, np.sqrt(8), 1.0])
    assert rank == 2


def test_printed_algorithm_on_rows():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 5)), rng.normal(size=(40, 4))
    thetas = X.T @ Y
    for r in (1, 2, 4):
        U = np.linalg.svd(thetas)[0][:, :r]
        got, _ = svd_weights([thetas[:, [i]] for i in range(4)], r, normalise=False)
        np.testing.assert_allclose(got, np.linalg.norm(thetas.T @ U, axis=1), atol=1e-9)


@given(st.integers(2, 6), st.integers(0, 10**6), st.floats(0.01, 100.0))
def test_weights_have_mean_one_and_do_not_depend_on_units_or_order(k, seed, unit):
    rng = np.random.default_rng(seed)
    thetas = [rng.normal(size=(7, 1 + i % 3)) for i in range(k)]
    weights, rank = svd_weights(thetas)
    assert weights.mean() == pytest.approx(1.0)
    assert 1 <= rank <= 7
    scaled, _ = svd_weights([unit * thetas[0], *thetas[1:]])
    np.testing.assert_allclose(scaled, weights, atol=1e-7)
    turned, _ = svd_weights(thetas[::-1])
    np.testing.assert_allclose(turned[::-1], weights, atol=1e-7)


def related(cosine, d=20):
    """Two directions with this cosine, and one at right angles to both."""
    e = np.eye(d)
    return [e[:, [0]], cosine * e[:, [0]] + np.sqrt(1 - cosine**2) * e[:, [1]], e[:, [2]]]


def test_rank_keeps_what_tasks_share():
    assert shared_rank(related(0.9)) == 1
    assert shared_rank(related(0.1)) == 3  # no more than chance: none stands out
    assert shared_rank([*related(0.9)[:2], *(theta[::-1] for theta in related(0.8)[:2])]) == 2
    assert shared_rank([np.zeros((5, 1)), np.zeros((5, 1))]) == 1
    weights, rank = svd_weights([np.eye(3)[:, [i]] for i in range(3)])
    np.testing.assert_allclose(weights, 1.0)
    assert rank == 3


def test_directions_that_noise_prefers_need_more():
    """Where most of ``X'X`` lies in one direction, labels of noise agree on it as well."""
    shared = related(0.8)
    assert shared_rank(shared) == 1
    assert shared_rank(shared, np.array([100.0, *np.ones(19)])) == 3


def test_a_label_of_pure_noise_has_not_the_largest_weight():
    """Its own direction may have more than the mean energy (1) by chance."""
    a, b, noise = related(0.906)
    noise = np.sqrt(1 - 0.25**2) * noise + 0.25 * (a - b) / np.linalg.norm(a - b)
    energies = np.linalg.svd(np.hstack([a, b, noise]), compute_uv=False) ** 2
    np.testing.assert_allclose(energies, [1.906, 1.0065, 0.0875], atol=1e-3)
    two, _ = svd_weights([a, b, noise], 2)
    assert two[2] > max(two[:2])
    weights, rank = svd_weights([a, b, noise])
    assert rank == 1
    assert weights[2] < 0.01 < 1.4 < min(weights[:2])


def test_a_noisy_label_column_is_weighted_down():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    w = rng.normal(size=20)
    scores = (X @ w)[:, None] + rng.normal(size=(2000, 4))
    noise = rng.random(2000) < 0.5
    labels = np.column_stack([scores > 0, noise]).astype(float)
    found = task_weights([view(X, labels, "m", "multilabel")])
    assert len(found) == 1
    assert found[0].tasks == ("y0", "y1", "y2", "y3", "y4")
    assert found[0].rank == 1
    assert np.mean(found[0].weights) == pytest.approx(1.0)
    assert found[0].weights[4] < 0.4 < 1.1 < min(found[0].weights[:4])


def test_labels_are_centred_so_a_frequent_one_is_no_direction():
    X, Y = draw(80, 5, 3, mean=4.0)
    a = task_weights([view(X, Y, "m", "multilabel")])[0]
    b = task_weights([view(X + 3.0, Y + np.array([5.0, 0.0, -9.0]), "m", "multilabel")])[0]
    np.testing.assert_allclose(a.weights, b.weights, atol=1e-9)
    theta = (X - X.mean(0)).T @ (Y - Y.mean(0))
    theta /= np.linalg.norm(theta, axis=0)
    U = np.linalg.svd(theta)[0][:, : a.rank]
    want = np.linalg.norm(theta.T @ U, axis=1)
    np.testing.assert_allclose(a.weights, want / want.mean(), atol=1e-9)


def test_data_sets_on_the_same_rows_form_a_group():
    X, Y = draw(60, 5, 2)
    codes = np.arange(60) % 3
    tasks = [
        view(X, Y[:, 0], "a"),
        view(X, one_hot(codes, 3), "b", "classes"),
        view(X[:50], Y[:50, 1], "subset"),
        view(X, Y[:, 1], "c"),
        view(X, name="bare"),
    ]
    found = task_weights(tasks)
    assert [w.tasks for w in found] == [("a", "b", "c")]
    assert "same rows" in found[0].note


def test_same_rows_is_about_content_not_order():
    X, Y = draw(60, 5, 1)
    order = np.random.default_rng(0).permutation(60)
    folds = np.arange(60) % 4
    a = view(X, Y, folds=folds).signature
    assert same_rows(a, view(X[order], Y[order], folds=folds[order]).signature)
    assert not same_rows(a, view(X + 1e-3, Y).signature)
    texts = dataclasses.replace(a, sketches={"train": sketch(np.arange(60))})
    assert not same_rows(a, texts)


def test_columns_that_do_not_vary_get_nothing_and_say_so():
    X, Y = draw(60, 4, 3)
    Y[:, 1] = 1.0
    found = task_weights([view(X, Y, "m", "multilabel")])[0]
    assert found.weights[1] == 0.0
    assert "y1" in found.note
    assert task_weights([view(X, np.ones((60, 2)), "m", "multilabel")]) == ()
    assert task_weights([view(X, Y[:, [0]], "m", "multilabel")]) == ()
    assert task_weights([view(X)]) == ()
