"""Tiny models with random weights and a vocabulary of a few words, made in a moment."""

from __future__ import annotations

import json
from pathlib import Path

import torch

WORDS = ["the", "a", "good", "bad", "film", "book", "is", "not", "very", "long", "short", "see"]
WORDS += ["it", "again", "never", "un", "##seen", "##s"]
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"]
VOCABULARY = [*MARKS, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
VOCABULARY = list(dict.fromkeys(VOCABULARY))


def bert(folder: Path, *, positions: int = 64, seed: int = 0, **changes) -> Path:
    """A BERT of width 16 with two layers, and its tokeniser."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    shape = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": positions,
        "initializer_range": 0.5,
        **changes,
    }
    torch.manual_seed(seed)
    model = BertModel(BertConfig(**shape))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    vocabulary = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = BertTokenizerFast(vocab=vocabulary, model_max_length=positions)
    tokenizer.save_pretrained(folder)
    return folder


def sentence_model(folder: Path, pooling: dict, *more: str, limit: int = 32, **changes) -> Path:
    """The same as a folder of sentence-transformers, with a pooling and further modules."""
    bert(folder, **changes)
    kinds = ["Transformer", "Pooling", *more]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_{kind}" if i else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(kinds)
    ]
    write(folder / "modules.json", modules)
    write(folder / "sentence_bert_config.json", {"max_seq_length": limit, "do_lower_case": False})
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 16, **pooling})
    return folder


def static_model(folder: Path, tensors: dict) -> Path:
    """Static vectors for the same vocabulary, as model2vec writes them, by its names."""
    from safetensors.numpy import save_file

    words = bert(folder / "words") / "tokenizer.json"
    words.rename(folder / "tokenizer.json")
    save_file(tensors, folder / "model.safetensors")
    write(folder / "config.json", {"model_type": "model2vec"})
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate([("StaticEmbedding", "."), ("Normalize", "1_Normalize")])
    ]
    write(folder / "modules.json", modules)
    return folder


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def change(path: Path, **values: object) -> None:
    """Change entries of a JSON file."""
    write(path, {**read(path), **values})
