"""Rows with content hashes, and the slow sums of them, for the tests of moments/."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from builders import card, naive_signature, one_hot

from taskaff.core.records.data import InputFile, LabelSchema
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.signature import TaskSignature
from taskaff.stages.signature import Accumulator, fold_of

KINDS = ("classes", "multilabel", "regression", "none")


def rows(seed: int, n: int, d: int, c: int, kind: str):
    """``(X, labels, hashes)`` as they reach the accumulator; some rows repeat."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * 3 + rng.normal(size=d)).astype(np.float32)
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    if n > 3:
        hashes[-1] = hashes[0]
    labels = {
        "classes": rng.integers(0, c, n),
        "multilabel": rng.integers(0, 2, (n, c)).astype(np.float64),
        "regression": rng.normal(size=(n, c)) + 5,
        "none": None,
    }[kind]
    return X, labels, hashes


def schema(kind: str, c: int, names: tuple[str, ...] | None = None) -> LabelSchema:
    if kind == "none":
        return LabelSchema("none")
    return LabelSchema(kind, names or tuple(f"y{i}" for i in range(c)), ("label",))


def summed(X, labels, hashes, labelled, cuts=(), *, split="train", **options) -> TaskSignature:
    """The product's signature, rows added in batches that end at ``cuts``."""
    options = {"inputs": (), "name": "task", **options}
    inputs, name = options.pop("inputs"), options.pop("name")
    accumulator = Accumulator(
        name, card(X.shape[1]), "vectors", labelled, "train", X.shape[1], **options
    )
    edges = [0, *sorted(cuts), len(X)]
    for a, b in pairwise(edges):
        part = None if labels is None else labels[a:b]
        accumulator.add(split, X[a:b], part, hashes[a:b], EncodeCounts(tokens=b - a))
    return accumulator.finish(inputs)


def oracle(X, labels, hashes, labelled) -> TaskSignature:
    """The same, row by row."""
    Y = one_hot(labels, labelled.width) if labelled.kind == "classes" else labels
    if not len(X):  # the oracle cannot tell how many label columns no row has
        empty = summed(X, labels, hashes, labelled)
        assert not any(
            getattr(empty, name).any() for name in ("n", "sx", "sxx", "sxy", "sy", "syy")
        )
        return empty
    expected = naive_signature(
        X, Y, kind=labelled.kind, folds=fold_of(hashes), hashes=hashes, names=labelled.names
    )
    return replace(expected, schema=labelled, counts=EncodeCounts(tokens=len(X)))


def assert_same_sums(one: TaskSignature, other: TaskSignature, tolerance: float = 1e-12) -> None:
    """Equal but for rounding, relative to the scale of each sum; sketches and records equal."""
    assert one.schema == other.schema
    assert (one.n == other.n).all()
    scale = {
        name: np.abs(getattr(other, name)).max(initial=1.0)
        for name in ("sx", "sxx", "sxy", "sy", "syy")
    }
    for name, size in scale.items():
        a, b = getattr(one, name), getattr(other, name)
        assert a.shape == b.shape
        assert np.abs(a - b).max(initial=0.0) <= tolerance * size, name
    assert one.sketches.keys() == other.sketches.keys()
    for split, sketch in one.sketches.items():
        assert_same_sketch(sketch, other.sketches[split])
    assert one.counts == other.counts


def assert_same_sketch(one, other) -> None:
    assert np.array_equal(one.hashes, other.hashes)
    assert (one.rows, one.distinct, one.threshold, one.exact) == (
        other.rows,
        other.distinct,
        other.threshold,
        other.exact,
    )


def file(sha256: str, path: str = "a.csv", rows: int = 1) -> InputFile:
    return InputFile(path, "csv", "train", rows, 10, sha256)
