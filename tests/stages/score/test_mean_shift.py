from __future__ import annotations

import numpy as np
import pytest
from builders import naive_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import shift_interval, squared_shift

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.mean_shift import mean_shift
from taskaff.stages.score.task_statistics import TaskView


def table(tasks, folds=None, **changes):
    folds = folds or [np.arange(len(X)) % 4 for X in tasks]
    views = [
        TaskView(naive_signature(X, name=str(i), folds=f))
        for i, (X, f) in enumerate(zip(tasks, folds, strict=True))
    ]
    return mean_shift(views, ScoreSettings(min_rows=1, **changes))


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 8), n=st.integers(12, 60))
@settings(deadline=None, max_examples=40)
def test_agrees_with_the_naive_formula(seed, d, n):
    rng = np.random.default_rng(seed)
    tasks = [rng.normal(size=(n + i, d)) + rng.normal(size=d) for i in (0, 9)]
    folds = [rng.permutation(np.arange(len(X)) % 4) for X in tasks]
    found = table(tasks, folds)
    arguments = tasks[0], folds[0], tasks[1], folds[1]
    expected = np.sqrt(max(squared_shift(*arguments), 0))
    assert found.value[0, 1] == pytest.approx(expected, abs=1e-9)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx(
        shift_interval(*arguments), abs=1e-9
    )


def test_blocks_of_tasks_are_all_tasks(monkeypatch):
    rng = np.random.default_rng(3)
    tasks = [rng.normal(size=(40, 3)) + rng.normal(size=3) for _ in range(7)]
    whole = table(tasks)
    monkeypatch.setattr("taskaff.stages.score.mean_shift.BLOCK", 2)
    blocks = table(tasks)
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name), atol=1e-12)


def test_a_shift_worked_by_hand():
    """Values -1, 1 in every fold (variance 8/7); the second has 2 more in one of 2 columns."""
    X = np.tile([[-1.0, -1.0], [1.0, 1.0]], (4, 1))
    folds = np.repeat(np.arange(4), 2)
    found = table([X, X + np.array([2.0, 0.0])], [folds, folds])
    assert found.value[0, 1] == pytest.approx(np.sqrt((2.0**2 / (8 / 7) + 0.0) / 2), abs=1e-12)
    # The folds agree exactly, so the interval is the value.
    assert found.low[0, 1] == pytest.approx(found.high[0, 1], abs=1e-9)


def test_identical_files_are_exactly_zero():
    X = np.random.default_rng(0).normal(size=(50, 6)) + 3
    found = table([X, X.copy()])
    assert found.value[0, 1] == 0.0
    assert (found.low[0, 1], found.high[0, 1]) == (0.0, 0.0)


@pytest.mark.parametrize("n", [16, 60, 400])
def test_the_square_is_unbiased_at_any_number_of_rows(n):
    """Means 0.5 standard deviations apart in each of 10 columns; uncorrected, n = 16 reads 0.61."""
    rng = np.random.default_rng(1)
    squares = []
    for _ in range(4800 // n):
        tasks = [rng.normal(size=(n, 10)), rng.normal(size=(n, 10)) + 0.5]
        squares.append(table(tasks, intervals=False).value[0, 1] ** 2)
    assert np.sqrt(np.mean(squares)) == pytest.approx(0.5, abs=0.04)


def test_scale_of_each_column_changes_nothing():
    rng = np.random.default_rng(2)
    A, B = rng.normal(size=(30, 4)), rng.normal(size=(40, 4)) + 1
    scale = np.array([1e-3, 1.0, 50.0, 1e4])
    assert table([A * scale, B * scale]).value[0, 1] == pytest.approx(table([A, B]).value[0, 1])


def test_columns_that_vary_in_neither_task_do_not_count():
    rng = np.random.default_rng(3)
    A, B = rng.normal(size=(30, 2)), rng.normal(size=(40, 2)) + 1
    padded = [np.pad(X, ((0, 0), (0, 3))) for X in (A, B)]
    found = table(padded)
    assert found.value[0, 1] == pytest.approx(table([A, B]).value[0, 1], abs=1e-12)
    assert not found.notes


def test_columns_constant_at_different_values_are_named():
    rng = np.random.default_rng(3)
    A, B = (np.c_[rng.normal(size=(30, 2)), np.full(30, c)] for c in (0.1, 0.2))
    assert "constant in both tasks" in table([A, B]).notes[0, 1]


def test_no_varying_column_at_all():
    found = table([np.full((20, 3), 0.1), np.full((30, 3), 0.1)])
    assert found.at(0, 1).value is None
    assert found.notes[0, 1] == "no column varies in either task"


def test_tasks_without_a_common_pair_of_folds():
    rng = np.random.default_rng(5)
    folds = [np.arange(20) % 2, np.arange(20) % 2 + 1]
    found = table([rng.normal(size=(20, 3)) for _ in range(2)], folds)
    assert found.at(0, 1).value is None
    assert "common fold" in found.notes[0, 1]
