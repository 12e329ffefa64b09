"""Rows per second of averaging GloVe vectors: taskaff, model2vec, gensim and a NumPy loop.

    pip install -e ".[bench]"
    python docs/benchmarks/glove_rows_per_second.py $TASKAFF_DATA

All of them hold the same 400,000 vectors in memory and embed the same texts (the sentiment sets),
one after another within each round, and the rounds are repeated. Loading and reading files are not
timed. The others get what they take, a list of strings, and so does ``taskaff from a list``;
``taskaff`` gets the Arrow array that its CSV reader gives. The result is written beside this file.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from taskaff.core.parallel import cores, ordered_map
from taskaff.stages.embed import open_encoder

REPEATS = 7
BATCH_ROWS = 8192
TOKEN = re.compile(r"\w+|[^\w\s]")


def read_texts(root: Path) -> pa.Array:
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    files = [f for f in sorted(root.glob("sentiment/*/*.csv")) if "_fine" not in str(f)]
    columns = [pyarrow.csv.read_csv(f, parse_options=options)["text"] for f in files]
    return pa.chunked_array([c for column in columns for c in column.chunks]).combine_chunks()


def taskaff_on(encoder, workers: int) -> Callable[[pa.Array], np.ndarray]:
    def embed(texts: pa.Array) -> np.ndarray:
        batches = (texts.slice(at, BATCH_ROWS) for at in range(0, len(texts), BATCH_ROWS))
        return np.concatenate([X for X, _ in ordered_map(encoder.encode, batches, workers)])

    return embed


def model2vec_encode(words: list[str], vectors: np.ndarray, **options) -> Callable:
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Punctuation, Sequence, WhitespaceSplit

    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, unk_token="unk"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), Punctuation()])
    model = StaticModel(vectors, tokenizer, normalize=False, max_length=None)
    return lambda texts: model.encode(texts, **options)


def gensim_mean(words: list[str], vectors: np.ndarray) -> Callable:
    from gensim.models import KeyedVectors

    model = KeyedVectors(vectors.shape[1])
    model.add_vectors(words, vectors)

    def embed(texts: list[str]) -> np.ndarray:
        out = np.zeros((len(texts), model.vector_size), np.float32)
        for n, text in enumerate(texts):
            known = [token for token in TOKEN.findall(text.lower()) if token in model]
            if known:
                out[n] = model.get_mean_vector(known, pre_normalize=False)
        return out

    return embed


def numpy_loop(words: list[str], vectors: np.ndarray) -> Callable:
    rows = {word: n for n, word in enumerate(words)}

    def embed(texts: list[str]) -> np.ndarray:
        out = np.zeros((len(texts), vectors.shape[1]), np.float32)
        for n, text in enumerate(texts):
            found = [rows[token] for token in TOKEN.findall(text.lower()) if token in rows]
            if found:
                out[n] = vectors[found].mean(axis=0)
        return out

    return embed


def seconds(run: Callable, texts: Iterable) -> float:
    started = time.perf_counter()
    run(texts)
    return time.perf_counter() - started


def cosine(X: np.ndarray, Z: np.ndarray) -> float:
    """Median cosine between two matrices' rows: the same vectors, up to tokenisation."""
    norms = np.linalg.norm(X, axis=1) * np.linalg.norm(Z, axis=1)
    return float(np.median((X * Z).sum(axis=1)[norms > 0] / norms[norms > 0]))


def main(root: Path) -> None:
    encoder = open_encoder("glove")
    texts = read_texts(root)
    as_list = texts.to_pylist()
    vectors = np.array(encoder.vectors)
    words = [word.decode() for word in encoder.vocabulary.words.to_pylist()]
    on_all, on_one = taskaff_on(encoder, cores()), taskaff_on(encoder, 1)
    alone = {"use_multiprocessing": False}
    runs = {
        "taskaff": (on_all, texts),
        "taskaff, one thread": (on_one, texts),
        "taskaff, from a list": (lambda rows: on_all(pa.array(rows)), as_list),
        "model2vec": (model2vec_encode(words, vectors), as_list),
        "model2vec, one process": (model2vec_encode(words, vectors, **alone), as_list),
        "gensim": (gensim_mean(words, vectors), as_list),
        "NumPy loop": (numpy_loop(words, vectors), as_list),
    }
    reference = on_all(texts)
    agreement = {name: round(cosine(reference, run(rows)), 4) for name, (run, rows) in runs.items()}
    times = {name: [] for name in runs}
    loads = []
    for _ in range(REPEATS):
        loads.append(os.getloadavg()[0])
        for name, (run, rows) in runs.items():
            times[name].append(seconds(run, rows))
    report(texts, times, agreement, loads)


def report(texts: pa.Array, times: dict, agreement: dict, loads: list[float]) -> None:
    ours = times["taskaff"]
    result = {
        "rows": len(texts),
        "cores": cores(),
        "repeats": REPEATS,
        "load_average": [round(load, 2) for load in loads],
        "versions": {
            name: version(name)
            for name in ("numpy", "pyarrow", "model2vec", "gensim", "tokenizers")
        },
        "runs": {},
    }
    for name, spent in times.items():
        ratios = [other / own for other, own in zip(spent, ours, strict=True)]
        result["runs"][name] = {
            "rows_per_second": round(len(texts) / statistics.median(spent)),
            "seconds": [round(s, 3) for s in spent],
            "times_slower": [
                round(x, 2) for x in (min(ratios), statistics.median(ratios), max(ratios))
            ],
            "median_cosine_with_taskaff": agreement[name],
        }
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


def table(result: dict) -> str:
    """The rows of the table in embedding.md."""
    lines = []
    for name, run in result["runs"].items():
        low, middle, high = run["times_slower"]
        ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        lines.append(f"| {name} | {run['rows_per_second']:,} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["TASKAFF_DATA"]))
