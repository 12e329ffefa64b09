from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.probing.batches import batch_table, looks, ordinals, slot_sequence
from taskaff.probing.records import Run, Slot

NONE = np.empty(0, np.int64)


def slot(n, stream="a"):
    return Slot(0, np.arange(n), NONE, NONE, stream)


@given(st.integers(1, 200), st.integers(1, 40))
def test_an_epoch_passes_over_every_row_once(n, batch):
    parts = -(-n // batch)
    table, sizes = batch_table(slot(n), 0, batch, 2 * parts)
    for epoch in range(2):
        rows = [table[k, : sizes[k]] for k in range(epoch * parts, (epoch + 1) * parts)]
        np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(n))
    assert sizes.max() - sizes.min() <= 1
    assert sizes.max() <= batch


def test_asking_for_more_batches_changes_none():
    short, long = batch_table(slot(50), 1, 16, 7)[0], batch_table(slot(50), 1, 16, 30)[0]
    np.testing.assert_array_equal(short, long[:7])
    assert (batch_table(slot(50, "b"), 1, 16, 7)[0] != short).any()
    assert (batch_table(slot(50), 2, 16, 7)[0] != short).any()


def test_mixed_sampling_is_in_proportion_in_every_epoch():
    run = Run((), 0, (slot(32), slot(320, "b")), "x", updates=110, batch=32)
    sequence = slot_sequence(run)
    for epoch in range(10):
        assert (sequence[epoch * 11 : (epoch + 1) * 11] == 0).sum() == 1


@pytest.mark.parametrize(("sampling", "share"), [("equal", 0.5), ("proportional", 1 / 11)])
def test_other_rules(sampling, share):
    run = Run((), 0, (slot(32), slot(320, "b")), "x", updates=4000, batch=32, sampling=sampling)
    assert (slot_sequence(run) == 0).mean() == pytest.approx(share, abs=0.02)


def test_a_source_that_leaves_gives_its_updates_to_the_target():
    slots = (slot(32), replace(slot(320, "b"), judged=False))
    run = Run((), 0, slots, "x", updates=200, batch=32, recipes=("turns",))
    whole, half = slot_sequence(run), slot_sequence(replace(run, source_until=0.5))
    np.testing.assert_array_equal(half[:100], whole[:100])
    assert not half[100:].any()
    assert not slot_sequence(replace(run, source_until=0.0)).any()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=50))
def test_ordinals_count_within_a_slot(sequence):
    found = ordinals(np.array(sequence), 3)
    for t, s in enumerate(sequence):
        assert found[t] == sequence[:t].count(s)


@given(st.integers(1, 3000))
def test_looks_start_early_grow_and_end_with_the_last_update(steps):
    grid = looks(steps)
    assert grid[-1] == steps
    assert list(grid) == sorted(set(grid))
    if steps > 3:
        assert grid[0] == 3
        assert max(b / a for a, b in pairwise(grid)) < 1.4
