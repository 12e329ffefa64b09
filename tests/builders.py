"""Signatures and tasks for tests, built the slow and obvious way."""

from __future__ import annotations

import dataclasses

import numpy as np

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.signature import FOLDS, Sketch, TaskSignature
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.splits import PENALTIES
from taskaff.stages.score.task_statistics import TaskView

SETTINGS = ScoreSettings()


def card(width: int, fingerprint: str = "test") -> EncoderCard:
    return EncoderCard(id="vectors", fingerprint=fingerprint, width=width)


def sketch(hashes: np.ndarray) -> Sketch:
    distinct = np.unique(hashes.astype(np.uint64))
    return Sketch(distinct, len(hashes), len(distinct), 2**64 - 1, exact=True)


def naive_signature(
    X: np.ndarray,
    Y: np.ndarray | None = None,
    *,
    name: str = "task",
    kind: str = "regression",
    folds: np.ndarray | None = None,
    hashes: np.ndarray | None = None,
    names: tuple[str, ...] | None = None,
    fingerprint: str = "test",
) -> TaskSignature:
    """A signature row by row. ``Y`` is ``(n, c)`` (one-hot for classes); folds round robin."""
    X = np.asarray(X, dtype=np.float64)
    n, d = X.shape
    Y = np.zeros((n, 0)) if Y is None else np.asarray(Y, dtype=np.float64)
    Y = Y.reshape(n, 1) if Y.ndim == 1 else Y
    c = Y.shape[1]
    folds = np.arange(n) % FOLDS if folds is None else folds
    hashes = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(7919) if hashes is None else hashes
    sums = {
        "n": np.zeros(FOLDS, np.int64),
        "sx": np.zeros((FOLDS, d)),
        "sxx": np.zeros((FOLDS, d, d)),
        "sxy": np.zeros((FOLDS, d, c)),
        "sy": np.zeros((FOLDS, c)),
        "syy": np.zeros((FOLDS, c, c)),
    }
    for x, y, f in zip(X, Y, folds, strict=True):
        sums["n"][f] += 1
        sums["sx"][f] += x
        sums["sxx"][f] += np.outer(x, x)
        sums["sxy"][f] += np.outer(x, y)
        sums["sy"][f] += y
        sums["syy"][f] += np.outer(y, y)
    schema = LabelSchema(
        kind=kind if c else "none",  # type: ignore[arg-type]
        names=names if names is not None else tuple(f"y{i}" for i in range(c)),
        columns=("label",) if c else (),
    )
    return TaskSignature(
        name=name,
        encoder=card(d, fingerprint),
        layout="vectors",
        schema=schema,
        split="train",
        sketches={"train": sketch(hashes)},
        counts=EncodeCounts(),
        inputs=(),
        **sums,
    )


def one_hot(codes: np.ndarray, c: int) -> np.ndarray:
    return np.eye(c)[codes]


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
