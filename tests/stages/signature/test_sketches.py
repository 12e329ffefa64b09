"""Sketches: exact while they can be, a uniform sample of the distinct rows after."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from stages.signature._streams import assert_same_sketch

from taskaff.core.records.signature import Sketch
from taskaff.stages.signature import merge_sketches
from taskaff.stages.signature.sketches import SKETCH_LIMIT, SketchBuilder

hash_lists = st.lists(st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1)), max_size=40)


def built(hashes, limit=SKETCH_LIMIT, cuts=()) -> Sketch:
    builder = SketchBuilder(limit)
    hashes = np.asarray(hashes, np.uint64)
    for part in np.split(hashes, sorted(cuts)):
        builder.add(part)
    return builder.sketch()


@given(hash_lists, st.integers(2, 12), st.lists(st.integers(0, 40), max_size=5))
def test_keeps_the_smallest_distinct_hashes(hashes, limit, cuts):
    found = built(hashes, limit, [c for c in cuts if c <= len(hashes)])
    distinct = sorted(set(hashes))
    assert found.hashes.tolist() == distinct[:limit]
    assert found.hashes.dtype == np.uint64
    assert found.rows == len(hashes)
    assert found.exact == (len(distinct) <= limit)
    assert found.threshold == (2**64 - 1 if found.exact else distinct[limit - 1])
    assert len(found.hashes) <= found.distinct <= found.rows
    if found.exact:
        assert found.distinct == len(distinct)


@given(st.lists(hash_lists, min_size=1, max_size=4), st.integers(2, 12))
def test_merging_is_one_pass(parts, limit):
    whole = built([h for part in parts for h in part], limit)
    sketches = [built(part, limit) for part in parts]
    assert_same_sketch(merge_sketches(sketches, limit), whole)
    assert_same_sketch(merge_sketches(sketches[::-1], limit), whole)
    nested = merge_sketches([merge_sketches(sketches[:2], limit), *sketches[2:]], limit)
    assert_same_sketch(nested, whole)


def test_distinct_is_estimated_to_a_few_per_cent():
    """Relative error about 1 / sqrt(k - 2): 3.1 % at k = 1,024."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(50):
        distinct = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
        hashes = np.concatenate([distinct, distinct[:7_000]])
        found = built(hashes, 1024, range(1000, 27_000, 1000))
        assert found.rows == 27_000
        errors.append(found.distinct / 20_000 - 1)
    assert abs(np.mean(errors)) < 3 * 0.031 / 50**0.5
    assert 0.02 < np.std(errors) < 0.045


def test_the_sketch_is_independent_of_the_caller():
    hashes = np.arange(5, dtype=np.uint64)
    builder = SketchBuilder()
    builder.add(hashes)
    hashes[:] = 9
    assert builder.sketch().hashes.tolist() == [0, 1, 2, 3, 4]


def test_default_limit_is_exact_up_to_two_to_the_twenty():
    hashes = np.arange(2**20, dtype=np.uint64) * np.uint64(2**40)
    assert built(hashes).exact
    beyond = built(np.append(hashes, np.uint64(7)))
    assert not beyond.exact
    assert len(beyond.hashes) == 2**20
