"""Signatures and arrays for tests, built the slow and obvious way (no product code but records)."""

from __future__ import annotations

import numpy as np

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.signature import FOLDS, Sketch, TaskSignature


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
