from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.probe._zoo import task

from taskaff.core.errors import ProbeError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.probe.splits import split_task, without_leaks

SETTINGS = ProbeSettings(
    patience=0.0, margin=0.0, target_rows=40, source_rows=100, validation_rows=30, test_rows=50
)


def parts(split):
    return split.pool, split.validation, split.test


@given(st.integers(0, 30), st.integers(150, 400))
def test_equal_rows_never_stand_on_two_sides(seed, n):
    rng = np.random.default_rng(seed)
    one = task(n=n, hashes=rng.integers(0, n // 2, n).astype(np.uint64))
    split = split_task(one, content_id(one), seed, SETTINGS)
    seen = [set(one.hashes[rows].tolist()) for rows in parts(split)]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert len(split.train) <= 40
    assert len(split.source) <= 100
    np.testing.assert_array_equal(split.train, split.pool[:40])


def test_the_order_of_the_rows_changes_nothing():
    one = task(n=200)
    turn = np.random.default_rng(0).permutation(200)
    other = replace(
        one, X=one.X[turn], labels=one.labels[turn], hashes=one.hashes[turn], name="renamed"
    )
    assert content_id(one) == content_id(other)
    a = split_task(one, content_id(one), 3, SETTINGS)
    b = split_task(other, content_id(other), 3, SETTINGS)
    for rows, turned in zip(parts(a), parts(b), strict=True):
        np.testing.assert_array_equal(one.hashes[rows], other.hashes[turned])


def test_seeds_draw_different_splits():
    one = task(n=200)
    a, b = (split_task(one, "x", seed, SETTINGS) for seed in (0, 1))
    assert set(a.test.tolist()) != set(b.test.tolist())


def test_own_splits_are_kept():
    splits = np.repeat([0, 1, 2], [150, 40, 60])
    one = task(n=250, splits=splits)
    split = split_task(one, "x", 0, SETTINGS)
    assert set(splits[split.pool]) == {0}
    assert set(splits[split.validation]) == {1}
    assert set(splits[split.test]) == {2}
    assert (len(split.pool), len(split.validation), len(split.test)) == (150, 30, 50)


def test_own_splits_are_ignored_when_all_is_to_be_drawn():
    splits = np.repeat([0, 1, 2], [150, 40, 60])
    one = task(n=250, splits=splits)
    drawn = replace(SETTINGS, splits="drawn")
    found, plain = (
        split_task(each, "x", 0, drawn) for each in (one, replace(one, splits=splits * 0))
    )
    for rows, expected in zip(parts(found), parts(plain), strict=True):
        np.testing.assert_array_equal(rows, expected)
    assert set(splits[found.pool]) == {0, 1, 2}


def test_own_validation_rows_are_the_test_when_there_is_none():
    splits = np.repeat([0, 1], [200, 50])
    split = split_task(task(n=250, splits=splits), "x", 0, SETTINGS)
    assert set(splits[split.test]) == {1}
    assert set(splits[split.validation]) == {0}
    assert len(split.pool) + len(split.validation) == 200


def test_a_training_row_that_repeats_a_test_row_is_not_trained_on():
    splits = np.repeat([0, 2], [150, 50])
    hashes = np.arange(200, dtype=np.uint64)
    hashes[:20] = hashes[150:170]
    split = split_task(task(n=200, splits=splits, hashes=hashes), "x", 0, SETTINGS)
    assert not set(split.pool.tolist()) & set(range(20))


def test_no_training_rows_is_no_splits():
    split = split_task(task(n=200, splits=np.full(200, 2)), "x", 0, SETTINGS)
    assert len(split.pool) == 200 - 40 - 20


def test_too_few_rows_are_refused():
    with pytest.raises(ProbeError, match="5 training rows of 25"):
        split_task(task(n=25), "x", 0, SETTINGS)


def test_leaks_are_removed_counted_and_replaced():
    target = task("t", n=200)
    hashes = np.arange(1000, 1400, dtype=np.uint64)
    hashes[:150] = target.hashes[:150]
    source = task("s", n=400, hashes=hashes)
    a = split_task(target, "t", 0, SETTINGS)
    b = split_task(source, "s", 0, SETTINGS)
    rows, removed = without_leaks(source, b, target, a, SETTINGS)
    taken = set(target.hashes[np.concatenate([a.train, a.validation, a.test])].tolist())
    assert not set(source.hashes[rows].tolist()) & taken
    assert removed == sum(int(h) in taken for h in source.hashes[b.pool])
    assert len(rows) == 100  # refilled from the pool
    held, fewer = without_leaks(source, b, target, a, replace(SETTINGS, leaks_train=False))
    assert fewer < removed
    assert len(held) == 100


def test_nothing_shared_gives_the_same_array():
    target, source = task("t", n=200), task("s", n=200, seed=1)
    a, b = split_task(target, "t", 0, SETTINGS), split_task(source, "s", 0, SETTINGS)
    rows, removed = without_leaks(source, b, target, a, SETTINGS)
    assert rows is b.source
    assert removed == 0
