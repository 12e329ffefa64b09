from __future__ import annotations

import numpy as np
import pytest
from builders import SETTINGS, draw, many_rows, one_hot, row_ridge, view
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.capacity import capacity, capacity_grid
from taskaff.stages.score.reduced_rank import Problem, single_task_ranks
from taskaff.stages.score.ridge import model


def problem(k, d, seed=0, equal=False, widths=None):
    """Covariances, label covariances, and the same with one covariance for all."""
    rng = np.random.default_rng(seed)
    widths = widths or [1 + i % 3 for i in range(k)]
    C = []
    for _ in range(k):
        X = rng.normal(size=(4 * d, d)) * rng.uniform(0.3, 2.0, d)
        C.append(X.T @ X / (4 * d))
    C = np.stack(C[:1] * k if equal else C)
    return C, [rng.normal(size=(d, w)) for w in widths]


def objective(C, S, models):
    return sum(float((m * (c @ m - 2 * s)).sum()) for c, s, m in zip(C, S, models, strict=True))


@settings(max_examples=20)
@given(st.integers(2, 5), st.integers(3, 10), st.integers(1, 5), st.integers(0, 10**6))
def test_objective_never_rises(k, d, r, seed):
    C, S = problem(k, d, seed)
    _, trace = Problem(C, S).solve(min(r, d))
    assert np.isfinite(trace).all()
    assert (np.diff(trace) <= 1e-9 * np.abs(trace[0])).all()


def test_enough_capacity_gives_the_single_task_solutions():
    """Proposition 1."""
    C, S = problem(4, 9, widths=[1, 1, 1, 1])
    exact = [np.linalg.solve(c, s) for c, s in zip(C, S, strict=True)]
    for r in (4, 5, 9, 20):
        for got, want in zip(Problem(C, S).models(r), exact, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-9)
    inside, _ = Problem(C, S).solve(4)  # the alternating steps themselves stay at that optimum
    assert Problem(C, S).objective(*inside) == pytest.approx(objective(C, S, exact), rel=1e-9)
    short = objective(C, S, Problem(C, S).models(3))
    assert short > objective(C, S, exact) + 1e-3


@pytest.mark.parametrize("r", [1, 2, 3])
def test_equal_covariances_have_the_closed_form(r):
    """Proposition 5: the span of ``V D^(-1/2) C*`` with ``C*`` the top of ``sum U'y y'U``."""
    C, S = problem(4, 8, equal=True)
    values, V = np.linalg.eigh(C[0])
    white = [(V / np.sqrt(values)).T @ s for s in S]
    top = np.linalg.eigh(sum(w @ w.T for w in white))[1][:, -r:]
    want = np.linalg.qr((V / np.sqrt(values)) @ top)[0]
    solved = Problem(C, S)
    (B, _), trace = solved.solve(r)
    got = np.linalg.qr(solved.back @ B)[0]
    np.testing.assert_allclose(got @ got.T, want @ want.T, atol=1e-7)
    least = -sum(float(((top.T @ w) ** 2).sum()) for w in white)
    assert trace[-1] == pytest.approx(least, rel=1e-9)


def test_orthogonal_tasks_of_the_papers_example():
    """A.2.1: ``X_i = I``, ``y_i = e_i``: the error of capacity ``r`` is ``k - r``."""
    k = 5
    C, S = np.stack([np.eye(k)] * k), [np.eye(k)[:, [i]] for i in range(k)]
    for r in range(1, k + 1):
        assert k + objective(C, S, Problem(C, S).models(r)) == pytest.approx(k - r, abs=1e-9)


@pytest.mark.parametrize("r", [1, 2, 4])
def test_alternating_steps_reach_what_many_random_starts_reach(r):
    C, S = problem(5, 6, seed=3)
    best = np.inf
    rng = np.random.default_rng(0)
    for _ in range(6):  # plain alternating least squares with an explicit vec-solve
        B = rng.normal(size=(6, r))
        for _ in range(50):
            A = [np.linalg.solve(B.T @ c @ B, B.T @ s) for c, s in zip(C, S, strict=True)]
            left = sum(np.kron(c, a @ a.T) for c, a in zip(C, A, strict=True))
            right = sum(s @ a.T for s, a in zip(S, A, strict=True))
            B = np.linalg.qr(np.linalg.solve(left, right.ravel()).reshape(6, r))[0]
        A = [np.linalg.solve(B.T @ c @ B, B.T @ s) for c, s in zip(C, S, strict=True)]
        best = min(best, objective(C, S, [B @ a for a in A]))
    got = objective(C, S, Problem(C, S).models(r))
    assert got <= best + 0.01 * abs(best)


def test_single_task_ranks_are_the_best_and_end_at_the_full_model():
    C, S = problem(1, 6, widths=[4])
    models = single_task_ranks(C[0], S[0])
    np.testing.assert_allclose(models[-1], np.linalg.solve(C[0], S[0]), atol=1e-9)
    assert [np.linalg.matrix_rank(m) for m in models] == [1, 2, 3, 4]
    rng = np.random.default_rng(0)
    for rank, got in enumerate(models[:3], 1):
        least = objective(C, S, [got])
        for _ in range(50):
            near = got + 0.05 * rng.normal(size=got.shape)
            U, s, W = np.linalg.svd(near, full_matrices=False)
            assert objective(C, S, [(U[:, :rank] * s[:rank]) @ W[:rank]]) >= least - 1e-12


