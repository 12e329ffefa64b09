"""Batches of a transformer: what goes together, and what happens when memory runs out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.errors import EmbedError, UsageError
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.settings import EncoderOptions
from taskaff.stages.embed.transformer import devices
from taskaff.stages.embed.transformer.plan import Rule, padded_tokens, plan
from taskaff.stages.embed.transformer.replica import BatchReplica, Pooled
from taskaff.stages.embed.transformer.tokenise import Tokens

LENGTHS = st.lists(st.integers(0, 40), max_size=60).map(lambda x: np.array(x, np.int64))
RULES = st.builds(Rule, st.integers(1, 200), st.integers(0, 100), st.none() | st.integers(1, 10))


def tokens_of(lengths, types=None):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.arange(1, starts[-1] + 1, dtype=np.int32)
    return Tokens(ids, starts, types, np.zeros(len(lengths), bool), EncodeCounts())


@given(lengths=LENGTHS, rule=RULES)
def test_every_row_with_tokens_is_in_one_batch(lengths, rule):
    order, batches = plan(lengths, rule)
    assert sorted(order.tolist()) == np.flatnonzero(lengths).tolist()
    assert [b.start for b in batches] == [0, *(b.stop for b in batches)][: len(batches)]
    assert (batches[-1].stop if batches else 0) == len(order)
    for batch in batches:
        inside = lengths[order[batch.start : batch.stop]]
        assert len(inside)
        assert inside.max() == batch.length
        assert batch.padded == (inside.min() < batch.length)
        if rule.rows is not None:
            assert len(inside) == rule.rows or batch is batches[-1]
        else:
            assert len(inside) == 1 or len(inside) * batch.length <= rule.budget
            assert (batch.length - inside).sum() <= rule.overhead


def test_rows_as_long_as_each_other_stay_together():
    _, batches = plan(np.array([9] * 4 + [3] * 5), Rule(budget=1000, overhead=14))
    assert [(b.start, b.stop, b.padded) for b in batches] == [(0, 4, False), (4, 9, False)]
    _, batches = plan(np.array([9] * 4 + [3] * 5), Rule(budget=1000, overhead=30))
    assert [(b.start, b.stop, b.padded) for b in batches] == [(0, 9, True)]


@given(lengths=LENGTHS, rule=RULES)
def test_padded_tokens(lengths, rule):
    tokens = tokens_of(lengths)
    order, batches = plan(lengths, rule)
    flat = padded_tokens(tokens.ids, tokens.starts, order, batches, -1)
    want = [np.empty(0, np.int32)]
    for batch in batches:
        for row in order[batch.start : batch.stop]:
            ids = tokens.ids[tokens.starts[row] : tokens.starts[row + 1]]
            want.append(np.pad(ids, (0, batch.length - len(ids)), constant_values=-1))
    assert np.array_equal(flat, np.concatenate(want))


class Fake:
    """A model whose token vectors are the ids; out of memory above ``room`` padded tokens."""

    def __init__(self, room, error):
        self.room, self.error, self.sizes = room, error, []

    def __call__(self, input_ids, attention_mask, token_type_ids=None):
        self.sizes.append(input_ids.numel())
        if input_ids.numel() > self.room:
            raise self.error
        hidden = input_ids[..., None].float()
        if token_type_ids is not None:
            hidden = hidden + 1000 * token_type_ids[..., None]
        return SimpleNamespace(last_hidden_state=hidden)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    MemoryError(),
]


def replica_of(model, rule=None):
    cpu = torch.device("cpu")
    return BatchReplica(Pooled(model, "mean", None), cpu, rule or Rule(budget=64, overhead=8), 0)


def run(replica, tokens):
    order, wait = replica.start(tokens, 1)
    X = np.zeros(len(tokens.lengths))
    X[order] = wait()[:, 0]
    return X


def means(tokens):
    sums = np.add.reduceat(tokens.ids.astype(float), tokens.starts[:-1])
    return sums / tokens.lengths


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("rows", [None, 12])
def test_out_of_memory_halves_the_batch_and_goes_on(error, rows):
    model = Fake(20, error)
    replica = replica_of(model, Rule(budget=64, overhead=8, rows=rows))
    tokens = tokens_of(np.array([5, 3, 1, 8, 8, 8, 2, 7, 7, 1, 1, 4]))
    np.testing.assert_allclose(run(replica, tokens), means(tokens), rtol=1e-6)
    assert any(size > 20 for size in model.sizes)
    assert replica.most <= 20
    model.sizes.clear()
    np.testing.assert_allclose(run(replica, tokens), means(tokens), rtol=1e-6)
    assert max(model.sizes) <= 20, "the smaller plan was not kept"


def test_segments_reach_the_model():
    tokens = tokens_of(np.array([3, 2]), np.array([0, 1, 1, 0, 0], np.int32))
    want = means(tokens) + np.array([2000 / 3, 0])
    np.testing.assert_allclose(run(replica_of(Fake(99, None)), tokens), want, rtol=1e-6)


def test_no_memory_for_a_single_text_is_an_error():
    with pytest.raises(EmbedError, match="one text of 40 tokens") as caught:
        run(replica_of(Fake(20, ERRORS[0])), tokens_of(np.array([40, 2, 3])))
    assert caught.value.hint == "--max-length 20, or --device cpu"


def test_other_errors_are_not_taken_for_memory():
    with pytest.raises(RuntimeError, match="shapes"):
        run(replica_of(Fake(1, RuntimeError("shapes do not match"))), tokens_of(np.array([4])))


def test_no_mask_without_padding():
    seen = []

    def model(input_ids, attention_mask):
        seen.append(attention_mask)
        return SimpleNamespace(last_hidden_state=input_ids[..., None].float())

    run(replica_of(model), tokens_of(np.array([4, 4, 4])))
    run(replica_of(model), tokens_of(np.array([4, 3])))
    assert seen[0] is None
    assert seen[1].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_a_device_that_is_not_there():
    for name in ("cuda:63", "tpu9", "nonsense"):
        with pytest.raises(UsageError, match=f"device '{name}' cannot be used") as caught:
            devices.devices(name)
        assert caught.value.hint == "--device cpu"


def test_auto_takes_every_gpu_in_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    found = devices.devices("auto")
    assert [str(device) for device in found] == ["cuda:0", "cuda:1", "cuda:2"]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    assert devices.dtype_for(EncoderOptions(), found) is torch.bfloat16
    assert devices.dtype_for(EncoderOptions(dtype="float32"), found) is torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda d: (9 - 2 * d.index, 0))
    assert devices.dtype_for(EncoderOptions(), found) is torch.float32


def test_processors_take_float32_unless_told_otherwise(monkeypatch):
    """Also those that compute in bfloat16: a signature must compare with the next machine's."""
    cpu = [torch.device("cpu")]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert devices.dtype_for(EncoderOptions(), cpu) is torch.float32
    assert devices.dtype_for(EncoderOptions(dtype="bfloat16"), cpu) is torch.bfloat16


@pytest.mark.gpu
def test_several_windows_on_a_gpu(tiny_bert):
    import pyarrow as pa

    from taskaff.stages.embed import open_encoder

    texts = pa.array(["a good film " * (i % 17) for i in range(20000)])
    want, counts = open_encoder(f"hf:{tiny_bert}", options=EncoderOptions(device="cpu")).encode(
        texts
    )
    options = EncoderOptions(device="cuda", dtype="float32")
    X, same = open_encoder(f"hf:{tiny_bert}", options=options).encode(texts)
    np.testing.assert_allclose(X, want, atol=1e-4)
    assert counts == same
