"""Tasks drawn at random for the tests of the model scores, and row-level ridge regression."""

from __future__ import annotations

import dataclasses

import numpy as np
from _samplers import naive_signature

from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.splits import PENALTIES
from taskaff.stages.score.task_statistics import TaskView

SETTINGS = ScoreSettings()


def view(X, Y=None, name="task", kind="regression", folds=None, hashes=None) -> TaskView:
    return TaskView(naive_signature(X, Y, name=name, kind=kind, folds=folds, hashes=hashes))


def draw(n, d, c=1, seed=0, theta=None, noise=1.0, mean=0.5):
    """``X, Y`` of a linear task whose columns have unequal variances."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.geomspace(0.3, 2.0, d) + mean
    theta = rng.normal(size=(d, c)) / np.sqrt(d) if theta is None else theta.reshape(d, c)
    return X, X @ theta + noise * rng.normal(size=(n, c))


def many_rows(X, Y, name="task", seed=0) -> TaskView:
    """A signature of many rows without a loop over rows."""
    folds = np.arange(len(X)) % 4
    Y = Y.reshape(len(X), -1)
    parts = [(X[folds == f], Y[folds == f]) for f in range(4)]
    small: TaskSignature = naive_signature(X[:4], Y[:4], name=name)
    return TaskView(
        dataclasses.replace(
            small,
            n=np.array([len(x) for x, _ in parts]),
            sx=np.stack([x.sum(0) for x, _ in parts]),
            sxx=np.stack([x.T @ x for x, _ in parts]),
            sxy=np.stack([x.T @ y for x, y in parts]),
            sy=np.stack([y.sum(0) for _, y in parts]),
            syy=np.stack([y.T @ y for _, y in parts]),
        )
    )


def row_ridge(X, Y, level):
    """Ridge on centred rows by augmented least squares: ``theta``, and the means."""
    x, y = X.mean(0), Y.mean(0)
    variances = X.var(0)
    mu = PENALTIES[level] * variances.sum() / np.count_nonzero(variances > 1e-12)
    d = X.shape[1]
    A = np.vstack([X - x, np.sqrt(len(X) * mu) * np.eye(d)])
    B = np.vstack([Y - y, np.zeros((d, Y.shape[1]))])
    return np.linalg.lstsq(A, B, rcond=None)[0], x, y


def row_errors(X, Y, folds):
    """``(FOLDS, L)`` held-out squared errors, one fit per fold and penalty."""
    out = np.zeros((4, len(PENALTIES)))
    for f in range(4):
        held = folds == f
        for level in range(len(PENALTIES)):
            theta, x, y = row_ridge(X[~held], Y[~held], level)
            out[f, level] = ((Y[held] - y - (X[held] - x) @ theta) ** 2).sum()
    return out
