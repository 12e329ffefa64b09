"""Rows as token numbers, and the module that the probe fine-tunes, against transformers' own."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import tiny_bert
import torch

from taskaff.core.errors import EmbedError
from taskaff.core.records.embedding import EncoderCard
from taskaff.stages.embed.transformer.body import FineTuned
from taskaff.stages.embed.transformer.load import load_tokenizer
from taskaff.stages.embed.transformer.rows import token_layer, token_rows
from taskaff.stages.embed.transformer.tokenise import Tokeniser

CARD = EncoderCard("hf:tiny", "fingerprint", 16)
TEXTS = ["bab ded", "", "gim lon lul unheard", "bab " * 70]
OTHERS = ["fab", "ned sim", "", "tul " * 70]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_bert.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(folder)


def of(array, starts):
    return [array[a:b].tolist() for a, b in pairwise(starts)]


def test_rows_are_the_models_own_tokens(tokenizer):
    ids, starts, types, cut = token_rows(Tokeniser(tokenizer, 64), (pa.array(TEXTS),))
    want = tokenizer(TEXTS, truncation=True, max_length=64)["input_ids"]
    assert of(ids, starts) == want
    assert ids.dtype == np.int32
    assert starts.dtype == np.int64
    assert types is None
    assert cut.tolist() == [False, False, False, True]


def test_pairs_are_one_sequence_with_two_segments(tokenizer):
    columns = pa.array(TEXTS), pa.array(OTHERS)
    ids, starts, types, cut = token_rows(Tokeniser(tokenizer, 64), columns)
    want = tokenizer(TEXTS, OTHERS, truncation="longest_first", max_length=64)
    assert of(ids, starts) == want["input_ids"]
    assert of(types, starts) == want["token_type_ids"]
    assert cut.tolist() == [False, False, False, True]
    assert np.diff(starts).max() == 64


def test_the_limit_is_kept_and_what_is_cut_is_counted(tokenizer):
    ids, starts, _, cut = token_rows(Tokeniser(tokenizer, 4), (pa.array(TEXTS),))
    assert np.diff(starts).tolist() == [4, 2, 4, 4]
    assert cut.tolist() == [False, False, True, True]
    assert len(ids) == starts[-1]


def test_a_row_without_a_token_is_one_spare_token(tokenizer):
    """Only without special tokens; the training data refuse rows of no tokens."""
    bare = Tokeniser(tokenizer, 64)
    bare._fast.post_processor = None
    ids, starts, _, _ = token_rows(bare, (pa.array(["", "bab", ""]),), spare=1)
    assert starts.tolist() == [0, 1, 2, 3]
    assert ids.tolist() == [1, tokenizer.get_vocab()["bab"], 1]


def test_the_layer_loads_a_fresh_body_each_time(folder):
    layer = token_layer(folder, CARD, "mean")
    assert (layer.kind, layer.id, layer.width) == ("transformer", "hf:tiny", 16)
    assert layer.fingerprint != CARD.fingerprint
    one, two = layer.load(), layer.load()
    assert not one.training
    assert one.width == 16
    assert one.pad == 0
    with torch.no_grad():
        next(one.parameters()).zero_()
    assert next(two.parameters()).any()


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("depth", [None, 1])
def test_vectors_are_those_of_the_model_row_by_row(pooling, depth):
    bert = tiny_bert.model()
    body = FineTuned(tiny_bert.model(), pooling, depth)
    lengths = [5, 2, 9]
    ids = torch.randint(5, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor(lengths)[:, None]
    types = (torch.arange(9) > 3).long().expand(3, 9)
    found = body(ids, mask, types)
    for row, n in enumerate(lengths):
        seen = bert(
            input_ids=ids[row : row + 1, :n],
            token_type_ids=types[row : row + 1, :n],
            output_hidden_states=True,
        )
        hidden = seen.hidden_states[-1 if depth is None else depth][0]
        want = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.amax(0)}[pooling]
        assert torch.allclose(found[row], want, atol=1e-5)


SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 40,
}
NARROW = SMALL | {"embedding_size": 8}
DISTIL = {"vocab_size": 60, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16}
T5 = {"vocab_size": 60, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
FAMILIES = [
    ("roberta", "RobertaConfig", "RobertaModel", SMALL, 16),
    ("distilbert", "DistilBertConfig", "DistilBertModel", DISTIL, 16),
    ("electra", "ElectraConfig", "ElectraModel", NARROW, 8),
    ("mpnet", "MPNetConfig", "MPNetModel", SMALL, 16),
    ("t5", "T5Config", "T5Model", T5, 16),
]


@pytest.mark.parametrize(("module", "config", "name", "options", "d"), FAMILIES)
def test_families_open_their_embedding_layer(module, config, name, options, d):
    """``R`` stands between embeddings and layers: the identity changes nothing, others do."""
    torch.manual_seed(0)
    home = import_module(f"transformers.models.{module}")
    model = getattr(home, name)(getattr(home, config)(**options)).eval()
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    body = FineTuned(model, "mean", pad=1)
    ids, mask = torch.randint(5, 60, (2, 6)), torch.tensor([[1] * 6, [1] * 4 + [0] * 2]).bool()
    types = torch.zeros_like(ids)
    plain = body(ids, mask, types)
    assert plain.shape == (2, 16)
    assert body.embedded(ids, mask, types).shape == (2, 6, d)
    R = torch.eye(d).requires_grad_()
    assert torch.allclose(body(ids, mask, types, R), plain, atol=1e-5)
    turned = body(ids, mask, types, R + 0.3 * torch.randn(d, d))
    assert not torch.allclose(turned, plain, atol=1e-3)
    turned.square().sum().backward()
    assert R.grad.abs().max() > 0
    assert torch.allclose(body(ids, mask, types), plain)  # nothing stays behind


def test_alignment_multiplies_the_output_of_the_embedding_layer():
    bert, body = tiny_bert.model(), FineTuned(tiny_bert.model(), "cls")
    ids, R = torch.randint(5, 60, (3, 7)), torch.randn(16, 16)
    mask = torch.ones_like(ids).bool()
    E = bert.embeddings(input_ids=ids)
    assert torch.allclose(body.embedded(ids, mask, None), E)
    want = bert.encoder(E @ R).last_hidden_state[:, 0]
    assert torch.allclose(body(ids, mask, None, R), want, atol=1e-5)


def test_an_embedding_layer_that_is_not_used_is_an_error():
    """Rather than an alignment that does nothing."""
    bert = tiny_bert.model()
    body = FineTuned(bert, "mean")
    bert.embeddings = tiny_bert.model(1).embeddings
    ids, mask = torch.randint(5, 60, (2, 6)), torch.ones(2, 6).bool()
    for call in (
        lambda: body(ids, mask, None, torch.eye(16)),
        lambda: body.embedded(ids, mask, None),
    ):
        with pytest.raises(EmbedError, match="cannot be reached"):
            call()
