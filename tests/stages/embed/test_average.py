from __future__ import annotations

import csv
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.embed import _naive

from taskaff.stages.embed.average import AverageEncoder, segment_sums

_TEXT = (
    "the , . no mr. mr is do n't it 's so-so well known - man ... -- ! !!! ? ( ) ca wo 're 'll "
    "u.s. u.s $ 50 3,000 é café :) ' '' `` # @ user girl on /  no. i i. end 1 2 ½ 日本 n' tis"
)
WORDS = _TEXT.split(" ")
VECTORS = np.random.default_rng(1).standard_normal((len(WORDS), 7)).astype(np.float32)
TABLE = {word: row for row, word in reversed(list(enumerate(WORDS))) if word}


@pytest.fixture(scope="module")
def encoder():
    return AverageEncoder("test", pa.array(WORDS), VECTORS, "0" * 64)


def spelled(text):
    return [token for token, _ in _naive.tokens(text, TABLE)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's so-so.", "it 's so-so ."),
        ("don't", "do n't"),
        ("does n 't", "does n't"),
        ("Don 't the", "do n't the"),
        ("in 'the end", "in ' the end"),
        ("ca n't", "ca n't"),
        ("CAN'T!", "ca n't !"),
        ("they're (well-known)", "they 're ( well - known )"),
        ("No.", "no ."),
        ("Mr. user", "mr. user"),
        ("the u.s. end.", "the u.s. end ."),
        ("$50,", "$ 50 ,"),
        ("3,000 3,001", "3,000 3 , 001"),
        ("café!!!", "café !!!"),
        ("cafe\u0301", "café"),
        ("don\u2019t", "do n't"),
        ("wait\u2026 what", "wait ... what"),
        ("#user @user", "# user @ user"),
        ("the\u00a0man", "the man"),
        ("what?!", "what ? !"),
        (" \t\n ", ""),
        ("", ""),
    ],
)
def test_spelling_by_hand(encoder, text, expected):
    assert spelled(text) == expected.split()
    X, counts = encoder.encode(pa.array([text]))
    known = [VECTORS[TABLE[token]] for token in expected.split() if token in TABLE]
    assert counts.tokens == len(expected.split())
    assert counts.unknown == counts.tokens - len(known)
    want = np.mean(known, axis=0) if known else np.zeros(7)
    np.testing.assert_allclose(X[0], want, atol=1e-6)


def agree(encoder, words, vectors, texts):
    X, counts = encoder.encode(pa.array(texts, pa.string()))
    want, want_counts = _naive.average(texts, words, vectors)
    assert asdict(counts) == want_counts
    np.testing.assert_allclose(X, want, atol=2e-6)


PIECES = st.one_of(
    st.sampled_from([*WORDS, "Unknown", "don't", "'S", "n't've", "...)", "--", "''", "\u2019ll"]),
    st.text(
        "aént's.-,!?'`:/&_ \t\n\u00a0\u2019\u2026\u3000İΣßﬁ①日\U0001f600\ufe0f\u0301", max_size=8
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=8),
)
TEXTS = st.lists(PIECES, max_size=12).flatmap(
    lambda parts: st.sampled_from([" ", "", "\n"]).map(lambda space: space.join(parts))
)


@given(st.lists(TEXTS, max_size=8))
def test_agrees_with_the_naive_tokeniser(encoder, texts):
    agree(encoder, WORDS, VECTORS, texts)


@pytest.mark.data
def test_agrees_on_real_texts_with_the_default_vectors(default_glove, shared_data):
    words = [word.decode() for word in default_glove.vocabulary.words.to_pylist()]
    texts = []
    for name in ("sentiment/cr/data", "sentiment/subj/data", "calibration/tweet_irony/train"):
        with (shared_data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            texts += [row["text"] for row in list(csv.DictReader(file))[:400]]
    agree(default_glove, words, default_glove.vectors, texts)


def test_one_very_long_text(encoder):
    tokens = [WORDS[i % 20] for i in range(3000)]
    agree(encoder, WORDS, VECTORS, [" ".join(tokens), "the", ""])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 1200), max_size=8))
def test_segment_sums(sizes):
    rng = np.random.default_rng(3)
    values = rng.standard_normal((9, 4)).astype(np.float32)
    bounds = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    index = rng.integers(0, 9, bounds[-1]).astype(np.int64)
    got = segment_sums(values, index, bounds)
    for n, (a, b) in enumerate(pairwise(bounds)):
        np.testing.assert_allclose(got[n], values[index[a:b]].sum(axis=0), atol=5e-3)


def test_all_string_types_and_slices_agree(encoder):
    texts = ["the end", "no. mr. unknown", "", "it's"]
    plain = pa.array(texts)
    want, counts = encoder.encode(plain)
    large = plain.cast(pa.large_string())
    chunked = pa.chunked_array([plain.slice(0, 1), plain.slice(1)])
    shifted = pa.array(["x", *texts, "y"]).slice(1, 4)
    for other in (large, chunked, shifted, plain.dictionary_encode().cast(pa.string())):
        X, other_counts = encoder.encode(other)
        assert np.array_equal(X, want)
        assert other_counts == counts


def test_of_repeated_words_the_first_counts():
    encoder = AverageEncoder("t", pa.array(["a", "b", "a"]), np.eye(3, dtype=np.float32), "0")
    X, _ = encoder.encode(pa.array(["a"]))
    assert X.tolist() == [[1, 0, 0]]


def test_an_empty_vocabulary_knows_nothing():
    encoder = AverageEncoder("t", pa.array([], pa.string()), np.zeros((1, 2), np.float32), "0")
    X, counts = encoder.encode(pa.array(["a b"]))
    assert X.tolist() == [[0, 0]]
    assert (counts.tokens, counts.unknown, counts.empty) == (2, 2, 1)


def test_huge_cells_take_no_longer_than_their_share(encoder):
    cells = ["x" * 2_000_000, "the " * 500_000, "a-" * 1_000_000, "'" * 1_000_000, "the,no." * 9]
    X, counts = encoder.encode(pa.array(cells))
    assert np.isfinite(X).all()
    np.testing.assert_allclose(X[1], VECTORS[TABLE["the"]], rtol=1e-3)
    assert counts.empty == 1
    agree(encoder, WORDS, VECTORS, cells[-1:])
