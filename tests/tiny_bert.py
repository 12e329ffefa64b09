"""A BERT of two layers and width 16 with random weights: a folder for encoders, or token tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors, TokenLayer, TokenRows

WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("ab", "ed", "im", "on", "ul")]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
D = 16


def model(seed=0):
    """Weights large enough for attention to matter."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=D,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertModel(config, add_pooling_layer=False).eval()


def write(folder: Path, seed=0) -> Path:
    """The model and its tokeniser as a folder of safetensors."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in names.items()},
    ).save_pretrained(folder)
    model(seed).save_pretrained(folder)
    return folder


def layer(seed=0) -> TokenLayer:
    """What the probe loads; without any file."""
    from taskaff.stages.embed.transformer.body import FineTuned

    return TokenLayer(
        "transformer", "tiny", f"tiny{seed}", D, load=lambda: FineTuned(model(seed), "mean").eval()
    )


def task(name="a", n=90, c=2, kind="classes", seed=0, pairs=False, where=None) -> TaskVectors:
    """Rows of 3 to 12 tokens whose labels follow from which words they hold."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 13, n)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(len(SPECIAL), len(SPECIAL) + len(WORDS), starts[-1]).astype(np.int32)
    ids[starts[:-1]], ids[starts[1:] - 1] = 2, 3
    types = None
    if pairs:
        column = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        types = (column >= np.repeat(lengths // 2, lengths)).astype(np.int32)
    table = rng.standard_normal((len(SPECIAL) + len(WORDS), c))
    score = np.add.reduceat(table[ids], starts[:-1])
    labels = score.argmax(1) if kind == "classes" else score
    if kind == "multilabel":
        labels = (score > 0).astype(float)
    hashes = np.arange(n, dtype=np.uint64) + np.uint64(seed * 10_000)
    names = tuple(f"y{i}" for i in range(c))
    tokens = TokenRows(ids, starts, types, where or layer())
    return TaskVectors(
        name,
        rng.standard_normal((n, D)).astype(np.float32),
        labels,
        hashes,
        np.zeros(n, np.int64),
        LabelSchema(kind, names, ("label",)),
        tokens,
    )