def shared_tasks(k, true, n, d=20, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    B = np.linalg.qr(rng.normal(size=(d, true)))[0]
    thetas = [B @ rng.normal(size=true) * 2 for _ in range(k)]
    return [
        many_rows(*draw(n, d, 1, seed + i + 1, theta, noise), name=f"t{i}")
        for i, theta in enumerate(thetas)
    ]


def test_finds_the_capacity_that_the_tasks_share():
    found = capacity(shared_tasks(8, 2, 300), SETTINGS)
    assert found.recommended == 2
    assert [p.r for p in found.curve] == [1, 2, 3, 4, 6, 8]
    assert found.single == {f"t{i}": 1 for i in range(8)}
    assert found.upper_bound == 8
    errors = [p.error for p in found.curve]
    assert errors[1] < errors[0]
    assert errors[1] < errors[-1]
    assert found.note == ""


def test_full_capacity_is_the_single_task_error_by_rows():
    views = [view(*draw(60, 5, 2, s), name=f"t{s}") for s in (1, 2, 3)]
    points = capacity(views, SETTINGS).curve
    want = []
    for f in range(4):
        errors = []
        for s, v in zip((1, 2, 3), views, strict=True):
            X, Y = draw(60, 5, 2, s)
            held = np.arange(60) % 4 == f
            theta, x, y = row_ridge(X[~held], Y[~held], model(v).level)
            rest = Y[held] - y - (X[held] - x) @ theta
            errors.append((rest**2).sum() / held.sum() / Y.var(0).sum())
        want.append(np.mean(errors))
    assert points[-1].r == 5
    assert points[-1].error == pytest.approx(np.mean(want), abs=1e-9)
    assert points[-1].stderr == pytest.approx(np.std(want, ddof=1) / 2, abs=1e-9)


def test_says_when_nothing_is_transferred():
    rng = np.random.default_rng(0)
    tasks = [
        many_rows(*draw(4000, 6, 1, s, rng.normal(size=6), 0.5), name=f"t{s}") for s in range(3)
    ]
    found = capacity(tasks, SETTINGS)
    assert found.recommended == 3
    assert "nothing is transferred" in found.note


def test_own_grid_of_capacities():
    found = capacity(shared_tasks(4, 2, 200), ScoreSettings(capacities=(3, 1, 50)))
    assert [p.r for p in found.curve] == [1, 3, 50]


def test_grid():
    assert capacity_grid(1) == [1]
    assert capacity_grid(5) == [1, 2, 3, 4, 5]
    assert capacity_grid(30) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 30]


def test_classes_take_one_dimension_less_than_they_are():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 400)
    X = rng.normal(size=(400, 8)) + 2.0 * np.eye(8)[codes]
    tasks = [view(X, one_hot(codes, 4), "four", "classes"),
             view(X, one_hot((codes > 1).astype(int), 2), "two", "classes")]  # fmt: skip
    found = capacity(tasks, SETTINGS)
    assert found.single == {"four": 3, "two": 1}
    assert found.curve[-1].r == 4
    assert found.recommended == 3


def test_too_few_labelled_tasks():
    X, Y = draw(60, 4, 1)
    one = capacity([view(X, Y, "a"), view(X, name="bare")], SETTINGS)
    assert one.recommended is None
    assert one.curve == ()
    assert one.single == {"a": 1}
    assert "two labelled tasks" in one.note
    assert "'bare' has no labels" in one.note
    none = capacity([view(X, name="a"), view(X, name="b")], SETTINGS)
    assert none.recommended is None
    assert none.upper_bound is None


def test_degenerate_tasks_in_the_mix_give_finite_numbers():
    rng = np.random.default_rng(0)
    X, Y = draw(60, 5, 1)
    wide = np.hstack([X, np.zeros((60, 2))])
    rare = np.zeros(60, int)
    rare[3] = 1
    tasks = [
        view(wide, Y, "padded"),
        view(wide, rng.permutation(Y), "permuted"),
        view(np.repeat(wide[:12], 5, axis=0), Y, "duplicates", folds=np.arange(60) // 5 % 4),
        view(wide[:10], Y[:10], "few"),
        view(wide, one_hot(rare, 2), "rare", "classes"),
        view(wide[:30], Y[:30], "three folds", folds=np.arange(30) % 3),
        view(wide, np.zeros(60), "flat"),
    ]  # fmt: skip
    found = capacity(tasks, SETTINGS)
    assert found.recommended is not None
    assert all(np.isfinite([p.error, p.stderr]).all() for p in found.curve)
    assert "'flat'" in found.note
    assert "flat" not in found.single


def test_tasks_without_any_signal_have_models_of_zero():
    """The heads are exactly 0, and dividing by their squares would make infinities."""
    silent = Problem(np.stack([np.eye(3), 2.0 * np.eye(3)]), [np.zeros((3, 1)), np.zeros((3, 2))])
    for r in (1, 2, 3):
        assert all((model == 0).all() for model in silent.models(r))
