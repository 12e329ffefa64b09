from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taskaff.stages.probe.batches import SlotBatches, ordinals
from taskaff.stages.probe.records import Run, Slot

NONE = np.empty(0, np.int64)


def slot(n, stream="a"):
    return Slot(0, np.arange(n), NONE, NONE, stream)


def batches(slot, seed, batch, start, stop):
    run = Run((), seed, (slot,), "x", batch=batch)
    rows, _, sizes = SlotBatches(slot, run).take(start, stop)
    return rows, sizes


@given(st.integers(1, 200), st.integers(1, 40))
def test_an_epoch_passes_over_every_row_once(n, batch):
    parts = -(-n // batch)
    table, sizes = batches(slot(n), 0, batch, 0, 2 * parts)
    for epoch in range(2):
        rows = [table[k, : sizes[k]] for k in range(epoch * parts, (epoch + 1) * parts)]
        np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(n))
    assert sizes.max() - sizes.min() <= 1
    assert sizes.max() <= batch


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=5))
def test_whatever_was_asked_for_before_a_batch_is_the_same(asked):
    """Forwards, backwards and over many epochs at once."""
    whole, sizes = batches(slot(50), 1, 16, 0, 70)
    drawn = SlotBatches(slot(50), Run((), 1, (slot(50),), "x", batch=16))
    for start, count in asked:
        rows, labels, own = drawn.take(start, start + count)
        np.testing.assert_array_equal(rows, whole[start : start + count])
        np.testing.assert_array_equal(own, sizes[start : start + count])
        assert labels is rows


def test_streams_and_seeds_draw_others():
    found = batches(slot(50), 1, 16, 0, 7)[0]
    assert (batches(slot(50, "b"), 1, 16, 0, 7)[0] != found).any()
    assert (batches(slot(50), 2, 16, 0, 7)[0] != found).any()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=50))
def test_ordinals_count_within_a_slot(sequence):
    found = ordinals(np.array(sequence), 3)
    for t, s in enumerate(sequence):
        assert found[t] == sequence[:t].count(s)
