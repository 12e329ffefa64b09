"""Merging shards is one pass over their rows; what does not belong together is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.signature._streams import KINDS, assert_same_sums, file, oracle, rows, schema, summed

from taskaff.core.errors import SignatureError
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncoderCard
from taskaff.stages.signature import merge, pad


@given(
    st.integers(0, 2**32),
    st.integers(1, 30),
    st.sampled_from(KINDS),
    st.lists(st.integers(0, 30), max_size=4),
)
def test_shards_are_one_pass(seed, n, kind, cuts):
    X, labels, hashes = rows(seed, n, 3, 2, kind)
    labelled = schema(kind, 2)
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    shards = [
        summed(X[a:b], None if labels is None else labels[a:b], hashes[a:b], labelled)
        for a, b in pairwise(edges)
    ]
    whole = oracle(X, labels, hashes, labelled)
    assert_same_sums(merge(shards), whole)
    assert_same_sums(merge(shards[::-1]), whole)
    assert_same_sums(merge([merge(shards[:2]), *shards[2:]]), whole)


@given(st.integers(0, 2**32), st.integers(1, 25), st.lists(st.integers(0, 25), max_size=3))
def test_shards_with_different_classes_are_one_pass(seed, n, cuts):
    """Each shard knows only the classes that occur in it."""
    names = np.array(["10", "9", "-1", "2"])
    X, codes, hashes = rows(seed, n, 3, 4, "classes")
    words = names[codes]
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    whole, *shards = [
        _of_words(X[a:b], words[a:b], hashes[a:b]) for a, b in [(0, n), *pairwise(edges)]
    ]
    assert_same_sums(merge(shards), whole)
    assert_same_sums(merge(shards[::-1]), whole)
    assert_same_sums(merge([merge(shards[:2]), *shards[2:]]), whole)


def _of_words(X, words, hashes):
    names = tuple(sorted(set(words.tolist()), key=int))
    index = {name: i for i, name in enumerate(names)}
    codes = np.array([index[word] for word in words], np.int64)
    return summed(X, codes, hashes, LabelSchema("classes", names, ("label",)))


@pytest.mark.parametrize(
    ("one", "other", "united"),
    [
        (("b",), ("a", "c"), ("a", "b", "c")),
        (("10", "9"), ("2",), ("2", "9", "10")),
        (("10", "9"), ("x",), ("10", "9", "x")),
        (("no", "yes"), ("no", "yes"), ("no", "yes")),
        (("z", "a"), ("z", "a"), ("z", "a")),  # agreed names keep their order
        (("01", "1"), ("0",), ("0", "01", "1")),
        (("1" * 5000,), ("2",), ("1" * 5000, "2")),  # too long to be a number
    ],
)
def test_united_class_names(one, other, united):
    X, _, hashes = rows(1, 4, 2, 1, "none")
    codes = np.zeros(4, np.int64)
    a = summed(X, codes, hashes, schema("classes", 0, one))
    b = summed(X, codes, hashes, schema("classes", 0, other))
    assert merge([a, b]).schema.names == united
    assert merge([b, a]).schema.names == united


def test_items_of_label_lists_are_united():
    X, labels, hashes = rows(2, 10, 2, 2, "multilabel")
    one = LabelSchema("multilabel", ("a", "b"), ("tags",))
    other = LabelSchema("multilabel", ("b", "c"), ("tags",))
    merged = merge([summed(X, labels, hashes, one), summed(X, labels, hashes, other)])
    Y = np.zeros((20, 3))
    Y[:10, :2], Y[10:, 1:] = labels, labels
    whole = oracle(
        np.vstack([X, X]), Y, np.tile(hashes, 2), LabelSchema("multilabel", "abc", ("tags",))
    )
    assert_same_sums(merged, replace(whole, schema=merged.schema))
    assert merged.schema.names == ("a", "b", "c")


@pytest.mark.parametrize("kind", ["regression", "multilabel"])
def test_label_columns_are_matched_by_name_but_never_invented(kind):
    X, labels, hashes = rows(3, 10, 2, 2, kind)
    ab = LabelSchema(kind, ("a", "b"), ("a", "b"))
    ba = LabelSchema(kind, ("b", "a"), ("b", "a"))
    merged = merge([summed(X, labels, hashes, ab), summed(X, labels[:, ::-1], hashes, ba)])
    once = summed(X, labels, hashes, ab)
    assert merged.schema == ab
    assert np.allclose(merged.sxy, 2 * once.sxy, rtol=1e-12)
    assert np.allclose(merged.syy, 2 * once.syy, rtol=1e-12)
    with pytest.raises(SignatureError, match="different label columns"):
        merge([once, summed(X, labels, hashes, LabelSchema(kind, ("a", "c"), ("a", "c")))])


def _one(**changes):
    X, labels, hashes = rows(4, 10, 3, 2, "regression")
    return replace(summed(X, labels, hashes, schema("regression", 2)), **changes)


@pytest.mark.parametrize(
    ("what", "changes", "hint"),
    [
        ("encoder", {"encoder": EncoderCard("vectors", "other", 3)}, "--encoder"),
        ("layout", {"layout": "pair"}, "--text"),
        ("split", {"split": "all"}, "--split"),
        ("label kind", {"schema": LabelSchema("multilabel", ("y0", "y1"))}, "--label-kind"),
        ("padding", {"padded_from": 2}, "before padding"),
    ],
)
def test_shards_made_differently_are_refused(what, changes, hint):
    with pytest.raises(SignatureError, match=f"different {what} cannot be merged") as info:
        merge([_one(), _one(name="other", **changes)])
    assert hint in info.value.hint
    assert "'task'" in info.value.found
    assert "'other'" in info.value.found


def test_different_widths_are_refused():
    with pytest.raises(SignatureError, match="different width"):
        merge([_one(), pad(_one(), 4)])


def test_nothing_to_merge():
    with pytest.raises(SignatureError, match="nothing"):
        merge([])


def test_a_shard_merged_twice_is_refused():
    a, b, c = (_one(inputs=(file(x * 64, f"{x}.csv"),)) for x in "abc")
    ab = merge([a, b])
    assert [f.path for f in ab.inputs] == ["a.csv", "b.csv"]
    assert [f.path for f in merge([ab, c]).inputs] == ["a.csv", "b.csv", "c.csv"]
    renamed = replace(b, inputs=(file("b" * 64, "copy.csv"),))
    with pytest.raises(
        SignatureError, match=r"'b.csv' and 'copy.csv' have SHA-256 b{12}\."
    ) as info:
        merge([ab, renamed])
    assert info.value.hint == "merge each shard once"
    assert merge([ab, renamed], allow_repeats=True).rows == 30


def test_inputs_without_a_hash_are_not_taken_for_repeats():
    one = _one(inputs=(file("", "table"),))
    assert merge([one, one]).rows == 20


def test_notes_and_counts():
    one, other = _one(notes=("a", "b")), _one(notes=("b", "c"))
    merged = merge([one, other])
    assert merged.notes == ("a", "b", "c")
    assert merged.counts.tokens == 20


def test_merging_leaves_its_arguments_alone():
    one = _one()
    before = {name: getattr(one, name).copy() for name in ("n", "sx", "sxx", "sxy", "sy", "syy")}
    merge([one, one, one])
    assert all((getattr(one, name) == value).all() for name, value in before.items())


def test_padding_is_summing_padded_rows():
    X, labels, hashes = rows(5, 10, 3, 2, "classes")
    labelled = schema("classes", 2)
    padded = pad(summed(X, labels, hashes, labelled), 7)
    wide = np.hstack([X, np.zeros((10, 4), np.float32)])
    assert_same_sums(padded, summed(wide, labels, hashes, labelled))
    assert (padded.width, padded.padded_from) == (7, 3)
    assert pad(padded, 9).padded_from == 3


def test_padding_to_its_own_width_changes_nothing():
    one = _one()
    assert pad(one, 3) is one
    assert one.padded_from is None


@pytest.mark.parametrize("width", [2, 10_000])
def test_impossible_paddings_are_refused(width):
    with pytest.raises(SignatureError):
        pad(_one(), width)
