from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import naive_signature, sketch
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.core.records.signature import Sketch
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score import sketches
from taskaff.stages.score.overlap import overlap
from taskaff.stages.score.sketches import RowSet, shared_counts, union
from taskaff.stages.score.summary import duplicates, split_leak
from taskaff.stages.score.task_statistics import TaskView

SETTINGS = ScoreSettings()


def view(**splits):
    parts = {
        name: s if isinstance(s, Sketch) else sketch(np.array(s)) for name, s in splits.items()
    }
    signature = naive_signature(np.ones((3, 2)), name="t")
    return TaskView(dataclasses.replace(signature, sketches=parts))


def bottom_k(hashes, k):
    distinct = np.unique(hashes)
    kept = distinct[:k]
    estimate = round(k / ((int(kept[-1]) + 1) / 2.0**64))
    return Sketch(kept, len(hashes), estimate, int(kept[-1]), exact=False)


def random_hashes(rng, n):
    return rng.integers(0, 2**64, n, dtype=np.uint64)


def test_the_share_is_of_the_target():
    found = overlap([view(train=[1, 2, 3, 4]), view(train=[3, 4, 5, 6, 7, 7])], SETTINGS)
    assert found.directed
    assert found.value[0, 1] == pytest.approx(2 / 5)
    assert found.value[1, 0] == pytest.approx(2 / 4)
    assert found.low[0, 1] == found.high[0, 1] == found.value[0, 1]
    assert found.extras["shared"][0, 1] == found.extras["shared"][1, 0] == 2
    assert np.isnan(found.extras["leak"]).all()


def test_all_splits_count_and_the_leak_is_directed():
    A = view(train=[1, 2, 3], test=[10])
    B = view(train=[10, 20], validation=[1, 2], test=[2, 30])
    found = overlap([A, B], SETTINGS)
    assert found.value[0, 1] == pytest.approx(3 / 5)  # 1, 2 and 10 of 1, 2, 10, 20, 30
    assert found.extras["leak"].tolist() == [[0, 2], [1, 0]]


def test_a_subset_and_no_rows():
    A, B, empty = view(train=range(10)), view(train=range(5)), view(train=[])
    found = overlap([A, B, empty], SETTINGS)
    assert found.value[0, 1] == 1.0
    assert found.value[1, 0] == 0.5
    assert found.value[2, 0] == 0.0
    assert found.at(0, 2).value is None
    assert found.notes[0, 2] == "the target has no rows"


@given(
    sets=st.lists(st.frozensets(st.integers(0, 40), max_size=30), min_size=1, max_size=8),
    wide=st.integers(1, 8),
    parts=st.integers(1, 5),
)
@settings(deadline=None, max_examples=80)
def test_counts_agree_with_set_intersections(sets, wide, parts):
    hashes = [np.array(sorted(s), dtype=np.uint64) for s in sets]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketches, "WIDE", wide)
        patch.setattr(sketches, "BLOCK", 3)
        patch.setattr(sketches, "cores", lambda: parts)
        found = shared_counts(hashes)
    assert found.tolist() == [[len(a & b) for b in sets] for a in sets]


def test_sampled_rows_estimate_the_share_with_an_interval():
    rng = np.random.default_rng(0)
    covered, width = 0, []
    for _ in range(60):
        common, a, b = (random_hashes(rng, n) for n in (2000, 6000, 2000))
        A, B = np.r_[common, a], np.r_[common, b]
        found = overlap([view(train=bottom_k(A, 1000)), view(train=bottom_k(B, 1000))], SETTINGS)
        assert found.low[0, 1] <= found.value[0, 1] <= found.high[0, 1]
        covered += found.low[0, 1] <= 0.5 <= found.high[0, 1]
        width.append(found.high[0, 1] - found.low[0, 1])
        assert found.extras["shared"][0, 1] == pytest.approx(2000, rel=0.25)
    assert 0.8 <= covered / 60 <= 0.98
    assert np.mean(width) < 0.12
    assert found.notes[0, 1] == "estimated from a sample of the rows"


def test_an_exact_and_a_sampled_task():
    rng = np.random.default_rng(1)
    B = random_hashes(rng, 8000)
    A = np.r_[B[:4000], random_hashes(rng, 500)]
    found = overlap([view(train=A), view(train=bottom_k(B, 1000))], SETTINGS)
    assert found.low[0, 1] < 0.5 < found.high[0, 1]
    assert found.low[1, 0] < 4000 / 4500 < found.high[1, 0]


def test_the_leak_of_sampled_splits_is_scaled_up():
    rng = np.random.default_rng(2)
    rows = random_hashes(rng, 6000)
    source = view(train=bottom_k(rows, 1000))
    target = view(train=[1], test=rows[:3000])
    found = overlap([source, target], SETTINGS)
    assert found.extras["leak"][0, 1] == pytest.approx(3000, rel=0.15)


def test_union_is_complete_up_to_the_smallest_threshold():
    rng = np.random.default_rng(3)
    a, b = random_hashes(rng, 5000), random_hashes(rng, 3000)
    found = union([bottom_k(a, 500), bottom_k(b, 1000)])
    assert not found.exact
    together = np.unique(np.r_[a, b])
    np.testing.assert_array_equal(found.hashes, together[together <= found.threshold])
    assert found.distinct == pytest.approx(8000, rel=0.15)


def test_repeated_rows_of_the_summed_splits():
    train, test = sketch(np.array([1, 1, 1, 2])), sketch(np.array([2, 3]))
    assert duplicates([train], 0.9).value == 2
    assert duplicates([train, test], 0.9).value == 3
    assert duplicates([], 0.9).value is None


def test_repeated_rows_estimated_from_a_sample():
    rng = np.random.default_rng(4)
    distinct = random_hashes(rng, 4000)
    found = duplicates([bottom_k(np.r_[distinct, distinct[:2000]], 1000)], 0.9)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(2000, abs=400)


def test_leak_between_the_splits_of_one_task():
    train, test = sketch(np.array([1, 2, 3])), sketch(np.array([3, 4]))
    assert split_leak([train], [test], 0.9).value == 1
    assert split_leak([train], [], 0.9).note == "no validation or test split"


def test_leak_between_splits_estimated_from_a_sample():
    rng = np.random.default_rng(5)
    rows = random_hashes(rng, 6000)
    found = split_leak([bottom_k(rows, 1000)], [sketch(rows[:3000])], 0.9)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(3000, rel=0.15)


def test_rows_up_to_a_threshold():
    assert RowSet(np.array([1, 5, 9], np.uint64), 9, 3.0, exact=True).upto(5) == 2
