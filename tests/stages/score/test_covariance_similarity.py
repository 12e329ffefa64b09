from __future__ import annotations

import numpy as np
import pytest
from builders import naive_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import equation_6, similarity_interval

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.covariance_similarity import covariance_similarity, truncate
from taskaff.stages.score.task_statistics import TaskView


def table(*tasks, **changes):
    views = [
        TaskView(naive_signature(np.array(X, float), name=str(i))) for i, X in enumerate(tasks)
    ]
    return covariance_similarity(views, ScoreSettings(min_rows=1, **changes))


def diagonal(*eigenvalues):
    """Rows whose ``X'X`` is the diagonal matrix of these eigenvalues."""
    return np.diag(np.sqrt(np.array(eigenvalues, dtype=float)))


def turned(X, angle):
    c, s = np.cos(angle), np.sin(angle)
    return X @ np.array([[c, -s], [s, c]])


# Worked by hand from sqrt(tr(T1 T2) / (tr T1 tr T2)).
@pytest.mark.parametrize(
    ("A", "B", "expected"),
    [
        # One direction each: the cosine between the directions.
        (diagonal(4, 0), diagonal(9, 0), 1.0),
        (diagonal(4, 0), diagonal(0, 9), 0.0),
        (diagonal(4, 0), turned(diagonal(4, 0), np.pi / 3), 0.5),
        # The identity with itself: sqrt(2 / (2 * 2)). A task does not reach 1 with itself.
        (diagonal(1, 1), diagonal(1, 1), np.sqrt(1 / 2)),
        # diag(3, 1) with itself: sqrt((9 + 1) / 16); with diag(1, 3): sqrt(6 / 16).
        (diagonal(3, 1), diagonal(3, 1), np.sqrt(10 / 16)),
        (diagonal(3, 1), diagonal(1, 3), np.sqrt(6 / 16)),
        # 99 of 100 is exactly 99 %: the last eigenvalue goes, and diag(99) meets diag(1, 1).
        (diagonal(99, 1), diagonal(1, 1), np.sqrt(99 / (99 * 2))),
        # 98 of 100 is not enough: both stay, (98 + 2) / (100 * 2).
        (diagonal(98, 2), diagonal(1, 1), np.sqrt(100 / (100 * 2))),
        # 100 + 99 of 200.5 is 99.25 %: the 1.5 goes; (100 * 100 + 99 * 99) / 199^2.
        (diagonal(100, 99, 1.5), diagonal(100, 99, 1.5), np.sqrt(19801 / 199**2)),
        # Not centred: two rows (1, 0) and (1, 0) are one direction, not "no variation".
        ([[1, 0], [1, 0]], diagonal(4, 0), 1.0),
    ],
)
def test_golden_values(A, B, expected):
    found = table(A, B).value
    assert found[0, 1] == pytest.approx(expected, abs=1e-12)
    assert found[1, 0] == found[0, 1]


def test_a_share_of_one_keeps_everything():
    assert table(diagonal(99, 1), diagonal(0, 1), trace_share=1.0).value[0, 1] == pytest.approx(0.1)
    assert table(diagonal(99, 1), diagonal(0, 1)).value[0, 1] == pytest.approx(0.0, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 12), n=st.integers(8, 60))
@settings(deadline=None, max_examples=60)
def test_agrees_with_the_naive_formula(seed, d, n):
    rng = np.random.default_rng(seed)
    tasks = [rng.normal(size=(n + i, d)) * rng.uniform(0.01, 3, d) + rng.normal() for i in (0, 4)]
    found = table(*tasks)
    assert found.value[0, 1] == pytest.approx(equation_6(*tasks), abs=1e-9)
    assert found.value[0, 0] == pytest.approx(equation_6(tasks[0], tasks[0]), abs=1e-9)
    folds = [np.arange(len(X)) % 4 for X in tasks]
    expected = similarity_interval(tasks[0], folds[0], tasks[1], folds[1])
    # The spread between folds is computed in float32.
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_the_truncation_is_the_best_approximation(share):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 20)) * np.linspace(2, 0.1, 20)
    values, vectors = np.linalg.eigh(X.T @ X)
    order = np.argsort(values)[::-1]
    rank = 1 + int(np.argmax(np.cumsum(values[order]) >= share * values.sum() * (1 - 1e-12)))
    kept = vectors[:, order[:rank]]
    expected = kept @ np.diag(values[order[:rank]]) @ kept.T
    np.testing.assert_allclose(truncate(X.T @ X, share), expected, atol=1e-10)


def test_rotation_of_the_columns_changes_nothing():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(50, 6)) + 1, rng.normal(size=(40, 6)) * np.arange(1, 7)
    Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert table(A @ Q, B @ Q).value[0, 1] == pytest.approx(table(A, B).value[0, 1], abs=1e-12)


def test_zero_vectors_are_undefined_and_say_so():
    found = table(np.zeros((20, 3)), np.ones((20, 3)))
    assert found.at(0, 1).value is None
    assert found.notes[0, 1] == "every vector of '0' is zero"
    assert found.at(1, 1).value == pytest.approx(1.0)


def test_many_tasks_take_the_threaded_path(monkeypatch):
    module = "taskaff.stages.score.grams.WORTH_THREADS"
    rng = np.random.default_rng(2)
    tasks = [rng.normal(size=(30, 5)) + i for i in range(5)]
    expected = table(*tasks).value
    monkeypatch.setattr(module, 0)
    np.testing.assert_allclose(table(*tasks).value, expected, rtol=0, atol=1e-12)
