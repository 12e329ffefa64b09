"""Near copies: what shares a key differs in little, and what differs in little shares a key."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.signature._streams import assert_same_sketch

from taskaff.core.records.data import RowBatch
from taskaff.core.records.signature import Sketch
from taskaff.stages.signature import merge_sketches
from taskaff.stages.signature.hashing import row_content
from taskaff.stages.signature.keys import KEY_BITS, packed_keys, unpacked_keys
from taskaff.stages.signature.near import LEAST, MOST_KEYS, SHORT
from taskaff.stages.signature.sketches import SketchBuilder

words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), min_size=1, max_size=9)
SENTENCE = "the quick brown fox jumps over the lazy old dog"


def content(*columns: list[str]):
    texts = tuple(pa.array(column, pa.string()) for column in columns)
    return row_content(RowBatch("f", "train", 0, texts, None, None))


def keys(*texts: str) -> list[set[int]]:
    near = content(list(texts)).near
    ends = np.cumsum(near.counts, dtype=int)
    return [set(part.tolist()) for part in np.split(near.keys, ends[:-1])]


def near(one: str, other: str) -> bool:
    first, second = keys(one, other)
    return bool(first & second)


def one_word_apart(one: list[str], other: list[str]) -> bool:
    """At most one word of each has no partner, and ``LEAST`` have one."""
    shared = sum((Counter(one) & Counter(other)).values())
    return shared >= LEAST and max(len(one), len(other)) - shared <= 1


@settings(max_examples=80)
@given(words, words, st.integers(0, 3))
def test_short_rows_share_a_key_if_and_only_if_one_word_differs(one, other, kept):
    other = one[: len(one) - kept] + other[:kept] if kept < 3 else other
    assert near(" ".join(one), " ".join(other)) == one_word_apart(one, other)


@pytest.mark.parametrize(
    "other",
    [
        SENTENCE + " indeed",
        "indeed " + SENTENCE,
        SENTENCE.replace("fox", "cat"),
        SENTENCE.replace("quick", "qiuck"),
        SENTENCE.upper() + "!!",
        SENTENCE.removesuffix(" dog"),
        " ".join(reversed(SENTENCE.split())),
    ],
)
def test_one_change_is_a_near_copy(other):
    assert near(SENTENCE, other)


@pytest.mark.parametrize("other", ["", "fox", "the quick brown fox", "a bird sings in a tree now"])
def test_other_sentences_are_not(other):
    assert not near(SENTENCE, other)


@pytest.mark.parametrize("length", range(LEAST, 3 * SHORT))
def test_a_word_more_is_found_at_every_length(length):
    rng = np.random.default_rng(length)
    rows = [[f"w{i}" for i in rng.integers(0, 10**6, length)] for _ in range(20)]
    found = [near(" ".join(row), " ".join([*row, "more"])) for row in rows]
    assert sum(found) >= 19  # beyond SHORT with probability 0.999 and more


@pytest.mark.parametrize("length", range(1, 4 * SHORT))
def test_no_row_has_more_keys_than_there_is_room_for(length):
    text = " ".join(f"w{i}" for i in range(length))
    assert content([text]).near.counts.max() <= MOST_KEYS
    assert content(["日" * length + text.replace(" ", "")]).near.counts.max() <= MOST_KEYS


def resemblance(one: list[str], other: list[str]) -> float:
    """Jaccard's of the sets of neighbouring words."""
    first, second = (set(pairwise(row)) for row in (one, other))
    return len(first & second) / len(first | second)


def test_long_rows_are_found_by_resemblance():
    """Against the exact resemblance: all of the near ones, none of the far ones."""
    rng = np.random.default_rng(3)

    def draw(n: int) -> list[str]:
        return [f"w{i}" for i in rng.integers(0, 10**9, n)]

    for changed in (1, 2, 40, 60):
        rows = [draw(80) for _ in range(20)]
        others = [row[:-changed] + draw(changed) for row in rows]
        pairs = list(zip(rows, others, strict=True))
        found = sum(near(" ".join(one), " ".join(other)) for one, other in pairs)
        if min(resemblance(*pair) for pair in pairs) > 0.9:
            assert found == 20
        if max(resemblance(*pair) for pair in pairs) < 0.34:
            assert found <= 3  # 0.02 each


def test_very_short_rows_have_no_key():
    assert keys("", "!", "good", "a very good film indeed", "好电影") == [set()] * 5


def test_scripts_without_spaces():
    chinese = "这部电影的故事非常感人演员们的表演也很出色"
    thai = "ภาพยนตร์เรื่องนี้สนุกมากและนักแสดงก็เล่นได้ดีมาก"
    for text, more in ((chinese, "谢谢"), (thai, "ครับ")):
        assert near(text, text + more)
        assert near(text, more + text)
    assert not near(chinese, "今天的天气很好我们一起去公园散步吧朋友们都在")
    assert not near(thai, "วันนี้อากาศดีเราไปเดินเล่นที่สวนสาธารณะกันเถอะ")
    assert near(SENTENCE + " 好", SENTENCE)  # most words stand between spaces


def test_the_two_texts_of_a_pair_are_told_apart():
    one, other = "a man plays the guitar", "a dog runs along the beach"
    near = content([one, other, one + " loudly", one], [other, one, other, "nothing at all"]).near
    parts = [set(part.tolist()) for part in np.split(near.keys, np.cumsum(near.counts)[:-1])]
    assert parts[0] & parts[2]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[3]


def test_vectors_have_no_keys():
    vectors = np.ones((3, 2), np.float32)
    found = row_content(RowBatch("f", "train", 0, (), vectors, None))
    assert found.near is None
    assert found.words is None


@given(st.lists(words, min_size=1, max_size=12), st.integers(1, 11))
def test_batches_change_nothing(rows, cut):
    texts = [" ".join(row) for row in rows]
    whole = content(texts).near
    parts = [content(part).near for part in (texts[:cut], texts[cut:]) if part]
    assert np.array_equal(whole.keys, np.concatenate([part.keys for part in parts]))
    assert np.array_equal(whole.counts, np.concatenate([part.counts for part in parts]))


def sketch(texts: list[str], limit: int) -> Sketch:
    builder = SketchBuilder(limit)
    for start in range(0, len(texts), 3):
        found = content(texts[start : start + 3])
        builder.add(found.hashes, found.near)
    return builder.sketch()


@given(st.lists(st.lists(words, max_size=8), min_size=1, max_size=3), st.integers(2, 9))
def test_merging_is_one_pass(parts, limit):
    texts = [[" ".join(row) for row in part] for part in parts]
    whole = sketch([text for part in texts for text in part], limit)
    for order in (texts, texts[::-1]):
        merged = merge_sketches([sketch(part, limit) for part in order], limit)
        assert_same_sketch(merged, whole)
        assert np.array_equal(merged.near.counts, whole.near.counts)
        assert np.array_equal(merged.near.keys, whole.near.keys)


def test_a_part_without_keys_leaves_none():
    one = sketch([SENTENCE], 9)
    assert merge_sketches([one, replace(one, near=None)]).near is None


@given(st.lists(st.integers(0, 2**KEY_BITS - 1), max_size=5))
def test_keys_are_packed_without_loss(numbers):
    found = np.array(numbers, np.uint64)
    assert unpacked_keys(packed_keys(found)).tolist() == numbers


def test_keys_are_the_same_in_every_release():
    """Files written by one release are compared with those of another."""
    assert sorted(keys(SENTENCE)[0])[:2] == [280759901123, 504152250379]
    assert sorted(keys(SENTENCE + " " + SENTENCE)[0])[:2] == [238306841312, 250462769846]
