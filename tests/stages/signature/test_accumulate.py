"""Sums against the row-by-row oracle, over order, chunks and kinds of labels."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from builders import card
from hypothesis import given
from hypothesis import strategies as st
from stages.signature._streams import KINDS, assert_same_sums, oracle, rows, schema, summed

from taskaff.core.errors import SignatureError
from taskaff.core.records.embedding import EncodeCounts
from taskaff.stages.signature import Accumulator, accumulate

shapes = st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(1, 5))


@given(st.integers(0, 2**32), shapes, st.sampled_from(KINDS), st.data())
def test_order_and_batches_change_nothing(seed, shape, kind, data):
    n, d, c = shape
    X, labels, hashes = rows(seed, n, d, c, kind)
    labelled = schema(kind, c)
    cuts = data.draw(st.lists(st.integers(0, n), max_size=4))
    order = data.draw(st.permutations(range(n)))
    order = np.array(order, dtype=np.int64)
    shuffled = summed(
        X[order], None if labels is None else labels[order], hashes[order], labelled, cuts
    )
    assert_same_sums(shuffled, oracle(X, labels, hashes, labelled))


@pytest.mark.parametrize("kind", KINDS)
def test_small_blocks_give_the_same(kind, monkeypatch):
    monkeypatch.setattr(accumulate, "BLOCK", 12)
    X, labels, hashes = rows(1, 50, 4, 3, kind)
    assert_same_sums(
        summed(X, labels, hashes, schema(kind, 3)), oracle(X, labels, hashes, schema(kind, 3))
    )


def test_many_classes():
    X, labels, hashes = rows(2, 500, 3, 150, "classes")
    labelled = schema("classes", 150)
    assert_same_sums(summed(X, labels, hashes, labelled), oracle(X, labels, hashes, labelled))


def test_large_offsets_keep_their_digits():
    """A mean a hundred times the spread: the centred sums are still right to 1e-9."""
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(2000, 3)) + 100).astype(np.float32)
    hashes = rng.integers(0, 2**64, len(X), dtype=np.uint64)
    s = summed(X, None, hashes, schema("none", 0))
    n, mean = s.rows, s.sx.sum(0) / s.rows
    centred = s.sxx.sum(0) - n * np.outer(mean, mean)
    exact = X.astype(np.longdouble)
    exact = exact - exact.mean(0)
    wanted = (exact.T @ exact).astype(np.float64)
    assert np.abs(centred - wanted).max() <= 1e-9 * np.abs(wanted).max()


def test_only_its_split_is_summed_but_every_split_is_sketched():
    X, labels, hashes = rows(4, 12, 3, 2, "classes")
    accumulator = Accumulator("task", card(3), "vectors", schema("classes", 2), "train", 3)
    accumulator.add("train", X[:5], labels[:5], hashes[:5], EncodeCounts(tokens=5))
    accumulator.add("test", X[5:9], labels[5:9], hashes[5:9], EncodeCounts(tokens=100))
    accumulator.add("validation", None, None, hashes[9:], EncodeCounts(tokens=100))
    found = accumulator.finish(())
    assert found.rows == 5
    assert found.counts.tokens == 5
    assert {split: s.rows for split, s in found.sketches.items()} == {
        "train": 5,
        "validation": 3,
        "test": 4,
    }


def test_split_all_sums_everything():
    X, labels, hashes = rows(5, 12, 3, 2, "regression")
    accumulator = Accumulator("task", card(3), "vectors", schema("regression", 2), "all", 3)
    accumulator.add("train", X[:5], labels[:5], hashes[:5], EncodeCounts())
    accumulator.add("test", X[5:], labels[5:], hashes[5:], EncodeCounts())
    assert accumulator.finish(()).rows == 12


def test_finish_is_a_snapshot():
    X, labels, hashes = rows(6, 20, 3, 2, "regression")
    accumulator = Accumulator("task", card(3), "vectors", schema("regression", 2), "train", 3)
    accumulator.add("train", X[:9], labels[:9], hashes[:9], EncodeCounts())
    first = accumulator.finish(())
    before = first.sxx.copy()
    accumulator.add("train", X[9:], labels[9:], hashes[9:], EncodeCounts())
    assert (first.sxx == before).all()
    assert accumulator.finish(()).rows == 20


def test_a_row_that_is_not_finite_is_named():
    X, labels, hashes = rows(7, 10, 3, 2, "regression")
    X[4, 1] = np.nan
    with pytest.raises(SignatureError, match=r"films: rows 5 of a batch of 10 .* vector") as info:
        summed(X, labels, hashes, schema("regression", 2), name="films")
    assert info.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_label_that_is_not_finite_is_named(value):
    X, labels, hashes = rows(8, 10, 3, 2, "regression")
    labels[:6, 1] = value
    with pytest.raises(SignatureError, match=r"rows 1, 2, 3 and 3 more .* label"):
        summed(X, labels, hashes, schema("regression", 2))


@pytest.mark.parametrize("labels", [[0, 2], [0, -1], [0], [0.0, 1.0], None])
def test_class_codes_outside_the_schema_are_refused(labels):
    X, _, hashes = rows(9, 2, 3, 2, "classes")
    accumulator = Accumulator("task", card(3), "vectors", schema("classes", 2), "train", 3)
    with pytest.raises(SignatureError, match="class codes"):
        accumulator.add(
            "train", X, None if labels is None else np.array(labels), hashes, EncodeCounts()
        )


@pytest.mark.parametrize("width", [2, 4])
def test_a_width_that_was_not_announced_is_refused(width):
    X, labels, hashes = rows(10, 5, width, 2, "regression")
    accumulator = Accumulator("task", card(3), "vectors", schema("regression", 2), "train", 3)
    with pytest.raises(SignatureError, match="vectors of shape"):
        accumulator.add("train", X, labels, hashes, EncodeCounts())
    with pytest.raises(SignatureError, match="labels of shape"):
        accumulator.add(
            "train", np.zeros((5, 3), np.float32), labels[:, :1], hashes, EncodeCounts()
        )


def test_labels_whose_squares_overflow_are_refused():
    X, labels, hashes = rows(11, 5, 3, 1, "regression")
    with pytest.raises(SignatureError, match="rescale"):
        summed(X, labels * 1e200, hashes, schema("regression", 1))


def test_labels_whose_squares_vanish_are_summed():
    X, labels, hashes = rows(12, 5, 3, 1, "regression")
    assert summed(X, labels * 1e-200, hashes, schema("regression", 1)).syy.max() == 0.0


@pytest.mark.parametrize(("d", "c"), [(6000, 2), (50, 6000), (0, 2)])
def test_sums_that_do_not_fit_are_refused_before_they_are_made(d, c):
    with pytest.raises(SignatureError, match="1 GiB"):
        Accumulator("task", card(d), "vectors", schema("classes", c), "train", d)


def test_memory_does_not_grow_with_rows():
    rng = np.random.default_rng(13)
    accumulator = Accumulator(
        "task", card(8), "vectors", schema("classes", 3), "train", 8, sketch_limit=2000
    )
    X = rng.normal(size=(1000, 8)).astype(np.float32)
    codes = rng.integers(0, 3, 1000)

    def add(batches: int) -> int:
        tracemalloc.reset_peak()
        for _ in range(batches):
            hashes = rng.integers(0, 2**64, 1000, dtype=np.uint64)
            accumulator.add("train", X, codes, hashes, EncodeCounts())
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        early, late = add(20), add(300)
    finally:
        tracemalloc.stop()
    assert accumulator.finish(()).rows == 320_000
    assert late <= early + 100_000  # a hash a row would be 2.4 MB more
