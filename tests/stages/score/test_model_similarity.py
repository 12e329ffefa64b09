from __future__ import annotations

import numpy as np
import pytest
from builders import SETTINGS, draw, many_rows, one_hot, row_ridge, view
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score import model_similarity as ms
from taskaff.stages.score.jackknife import t_quantile
from taskaff.stages.score.ridge import model
from taskaff.stages.score.subspaces import chance_cosine, inverse_root, projection_share

ALL = (
    ms.model_similarity,
    ms.head_energy_share,
    ms.model_similarity_metric,
    ms.head_energy_share_metric,
)


def root(C):
    v, V = np.linalg.eigh(C)
    return (V * np.sqrt(np.maximum(v, 0))) @ V.T


def oracle(thetas, C=None):
    """Cosines and shares by orthonormal bases of explicitly transformed models."""
    k = len(thetas)
    cosines, shares = np.zeros((k, k)), np.zeros((k, k))
    for t in range(k):
        W = np.eye(len(thetas[t])) if C is None else root(C[t])
        for s in range(k):
            bases = []
            for theta in (W @ thetas[s], W @ thetas[t]):
                U, sizes, _ = np.linalg.svd(theta, full_matrices=False)
                bases.append(U[:, sizes > 1e-9 * sizes[0]])
            cosines[s, t] = np.linalg.norm(bases[0].T @ bases[1], 2)
            target = W @ thetas[t]
            shares[s, t] = (np.linalg.norm(bases[0].T @ target) / np.linalg.norm(target)) ** 2
    return cosines, shares


def mixed_tasks():
    X, Y = draw(60, 6, 1, seed=1)
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, 80)
    Z = rng.normal(size=(80, 6)) + 0.8 * codes[:, None] * np.arange(6) / 3
    M, L = draw(50, 6, 2, seed=4)
    return [
        (X, Y, "regression"),
        (Z, one_hot(codes, 3), "classes"),
        (Z + 1, one_hot((codes > 0).astype(int), 2), "classes"),
        (M, (L > 0).astype(float), "multilabel"),
    ]


def test_every_label_kind_against_every_other_by_rows():
    tasks = mixed_tasks()
    views = [view(X, Y, f"t{i}", kind) for i, (X, Y, kind) in enumerate(tasks)]
    thetas = [row_ridge(X, Y, model(v).level)[0] for (X, Y, _), v in zip(tasks, views, strict=True)]
    C = [np.cov(X.T, bias=True) for X, _, _ in tasks]
    plain, metric = oracle(thetas), oracle(thetas, C)
    for score, want in zip(ALL, (*plain, *metric), strict=True):
        table = score(views, SETTINGS)
        np.testing.assert_allclose(table.extras["measured"], want, atol=1e-9)
        np.testing.assert_allclose(table.value, want - table.extras["chance"], atol=1e-9)
        assert table.name == score.__name__
        assert not table.notes
        assert np.isfinite(table.low).all()
        assert (table.low <= table.value + 1e-12).all()
        assert (table.high >= table.value - 1e-12).all()
        assert table.explain.endswith(".")


def test_one_column_is_the_papers_cosine():
    a, b = draw(60, 5, 1, seed=1), draw(70, 5, 1, seed=2)
    views = [view(*a, name="a"), view(*b, name="b")]
    u, w = (model(v).theta[:, 0] for v in views)
    want = abs(u @ w) / np.linalg.norm(u) / np.linalg.norm(w)
    table = ms.model_similarity(views, SETTINGS)
    assert table.extras["measured"][0, 1] == pytest.approx(want, abs=1e-12)
    share = ms.head_energy_share(views, SETTINGS)
    assert share.extras["measured"][0, 1] == pytest.approx(want**2, abs=1e-12)
    assert share.extras["chance"][0, 1] == pytest.approx(1 / 5)
    assert not table.directed
    np.testing.assert_allclose(table.value, table.value.T, atol=1e-12)


def test_a_negated_task_is_the_same_task():
    X, Y = draw(60, 5, 1)
    views = [view(X, Y, "a"), view(X, -Y, "b")]
    for score in ALL:
        assert score(views, SETTINGS).extras["measured"][0, 1] == pytest.approx(1.0)


