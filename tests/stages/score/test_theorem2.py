from __future__ import annotations

import math

import numpy as np
import pytest
from builders import SETTINGS, draw, many_rows, one_hot, view

from taskaff.stages.score.ridge import model
from taskaff.stages.score.theorem2 import MARGIN, theorem2, verdict


def test_numbers_of_the_formal_statement_from_rows():
    (X1, y1), (X2, y2) = draw(90, 4, 1, 1), draw(50, 4, 1, 2)
    views = [view(X1, y1, "source"), view(X2, y2, "target")]
    table = theorem2(views, SETTINGS)
    a, b = (model(v).theta[:, 0] for v in views)
    sine = math.sqrt(1 - (a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2)
    sizes = np.linalg.svd(X2 - X2.mean(0), compute_uv=False)
    kappa = sizes[0] / sizes[-1]
    assert table.value[0, 1] == pytest.approx(kappa * sine, rel=1e-9)
    assert table.extras["sine"][0, 1] == pytest.approx(sine)
    assert table.extras["condition"][0, 1] == pytest.approx(kappa)
    Sigma = np.cov(X1.T, bias=True)
    v = np.linalg.eigvalsh(Sigma)
    kappa_1, explained = v[-1] / v[0], a @ Sigma @ a
    residual = model(views[0]).error * y1.var()
    want = max(
        np.trace(Sigma) * v[-1] * math.log(4) / v[0] ** 2,
        kappa_1 * kappa**2 * 9 * ((y2 - y2.mean()) ** 2).sum() / explained,
        kappa_1**2 * kappa**4 * 81 * residual / explained * math.log(10),
    )
    assert table.extras["rows_asked"][0, 1] == pytest.approx(want, rel=1e-9)
    assert table.extras["rows_have"][0, 1] == 90
    assert table.directed


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "met"),
        ({"rows_asked": 2e3}, "not met"),
        ({"rows_asked": 1e15}, "vacuous"),
        ({"margin": MARGIN + 1e-9}, "vacuous"),
        ({"condition": math.inf, "margin": math.inf}, "vacuous"),
    ],
)
def test_verdict(change, word):
    numbers = {"margin": 0.1, "condition": 2.0, "rows_asked": 500.0, "rows_have": 1e3}
    assert verdict(numbers | change).split(":")[0] == word


def test_met_by_two_nearly_equal_noiseless_tasks():
    rng = np.random.default_rng(0)
    w = rng.normal(size=3)
    X1, X2 = rng.normal(size=(200_000, 3)), rng.normal(size=(100, 3))
    source = many_rows(X1, X1 @ w + 0.01 * rng.normal(size=len(X1)), "source")
    target = view(X2, X2 @ w + 0.01 * rng.normal(size=100), "target")
    table = theorem2([source, target], SETTINGS)
    assert table.notes[0, 1].startswith("met")
    assert table.value[0, 1] < 1 / 3
    assert table.notes[1, 0].startswith("not met")


def test_unrelated_tasks_are_vacuous():
    table = theorem2([view(*draw(60, 4, 1, s), name=f"t{s}") for s in (1, 2)], SETTINGS)
    assert table.notes[0, 1].startswith("vacuous: kappa * sin")


def test_fewer_rows_than_dimensions_is_vacuous_and_padding_is_not_counted():
    tasks = [view(*draw(60, 20, 1, 1), name="a"), view(*draw(12, 20, 1, 2), name="b")]
    table = theorem2(tasks, SETTINGS)
    assert table.notes[0, 1].startswith("vacuous: the target's inputs")
    assert np.isnan(table.value[0, 1])
    assert np.isfinite(table.value[1, 0])
    (X, Y), (Z, W) = draw(60, 4, 1, 1), draw(60, 4, 1, 2)
    pad = np.zeros((60, 3))
    plain = theorem2([view(X, Y, "a"), view(Z, W, "b")], SETTINGS)
    padded = [view(np.hstack([X, pad]), Y, "a"), view(np.hstack([Z, pad]), W, "b")]
    np.testing.assert_allclose(theorem2(padded, SETTINGS).value, plain.value, atol=1e-9)


def test_binary_classes_are_one_column_and_more_are_not_applicable():
    X, Y = draw(60, 4, 1)
    binary = view(X, one_hot((Y[:, 0] > Y.mean()).astype(int), 2), "binary", "classes")
    three = view(X, one_hot(np.arange(60) % 3, 3), "three", "classes")
    table = theorem2([view(X, Y, "a"), binary, three, view(X, name="bare")], SETTINGS)
    assert np.isfinite(table.value[:2, :2]).all()
    assert "more than one label column" in table.notes[0, 2]
    assert "no labels" in table.notes[0, 3]
    assert np.isnan(table.value[2:]).all()
