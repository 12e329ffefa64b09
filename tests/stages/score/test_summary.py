"""What the result says of one task by itself, and intervals of shares, against naive formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import naive_signature, sketch
from hypothesis import assume, given
from hypothesis import strategies as st

from taskaff.core.records.signature import NearKeys, Sketch
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.sketches import share_interval
from taskaff.stages.score.summary import (
    conflicts,
    duplicates,
    near_duplicates,
    near_leak,
    split_leak,
    summarise,
)
from taskaff.stages.score.task_statistics import TaskView

Z90 = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution (any printed table: 1.645)."""
SAMPLED = "estimated from a sample of the rows"


def part(hashes, rows=None, distinct=None, threshold=2**63, near=None):
    """A sampled sketch: the hashes up to a threshold, half of all by default."""
    hashes = np.array(sorted(hashes), np.uint64)
    many = distinct if distinct is not None else 2 * len(hashes)
    rows = rows if rows is not None else many
    return Sketch(hashes, rows, many, threshold, exact=False, near=near)


@given(st.integers(1, 400), st.integers(1, 400))
def test_wilson_ends_are_where_the_test_of_a_share_just_accepts(hits, sample):
    assume(hits < sample)
    low, high = share_interval(np.array(float(hits)), np.array(float(sample)), 0.90)
    for end in (float(low), float(high)):
        off = abs(hits / sample - end) / math.sqrt(end * (1 - end) / sample)
        assert off == pytest.approx(Z90, rel=1e-6)
    assert low < hits / sample < high


def test_wilson_ends_of_none_and_of_all():
    low, high = share_interval(np.array([0.0, 50.0, 0.0]), np.array([50.0, 50.0, 0.0]), 0.90)
    z2 = Z90**2
    np.testing.assert_allclose(low, [0.0, 50 / (50 + z2), np.nan], atol=1e-12)
    np.testing.assert_allclose(high, [z2 / (50 + z2), 1.0, np.nan])


def test_duplicates_of_a_sample():
    found = duplicates([part(range(100), rows=900, distinct=400)], 0.90)
    reach = Z90 * 400 / math.sqrt(100)
    assert found.value == 500.0
    assert (found.low, found.high) == pytest.approx((500 - reach, 500 + reach))
    assert found.note == SAMPLED
    few = duplicates([part(range(100), rows=410, distinct=400)], 0.90)
    assert (few.low, few.value) == (0.0, 10.0)
    assert duplicates([part([1], rows=900, distinct=800)], 0.90).high == 900.0


def test_duplicates_of_all_rows():
    found = duplicates([sketch(np.array([1, 1, 2])), sketch(np.array([2, 3]))], 0.90)
    assert (found.low, found.value, found.high, found.note) == (2.0, 2.0, 2.0, "")


@pytest.mark.parametrize("sampled", ["here", "there", "both"])
def test_a_leak_of_a_sample(sampled):
    here = part(range(100), distinct=300) if sampled != "there" else sketch(np.arange(100))
    there = part(range(80, 160)) if sampled != "here" else sketch(np.arange(80, 160))
    found = split_leak([here], [there], 0.90)
    rows = float(here.distinct)
    low, high = share_interval(np.array(20.0), np.array(100.0), 0.90)
    assert found.value == pytest.approx(rows / 5)
    assert (found.low, found.high) == pytest.approx((low * rows, high * rows))
    assert found.note == SAMPLED


def test_a_leak_of_all_rows_and_of_none():
    found = split_leak([sketch(np.array([1, 2, 3]))], [sketch(np.array([3, 2]))], 0.90)
    assert (found.low, found.value, found.high, found.note) == (2.0, 2.0, 2.0, "")
    beyond = split_leak([sketch(np.array([9]))], [part([1, 2], threshold=5)], 0.90)
    assert beyond.value is None
    assert beyond.note == "no row of the summed split was sampled"


def keyed(rows, keys, threshold=2**64 - 1, kept=None):
    """An exact sketch, each row of which has one key; ``kept`` rows have theirs stored."""
    kept = len(rows) if kept is None else kept
    near = NearKeys(np.ones(kept, np.uint8), np.array(keys[:kept], np.uint64))
    hashes = np.array(rows, np.uint64)
    return Sketch(hashes, len(rows), len(rows), threshold, exact=True, near=near)


def test_near_copies_of_all_rows():
    one, other = keyed([1, 2, 3, 4], [7, 7, 8, 9]), keyed([4, 5, 6], [9, 8, 1])
    found = near_duplicates([one])
    assert (found.low, found.value, found.high, found.note) == (2.0, 2.0, 2.0, "")
    found = near_leak([one], [other])
    # Row 3 has a near copy; row 4 an exact one.
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)
    assert near_leak([one], []).value is None
    assert near_leak([one], [sketch(np.array([1]))]).value is None
    assert near_leak([sketch(np.array([1]))], [one]).value is None
    assert near_duplicates([sketch(np.array([1]))]).value is None


QUARTER = 2**62 - 1


def test_near_copies_of_a_sample():
    """Keys of the hashes up to a quarter of all: 4 of 16 rows, of which 2 are near copies."""
    rows = [10, 20, 30, QUARTER, *range(2**63, 2**63 + 12)]
    one = keyed(rows, [7, 7, 8, 9] + [0] * 12, kept=4)
    found = near_duplicates([one])
    # Half of the sampled rows have a copy among a quarter of the rows: of all rows, all.
    assert (found.low, found.value, found.high, found.note) == (2.0, 16.0, 16.0, SAMPLED)
    lone = keyed(rows, [7, 6, 8, 9] + [0] * 12, kept=4)
    assert (near_duplicates([lone]).value, near_duplicates([lone]).high) == (0.0, 16.0)
    whole = keyed([5, 6], [8, 1])
    leak = near_leak([lone], [whole])  # one of four rows, all rows of the other split known
    assert (leak.low, leak.value, leak.high) == (1.0, 4.0, 16.0)
    turned = near_leak([whole], [lone])  # one of two, among a quarter
    assert (turned.low, turned.value, turned.high) == (1.0, 2.0, 2.0)


def test_a_task_with_several_splits():
    train, test = sketch(np.array([1, 1, 2, 3])), sketch(np.array([3, 4, 4]))
    signature = naive_signature(np.ones((4, 2)), name="t")
    both = {"train": replace(train, conflicts=2), "test": test}
    found = summarise(TaskView(replace(signature, sketches=both)), ScoreSettings())
    assert (found.duplicates.value, found.split_leak.value) == (1.0, 1.0)
    assert found.notes == ("2 distinct rows of train occur with different labels",)
    every = replace(signature, sketches=both, split="all")
    found = summarise(TaskView(every), ScoreSettings())
    assert found.duplicates.value == 3.0
    assert found.split_leak.note == "no validation or test split"


@pytest.mark.parametrize(("files", "least"), [(0, ""), (1, ""), (2, "at least ")])
def test_rows_with_different_labels(files, least):
    made = replace(naive_signature(np.ones((2, 2))), inputs=("a",) * files)
    many = {"train": replace(sketch(np.array([1])), conflicts=1234), "test": sketch(np.array([2]))}
    assert conflicts(replace(made, sketches=many)) == [
        f"{least}1,234 distinct rows of train occur with different labels"
    ]