@settings(max_examples=10)
@given(st.permutations(range(4)))
def test_renaming_the_classes_changes_nothing(order):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 80)
    X = rng.normal(size=(80, 5)) + codes[:, None]
    other = view(*draw(60, 5, 2, seed=9), name="other")
    before = [view(X, one_hot(codes, 4), "a", "classes"), other]
    after = [view(X, one_hot(codes, 4)[:, list(order)], "a", "classes"), other]
    for score in ALL:
        a, b = score(before, SETTINGS), score(after, SETTINGS)
        np.testing.assert_allclose(a.value, b.value, atol=1e-9)
        np.testing.assert_allclose(a.low, b.low, atol=1e-8)


def test_intervals_are_the_delete_one_fold_jackknife():
    (X, Y), (Z, W) = draw(60, 4, 1, seed=1), draw(60, 4, 1, seed=2)
    views = [view(X, Y, "a"), view(Z, W, "b")]
    level = [model(v).level for v in views]
    folds = np.arange(60) % 4

    def share(keep):
        thetas = [
            row_ridge(X[keep], Y[keep], level[0])[0],
            row_ridge(Z[keep], W[keep], level[1])[0],
        ]
        C = [np.cov(X[keep].T, bias=True), np.cov(Z[keep].T, bias=True)]
        return oracle(thetas, C)[1][0, 1]

    left_out = np.array([share(folds != f) for f in range(4)])
    value = share(folds >= 0)
    reach = t_quantile(0.8) * np.sqrt(3 / 4 * ((left_out - left_out.mean()) ** 2).sum())
    table = ms.head_energy_share_metric(views, ScoreSettings(confidence=0.8))
    chance = table.extras["chance"][0, 1]
    assert table.low[0, 1] == pytest.approx(max(value - reach, 0.0) - chance, abs=1e-9)
    assert table.high[0, 1] == pytest.approx(min(value + reach, 1.0) - chance, abs=1e-9)
    assert np.isnan(ms.model_similarity(views, ScoreSettings(intervals=False)).low).all()


@pytest.mark.parametrize(
    ("r1", "r2", "d", "within"),
    [(1, 1, 10, 0.01), (1, 4, 20, 0.01), (4, 1, 20, 0.01), (5, 5, 10, 0.01),
     (2, 2, 50, 0.01), (2, 4, 6, 0.01),
     (3, 5, 50, 0.01), (5, 20, 50, 0.01), (5, 5, 200, 0.01)],
)  # fmt: skip
def test_chance_level_against_random_spaces(r1, r2, d, within):
    rng = np.random.default_rng(7)
    Q = np.linalg.qr(rng.normal(size=(2000, d, r2)))[0][:, :r1]
    drawn = np.linalg.svd(Q, compute_uv=False)[:, 0].mean()
    assert chance_cosine(r1, r2, d) == pytest.approx(drawn, abs=within)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(2, 80))
def test_chance_level_is_a_cosine_and_is_symmetric(r1, r2, d):
    level = chance_cosine(r1, r2, d)
    assert 0.0 <= level <= 1.0
    assert level == chance_cosine(r2, r1, d)
    if r1 + r2 > d:
        assert level == 1.0


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_random_projections_in_a_metric(rank):
    v = np.geomspace(1.0, 0.02, 30)
    rng = np.random.default_rng(5)
    Q = np.linalg.qr(np.sqrt(v)[:, None] * rng.normal(size=(3000, 30, rank)))[0]
    drawn = (Q**2).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(projection_share(v, rank), drawn, atol=0.06)
    assert projection_share(v, rank).sum() == pytest.approx(rank)
    np.testing.assert_allclose(projection_share(np.ones(30), rank), rank / 30)
    np.testing.assert_array_equal(projection_share(np.array([0.0, 1.0, 1.0]), 2), [0, 1, 1])


def test_unrelated_tasks_read_about_zero_and_related_ones_do_not():
    rng = np.random.default_rng(0)
    w = rng.normal(size=30)
    tasks = [many_rows(*draw(3000, 30, 1, s, w, noise=3.0), name=f"w{s}") for s in range(3)]
    tasks += [many_rows(*draw(3000, 30, 1, 10 + s, None), name=f"r{s}") for s in range(12)]
    for score in ALL:
        value = score(tasks, SETTINGS).value
        assert value[:3, :3].min() > 0.6
        unrelated = value[3:, 3:][~np.eye(12, dtype=bool)]
        assert abs(unrelated.mean()) < 0.06


