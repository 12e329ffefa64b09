"""LogME and CKA of the source's outputs, against formulas that see every row."""

from __future__ import annotations

import math

import numpy as np
import oracles as naive
import pytest
from builders import naive_signature, one_hot
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.cka import alignment, cka
from taskaff.stages.score.logme import evidence, logme
from taskaff.stages.score.ridge import model
from taskaff.stages.score.source_outputs import Outputs
from taskaff.stages.score.task_statistics import TaskView

NOTHING_KNOWN = -0.5 * math.log(2 * math.pi * math.e)


def outputs(Z, Y):
    Z, Y = Z - Z.mean(axis=0), Y - Y.mean(axis=0)
    n = len(Z)
    return Outputs(Z.T @ Z / n, Z.T @ Y / n, Y.T @ Y / n, n)


def drawn(seed, rows, noise=0.5):
    random = np.random.default_rng(seed)
    Z = random.normal(size=(rows, 3))
    y = Z @ [1.0, -0.5, 0.2] + noise * random.normal(size=rows)
    return Z - Z.mean(axis=0), ((y - y.mean()) / y.std())[:, None]


@pytest.mark.parametrize("noise", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("rows", [12, 60])
def test_logme_is_the_largest_evidence(noise, rows):
    Z, y = drawn(rows, rows, noise)
    expected = naive.log_evidence(Z, y[:, 0])
    assert evidence(outputs(Z, y), steps=500) == pytest.approx(expected, abs=2e-4)
    assert evidence(outputs(Z, y)) == pytest.approx(expected, abs=0.01)
    constant = np.column_stack([y, np.ones(rows)])
    assert evidence(outputs(Z, constant)) == pytest.approx(evidence(outputs(Z, y)))


@given(st.floats(0.001, 1000.0), st.integers(0, 2**32 - 1))
def test_neither_depends_on_units_nor_on_features_without_content(unit, seed):
    Z, y = drawn(seed, 40)
    for score in (evidence, alignment):
        found = score(outputs(Z, y))
        assert score(outputs(Z, unit * y)) == pytest.approx(found, abs=1e-6)
        assert score(outputs(np.hstack([Z, np.zeros((40, 2))]), y)) == pytest.approx(
            found, abs=1e-6
        )


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 4))
def test_cka_is_that_of_the_kernels(seed, q, c):
    random = np.random.default_rng(seed)
    Z = random.normal(size=(30, q))
    Y = one_hot(np.arange(30) % c, c)
    assert alignment(outputs(Z, Y)) == pytest.approx(naive.linear_cka(Z, Y), abs=1e-9)
    assert alignment(outputs(Y, Y)) == pytest.approx(1.0)


def test_what_says_nothing():
    Z, y = drawn(0, 40)
    nothing = outputs(np.zeros_like(Z), y)
    assert alignment(nothing) == 0.0
    assert evidence(nothing) == pytest.approx(NOTHING_KNOWN, abs=1e-3)
    assert math.isnan(evidence(outputs(Z, np.ones_like(y))))


@pytest.mark.parametrize("score", [logme, cka])
def test_a_table_is_of_the_sources_model_on_the_targets_rows(score):
    random = np.random.default_rng(3)
    theta = random.normal(size=(5, 1))
    X = [random.normal(size=(200, 5)) for _ in range(3)]
    Y = [X[0] @ theta, X[1] @ theta, X[2] @ random.normal(size=(5, 1))]
    rows = [(A, B + 0.3 * random.normal(size=(200, 1))) for A, B in zip(X, Y, strict=True)]
    views = [TaskView(naive_signature(A, B, name=str(n))) for n, (A, B) in enumerate(rows)]
    table = score(views, ScoreSettings())
    A, B = rows[1]
    said = outputs(A @ model(views[0]).theta, B)
    expected = evidence(said) if score is logme else alignment(said)
    assert table.value[0, 1] == pytest.approx(expected)
    assert table.low[0, 1] < table.value[0, 1] < table.high[0, 1]
    assert table.value[0, 1] > table.value[2, 1]  # one rule against two
    assert table.low[0, 1] > table.high[2, 1]
