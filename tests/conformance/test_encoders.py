"""What every encoder of the table promises, checked on the ones that need no argument."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.core.errors import EmbedError, UsageError
from taskaff.core.parallel import ordered_map
from taskaff.core.records.data import RowBatch
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store
from taskaff.stages.embed import ENCODERS, embed_batch, open_encoder, row_width, vectors_card

NEEDS_MODEL = {"st", "hf"}
TEXT_ENCODERS = sorted(set(ENCODERS) - {"vectors"} - NEEDS_MODEL)
TEXTS = st.lists(st.text("abe n't.,-'!é \n", max_size=30), max_size=20)


@pytest.fixture(scope="module", params=TEXT_ENCODERS)
def encoder(request):
    return open_encoder(request.param)


def batch_of(*columns, vectors=None):
    return RowBatch("f.csv", "train", 0, tuple(pa.array(c) for c in columns), vectors, None)


@settings(max_examples=40)
@given(texts=TEXTS, cuts=st.lists(st.integers(0, 20), max_size=4))
def test_rows_do_not_depend_on_their_batch(encoder, texts, cuts):
    whole, counts = encoder.encode(pa.array(texts, pa.string()))
    assert whole.shape == (len(texts), encoder.card.width)
    assert whole.dtype == np.float32
    bounds = sorted({0, len(texts), *(cut for cut in cuts if cut <= len(texts))})
    parts = [encoder.encode(pa.array(texts[a:b], pa.string())) for a, b in pairwise(bounds)]
    if parts:
        assert np.array_equal(np.concatenate([X for X, _ in parts]), whole)
    assert sum((c for _, c in parts), EncodeCounts()) == counts


@settings(max_examples=20)
@given(texts=TEXTS, seed=st.integers(0, 99))
def test_order_is_kept(encoder, texts, seed):
    order = np.random.default_rng(seed).permutation(len(texts))
    X, _ = encoder.encode(pa.array(texts, pa.string()))
    shuffled, _ = encoder.encode(pa.array([texts[i] for i in order], pa.string()))
    assert np.array_equal(shuffled, X[order])


def test_text_without_a_known_token_is_zero_and_counted(encoder):
    X, counts = encoder.encode(pa.array(["", " \n", "zqxjkvzqxjkv", "the film"]))
    assert not X[:3].any()
    assert X[3].any()
    assert (counts.empty, counts.unknown, counts.tokens, counts.truncated) == (3, 1, 3, 0)


def test_card_is_stable(encoder):
    again = open_encoder(encoder.card.id)
    assert again.card == encoder.card
    assert len(encoder.card.fingerprint) == 64


def test_several_threads_give_what_one_gives(encoder):
    batches = [pa.array([f"the film {i} isn't {word}" for i in range(200)]) for word in "abcdef"]
    alone = [encoder.encode(batch)[0] for batch in batches]
    together = ordered_map(lambda batch: encoder.encode(batch)[0], batches, workers=4)
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_pairs(encoder):
    left, right = ["a good film", ""], ["the film", "bad"]
    X, counts = embed_batch(encoder, batch_of(left, right))
    u, first = encoder.encode(pa.array(left))
    v, second = encoder.encode(pa.array(right))
    assert np.array_equal(X, np.hstack([u, v, np.abs(u - v), u * v]))
    assert X.shape == (2, 4 * encoder.card.width)
    assert X.dtype == np.float32
    assert counts == first + second
    assert counts.empty == 1


def test_single_texts(encoder):
    X, counts = embed_batch(encoder, batch_of(["a film"]))
    assert np.array_equal(X, encoder.encode(pa.array(["a film"]))[0])
    assert counts.tokens == 2


class LengthEncoder:
    """A fake: the vector of a text is its length."""

    card = vectors_card(1)

    def encode(self, texts):
        X = np.array([[len(text)] for text in texts.to_pylist()], np.float32)
        return X, EncodeCounts(tokens=len(texts))


OWN = ["st:{}", "hf:{}", "hf:{}?pooling=cls&layer=1"]


@pytest.fixture(scope="module", params=OWN)
def model(request, tiny_bert):
    """Encoders that need a model: what they compute depends on the batch in its last bits."""
    spec = request.param.format(tiny_bert)
    return spec, open_encoder(spec, options=EncoderOptions(device="cpu"))


def test_every_encoder_of_the_table_is_checked():
    assert {spec.partition(":")[0] for spec in OWN} == NEEDS_MODEL
    assert set(TEXT_ENCODERS) | NEEDS_MODEL | {"vectors"} == set(ENCODERS)


@settings(max_examples=20)
@given(texts=TEXTS, cut=st.integers(0, 20), seed=st.integers(0, 99))
def test_rows_of_a_model_do_not_depend_on_batch_or_order(model, texts, cut, seed):
    _, encoder = model
    whole, counts = encoder.encode(pa.array(texts, pa.string()))
    assert whole.shape == (len(texts), encoder.card.width)
    assert whole.dtype == np.float32
    order = np.random.default_rng(seed).permutation(len(texts))
    shuffled = pa.array([texts[i] for i in order], pa.string())
    parts = [encoder.encode(part) for part in (shuffled[:cut], shuffled[cut:])]
    np.testing.assert_allclose(np.concatenate([X for X, _ in parts]), whole[order], atol=1e-4)
    assert parts[0][1] + parts[1][1] == counts


def test_models_in_several_threads_and_opened_again(model):
    spec, encoder = model
    again = open_encoder(spec, options=EncoderOptions(device="cpu", offline=True))
    assert again.card == encoder.card
    batches = [pa.array([f"the film {i} isn't {word}" for i in range(40)]) for word in "abcdef"]
    alone = [encoder.encode(batch)[0] for batch in batches]
    together = ordered_map(lambda batch: again.encode(batch)[0], batches, workers=4)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("pairs", ["apart", "cross"])
def test_pairs_of_a_model_have_the_width_of_its_card(model, pairs):
    spec, _ = model
    encoder = open_encoder(spec, options=EncoderOptions(device="cpu", pairs=pairs))
    X, counts = embed_batch(encoder, batch_of(["a good film", ""], ["the film", "bad"]))
    assert X.shape == (2, row_width(encoder.card, "pair"))
    assert X.dtype == np.float32
    assert counts.tokens == 6
    assert encoder.card.pairs == pairs


def test_any_encoder_fits():
    X, counts = embed_batch(LengthEncoder(), batch_of(["abc", "x"], ["a", "xyz"]))
    assert X.tolist() == [[3, 1, 2, 3], [1, 3, 2, 3]]
    assert counts.tokens == 4


def test_ready_vectors_pass_through():
    vectors = np.arange(6, dtype=np.float64).reshape(2, 3)
    X, counts = embed_batch(None, batch_of(vectors=vectors))
    assert np.array_equal(X, vectors)
    assert X.dtype == np.float32
    assert counts == EncodeCounts()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused_with_their_row(bad):
    vectors = np.ones((3, 2), np.float32)
    vectors[1, 1] = bad
    with pytest.raises(EmbedError, match=r"not finite.*f\.csv, row 2"):
        embed_batch(None, batch_of(vectors=vectors))


def test_text_without_an_encoder_is_refused():
    with pytest.raises(EmbedError, match="need an encoder") as caught:
        embed_batch(None, batch_of(["a"]))
    assert "--encoder glove" in caught.value.hint


def test_ready_vectors_encoder_has_none_for_text():
    encoder = open_encoder("vectors")
    with pytest.raises(EmbedError, match="expects ready vectors"):
        encoder.encode(pa.array(["a"]))


def test_ready_vectors_compare_only_at_equal_width():
    assert vectors_card(3) == vectors_card(3)
    assert vectors_card(3).fingerprint != vectors_card(4).fingerprint


@pytest.mark.parametrize(
    ("spec", "words"),
    [("golve", "did you mean 'glove'"), ("glove:", ":PATH"), ("vectors:3", "--encoder vectors")],
)
def test_wrong_specs(spec, words):
    with pytest.raises(UsageError) as caught:
        open_encoder(spec)
    assert words in caught.value.hint


def test_store_can_be_off(tmp_path):
    (tmp_path / "v.txt").write_text("the 1 2\n")
    encoder = open_encoder(f"glove:{tmp_path / 'v.txt'}", store=Store(tmp_path / "c", "off"))
    assert encoder.encode(pa.array(["The"]))[0].tolist() == [[1, 2]]
    assert not (tmp_path / "c").exists()