def test_zero_padding_changes_nothing():
    (X, Y), (Z, W) = draw(60, 5, 1, seed=1), draw(60, 5, 1, seed=2)
    pad = np.zeros((60, 10))
    plain = [view(X, Y, "a"), view(Z, W, "b")]
    padded = [view(np.hstack([X, pad]), Y, "a"), view(np.hstack([Z, pad]), W, "b")]
    for score in ALL:
        a, b = score(plain, SETTINGS), score(padded, SETTINGS)
        np.testing.assert_allclose(a.value, b.value, atol=1e-9)
        np.testing.assert_allclose(a.high, b.high, atol=1e-9)


def test_a_padded_task_beside_a_wide_one():
    X, Y = draw(60, 4, 1)
    wide = view(*draw(60, 8, 1, seed=3), name="wide")
    narrow = view(np.hstack([X, np.zeros((60, 4))]), Y, "narrow")
    table = ms.head_energy_share([narrow, wide], SETTINGS)
    np.testing.assert_allclose(table.extras["chance"], [[1 / 4, 1 / 8], [1 / 8, 1 / 8]])
    blind = np.hstack([np.zeros((60, 4)), X])
    apart = ms.model_similarity([narrow, view(blind, Y, "blind")], SETTINGS)
    assert apart.value[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_more_columns_than_dimensions_say_nothing():
    codes = np.arange(120) % 6
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3)) + codes[:, None]
    tasks = [view(X, one_hot(codes, 6), "a", "classes"), view(*draw(60, 3, 3), name="b")]
    table = ms.model_similarity(tasks, SETTINGS)
    assert table.value[0, 1] == pytest.approx(0.0)
    assert "says nothing" in table.notes[0, 1]


def test_undefined_tasks_are_noted_and_leave_the_others_alone():
    a, b = draw(60, 5, 1, seed=1), draw(60, 5, 1, seed=2)
    tasks = [view(*a, name="a"), view(a[0], name="bare"), view(*b, name="b"),
             view(a[0], one_hot(np.zeros(60, int), 1), "one", "classes"),
             view(a[0][:9], a[1][:9], "tiny")]  # fmt: skip
    for score in ALL:
        table = score(tasks, SETTINGS)
        pair = score([tasks[0], tasks[2]], SETTINGS)
        np.testing.assert_allclose(table.value[np.ix_([0, 2], [0, 2])], pair.value, atol=1e-12)
        for i, words in ((1, "no labels"), (3, "do not vary"), (4, "9 rows")):
            assert np.isnan(table.value[i]).all()
            assert np.isnan(table.value[:, i]).all()
            assert words in table.notes[0, i]
            assert words in table.notes[i, 2]


def test_permuted_labels_fall_to_chance():
    rng = np.random.default_rng(1)
    X, Y = draw(800, 20, 1, noise=0.5)
    tasks = [view(X, Y, "a"), view(*draw(800, 20, 1, 5, noise=0.5), name="b")]
    shuffled = [tasks[0], view(X, rng.permutation(Y), "p")]
    assert ms.model_similarity(shuffled, SETTINGS).value[0, 1] < 0.35
    assert ms.model_similarity([tasks[0], tasks[0]], SETTINGS).value[0, 1] > 0.8


def test_duplicated_rows_and_subsets_are_not_special():
    X, Y = draw(80, 4, 1)
    folds = np.arange(80) % 4
    twice = view(np.vstack([X, X]), np.vstack([Y, Y]), "twice", folds=np.tile(folds, 2))
    part = view(X[:40], Y[:40], "part", folds=folds[:40])
    for score in ALL:
        table = score([view(X, Y, "whole"), twice, part], SETTINGS)
        assert table.extras["measured"][0, 1] == pytest.approx(1.0, abs=1e-9)
        assert np.isfinite(table.value).all()


def test_inverse_root_of_a_singular_matrix():
    M = np.diag([4.0, 0.0, 1.0])
    np.testing.assert_allclose(inverse_root(M), np.diag([0.5, 0.0, 1.0]))
    np.testing.assert_array_equal(inverse_root(np.zeros((2, 2, 2))), np.zeros((2, 2, 2)))
