"""Near copies between sets, against a count over all pairs of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from builders import naive_signature
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.records.signature import NearKeys, Sketch
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score import score
from taskaff.stages.score.near import near_counts, near_rows, near_share, near_within

# A row is its content (a number) and the keys that follow from it.
numbers = st.sets(st.integers(0, 20), max_size=12)


def keys_of(row: int) -> list[int]:
    return sorted({row // 3 + 100, row % 5 + 200} if row % 4 else set())


def sketch(rows: set[int], kept: int | None = None) -> Sketch:
    hashes = np.array(sorted(rows), np.uint64)
    near = hashes[:kept].tolist()
    keys = np.array([key for row in near for key in keys_of(row)], np.uint64)
    counts = np.array([len(keys_of(row)) for row in near], np.uint8)
    return Sketch(hashes, len(rows), len(rows), 2**64 - 1, exact=True, near=NearKeys(counts, keys))


def naive(source: set[int], target: set[int]) -> int:
    near = [row for row in target if any(set(keys_of(row)) & set(keys_of(s)) for s in source)]
    return len(set(near) - source)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_counts_are_those_of_all_pairs(sets):
    found = near_counts([near_rows([sketch(rows)]) for rows in sets])
    for i, source in enumerate(sets):
        for j, target in enumerate(sets):
            assert found[i, j] == (0 if i == j else naive(source, target))


@given(numbers, numbers)
def test_disjoint_sets_have_near_copies_both_ways_or_neither(one, other):
    found = near_counts([near_rows([sketch(one)]), near_rows([sketch(other - one)])])
    assert (found[0, 1] > 0) == (found[1, 0] > 0)


def test_more_sets_than_bits():
    rng = np.random.default_rng(0)
    sets = [set(rng.integers(0, 400, 20).tolist()) for _ in range(70)]
    found = near_counts([near_rows([sketch(rows)]) for rows in sets])
    for i, j in ((0, 69), (69, 0), (63, 64), (64, 63), (5, 6)):
        assert found[i, j] == naive(sets[i], sets[j])


@given(numbers, numbers)
def test_splits_are_united(one, other):
    found, whole = near_rows([sketch(one), sketch(other)]), near_rows([sketch(one | other)])
    assert np.array_equal(found.hashes, whole.hashes)
    assert np.array_equal(found.keys, whole.keys)
    assert np.array_equal(found.owner, whole.owner)


@given(numbers)
def test_within_a_set(rows):
    near = [r for r in rows if any(set(keys_of(r)) & set(keys_of(s)) for s in rows - {r})]
    assert near_within(near_rows([sketch(rows)])) == len(near)


def test_a_set_without_keys_is_unknown():
    assert near_rows([Sketch(np.empty(0, np.uint64), 0, 0, 2**64 - 1, exact=True)]) is None


def test_of_large_sets_the_rows_with_the_smallest_hashes_are_compared():
    found = near_rows([sketch(set(range(10)), kept=4)])
    assert found.hashes.tolist() == [0, 1, 2, 3]
    assert found.share == 4 / 2**64


def signature(name: str, rows: set[int]):
    made = naive_signature(np.ones((len(rows), 2)), name=name, hashes=np.array(sorted(rows)))
    return replace(made, layout="single", sketches={"train": sketch(rows)})


def test_the_score_names_pairs_with_near_copies_only():
    settings = ScoreSettings(scores=("overlap",), capacity=False)
    one, other = signature("one", {1, 2, 3}), signature("other", {5, 6, 7, 301, 302})
    result = score([one, other], settings)
    near = result.tables["overlap"].extras["near"]
    assert near[0, 1] == naive({1, 2, 3}, {5, 6, 7, 301, 302}) / 5 > 0
    assert near[0, 0] == 0
    assert any("of other are near copies of rows of one" in note for note in result.notes)
    assert not score([one, replace(one, name="same")], settings).notes


def test_a_signature_without_keys_says_so():
    settings = ScoreSettings(scores=("overlap",), capacity=False)
    one, other = signature("one", {1, 2, 3}), signature("other", {5, 6})
    bare = {"train": replace(other.sketches["train"], near=None)}
    table = score([one, replace(other, sketches=bare)], settings).tables["overlap"]
    assert np.isnan(table.extras["near"][0, 1])
    assert "profile the data set again" in table.notes[0, 1]


def test_the_share_of_a_sample_is_unbiased():
    """A tenth of the source is known, so a tenth of the near copies is found."""
    assert near_share(np.array(5.0), np.array(100.0), np.array(0.1)) == 0.5
    assert near_share(np.array(50.0), np.array(100.0), np.array(0.1)) == 1.0
