"""Texts as words: the same as the average adds up, cut, joined, and never empty."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.records.data import RowBatch
from taskaff.stages.embed import tokenrows
from taskaff.stages.embed.average import AverageEncoder

WORDS = ["a", "good", "film", "n't", "is", "mr.", "-", ".", "girl", "so-so", "the"]
VECTORS = np.random.default_rng(0).standard_normal((len(WORDS), 3)).astype(np.float32)
ENCODER = AverageEncoder("glove:test", pa.array(WORDS), VECTORS, "weights")
UNKNOWN, MARK = len(WORDS), len(WORDS) + 1

TEXTS = st.lists(
    st.one_of(
        st.lists(st.sampled_from([*WORDS, "isn't", "girl-on-girl", "xqz", "film.", "GOOD"])).map(
            " ".join
        ),
        st.text(max_size=20),
    ),
    min_size=1,
    max_size=8,
)


def rows(texts, *others, limit=None):
    columns = tuple(pa.array(column) for column in (texts, *others))
    ids, starts, types, cut = ENCODER.token_rows(columns, limit)
    assert types is None
    assert starts[-1] == len(ids)
    return [ids[a:b].tolist() for a, b in pairwise(starts)], cut.tolist()


def spelled(row):
    return [[*WORDS, "?", "|"][i] for i in row]


def test_words_are_found_as_the_average_finds_them():
    found, cut = rows(["A film, isn't good", "Mr. girl-the-girl film.", " ", ""])
    assert [spelled(row) for row in found] == [
        ["a", "film", "?", "is", "n't", "good"],
        ["mr.", "girl", "-", "the", "-", "girl", "film", "."],
        ["?"],
        ["?"],
    ]
    assert cut == [False] * 4


@given(TEXTS)
def test_known_words_average_to_the_vector_of_the_text(texts):
    X, counts = ENCODER.encode(pa.array(texts))
    found, _ = rows(texts)
    assert sum(len(row) for row in found) == max(counts.tokens, 0) + sum(
        row == [UNKNOWN] and not ENCODER.encode(pa.array([text]))[1].tokens
        for row, text in zip(found, texts, strict=True)
    )
    for row, x in zip(found, X, strict=True):
        known = [i for i in row if i < UNKNOWN]
        mean = VECTORS[known].astype(np.float64).mean(0) if known else np.zeros(3)
        assert np.allclose(x, mean, atol=1e-5)


@given(TEXTS, st.integers(1, 6))
def test_a_limit_takes_the_first_words(texts, limit):
    whole, _ = rows(texts)
    found, cut = rows(texts, limit=limit)
    assert found == [row[:limit] for row in whole]
    assert cut == [len(row) > limit for row in whole]


@given(TEXTS, TEXTS, st.integers(3, 9))
def test_pairs_stand_around_a_mark_and_the_longer_text_is_cut(one, other, limit):
    n = min(len(one), len(other))
    whole = [rows(texts[:n])[0] for texts in (one, other)]
    found, _ = rows(one[:n], other[:n])
    assert found == [[*a, MARK, *b] for a, b in zip(*whole, strict=True)]
    short, cut = rows(one[:n], other[:n], limit=limit)
    for row, a, b, was in zip(short, *whole, cut, strict=True):
        at = row.index(MARK)
        kept = row[:at], row[at + 1 :]
        assert kept == (a[: len(kept[0])], b[: len(kept[1])])
        assert len(row) == min(limit, len(a) + 1 + len(b))
        assert was == (len(a) + 1 + len(b) > limit)
        if len(kept[0]) < len(a) and len(kept[1]) < len(b):
            assert abs(len(kept[0]) - len(kept[1])) <= 1


def test_the_layer_holds_the_used_words_and_two_of_its_own():
    layer = ENCODER.word_layer(np.array([2, 5]))
    assert layer.numbers.tolist() == [2, 5, UNKNOWN, MARK]
    assert (layer.vectors[:2] == VECTORS[[2, 5]]).all()
    assert not layer.vectors[2:].any()
    assert layer.fingerprint == ENCODER.word_layer(np.array([1])).fingerprint
    assert layer.fingerprint != ENCODER.card.fingerprint


def test_tasks_are_renumbered_together():
    batches = [
        RowBatch("a", "train", 0, (pa.array(texts),), None, None)
        for texts in (["good film", "xqz"], ["film the"])
    ]
    tokens = [tokenrows.token_batch(ENCODER, batch, None)[0] for batch in batches]
    one, other = tokenrows.joined(ENCODER, tokens)
    assert one.layer is other.layer
    numbers = one.layer.numbers
    assert numbers[one.ids].tolist() == [1, 2, UNKNOWN]
    assert numbers[other.ids].tolist() == [2, 10]
    assert one.starts.tolist() == [0, 2, 3]
    assert np.array_equal(one.layer.vectors[one.ids[0]], VECTORS[1])


@pytest.mark.parametrize("kind", ["words", ""])
def test_what_an_encoder_can_give(kind):
    assert tokenrows.reads(ENCODER if kind else None) == kind
