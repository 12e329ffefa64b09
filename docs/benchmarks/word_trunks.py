"""Trunks that are trained from word vectors on, on real data.

    TASKAFF_DATA=FOLDER python docs/benchmarks/word_trunks.py pairs [--seeds 3]
    TASKAFF_DATA=FOLDER python docs/benchmarks/word_trunks.py speed [--threads 1]

`pairs`: gains of directed pairs with the LSTM beside those of the default probe (linear, frozen
vectors) on the same rows, by `taskaff probe` twice, and what one pair takes; finished runs stand in
a cache (`--cache`), so that the same command goes on where it was stopped. `speed`: updates of
stacked runs against one run at a time in plain PyTorch (`torch.nn.Embedding`, `LSTM`, `Conv1d`,
autograd, Adam), taking turns in one process so that both meet the same machine. Each writes a JSON
file beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from taskaff.core.records.data import DataRequest
from taskaff.pipeline.session import Session
from taskaff.pipeline.training_rows import tasks_of
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.schedule import Schedule
from taskaff.stages.probe.training_data import TrainingData
from taskaff.stages.probe.words.engine import CPU_UNITS
from taskaff.stages.probe.words.stack import WordChunk
from taskaff.stages.probe.words.trunks import WIDTHS, filter_counts

HERE = Path(__file__).parent
PAIRED = ("mr", "sst", "cr", "trec")
LSTM = ("--trunk", "lstm", "--lr", "0.003", "--config", "probe.weight_decay=[0.0]")
RECIPE = ("--recipe", "turns")
SHAPES = (
    ("lstm", 8),
    ("lstm", 32),
    ("lstm", 100),
    ("lstm", 200),
    ("cnn", 100),
    ("mlp-tokens", 100),
)


def source(name: str) -> str:
    """Where a set is."""
    return f"{name}={Path(os.environ['TASKAFF_DATA']) / 'sentiment' / name}"


def probe(cache: Path, names: tuple[str, ...], *options: str) -> dict:
    """What ``taskaff probe`` writes."""
    out = cache / "found.json"
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "taskaff", "probe", *map(source, names), *options]
    subprocess.run([*command, "-q", "--cache-dir", str(cache), "-o", str(out)], check=True)
    return json.loads(out.read_text())


# -------------------------------------------------------------------- pairs


def pairs(cache: Path, seeds: int) -> dict:
    """Directed pairs by LSTM and by the default probe, and time and memory of one pair."""
    asked = ("--seeds", str(seeds))
    lstm = probe(cache, PAIRED, *LSTM, *RECIPE, "--r", "50", *asked)
    linear = probe(cache, PAIRED, *RECIPE, *asked)
    rows = []
    for one, other in zip(lstm["pairs"], linear["pairs"], strict=True):
        assert (one["source"], one["target"]) == (other["source"], other["target"])
        shown = {"source": one["source"], "target": one["target"]}
        for name, pair in (("lstm", one), ("linear", other)):
            shown[name] = {
                "gain": pair["gain"],
                "verdict": pair["verdict"],
                "metric_gain": pair["metric_gain"],
                "stl_loss": pair["stl_loss"],
            }
        rows.append(shown)
    x, y = (np.array([row[name]["gain"]["value"] for row in rows]) for name in ("lstm", "linear"))
    ranks = [np.argsort(np.argsort(v)) for v in (x, y)]
    return {
        "pairs": rows,
        "spearman": float(np.corrcoef(*ranks)[0, 1]),
        "same_sign": float(((x > 0) == (y > 0)).mean()),
        "settings": lstm["settings"],
        "one_pair": one_pair(cache),
    }


def one_pair(cache: Path) -> dict:
    """Processor time and peak memory of ``taskaff probe mr sst --trunk lstm``, nothing cached."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = cache / "one.json"
    command = [sys.executable, "-m", "taskaff", "probe", source("mr"), source("sst")]
    command += ["--trunk", "lstm", "--seeds", "1", "-q", "-o", str(out)]
    started = time.perf_counter()
    subprocess.run([*command, "--cache", "off"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "processor_seconds": used,
        "wall_seconds": time.perf_counter() - started,
        "peak_mb": after.ru_maxrss / 1024,
        "runs": json.loads(out.read_text())["runs"],
    }


# -------------------------------------------------------------------- speed


class Plain(nn.Module):
    """One run as anyone would write it: a table of the words of its rows, the trunk, the heads."""

    def __init__(self, data: TrainingData, run: Run, vocabulary: Tensor, sparse: bool) -> None:
        super().__init__()
        assert data.tokens is not None
        assert data.tokens.vectors is not None
        d, r = data.tokens.d, run.r
        start = torch.cat([data.tokens.vectors[vocabulary], torch.zeros(1, d)])
        self.pad, self.trunk = len(vocabulary), run.trunk
        self.words = nn.Embedding.from_pretrained(
            start, freeze=False, sparse=sparse, padding_idx=self.pad
        )
        if self.trunk == "lstm":
            self.lstm = nn.LSTM(d, r, batch_first=True)
        elif self.trunk == "cnn":
            counts = zip(WIDTHS, filter_counts(r), strict=True)
            self.filters = nn.ModuleList(nn.Conv1d(d, n, w) for w, n in counts)
        else:
            self.layers = nn.Sequential(nn.Linear(d, r), nn.ReLU(), nn.Linear(r, r), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(r, data.widths[slot.task]) for slot in run.slots)

    def forward(self, s: int, ids: Tensor, lengths: Tensor) -> Tensor:
        """Outputs of slot ``s`` for padded ``ids (b, longest)``."""
        x = self.words(ids)
        if self.trunk == "lstm":
            h = self.lstm(x)[0][torch.arange(len(ids)), lengths - 1]
        elif self.trunk == "cnn":
            x = nn.functional.pad(x, (0, 0, 0, max(WIDTHS) - 1)).mT
            h = torch.cat([torch.relu(f(x)).amax(2) for f in self.filters], 1)
        else:
            h = self.layers(x.sum(1) / lengths[:, None])
        return self.heads[s](h)


def plain_updates(data: TrainingData, run: Run, sparse: bool) -> Iterator[None]:
    """One update after the other."""
    tokens = data.tokens
    assert tokens is not None
    rows = torch.from_numpy(np.concatenate([slot.train for slot in run.slots]))
    ids, mask, _ = tokens.padded(rows)
    vocabulary = torch.unique(ids[mask])
    local = torch.zeros(len(tokens.vectors), dtype=torch.long)
    local[vocabulary] = torch.arange(len(vocabulary))
    model = Plain(data, run, vocabulary, sparse)
    words = list(model.words.parameters())
    others = [p for name, p in model.named_parameters() if not name.startswith("words")]
    optimisers = [torch.optim.Adam(others, lr=run.lr)]
    optimisers.append((torch.optim.SparseAdam if sparse else torch.optim.Adam)(words, lr=run.lr))
    for ((s, batch, _),) in Schedule(run).updates():
        at = torch.from_numpy(batch)
        ids, mask, _ = tokens.padded(at)
        padded = local[ids].masked_fill(~mask, model.pad)
        loss = nn.functional.cross_entropy(model(s, padded, mask.sum(1)), data.codes[at])
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        yield


ROUND = 2
"""Updates of a round: one of the target, one of the source."""


def speed(threads: int) -> dict:
    """Milliseconds of processor time and of wall time that an update of one run takes."""
    torch.set_num_threads(threads)
    settings = settings_for({"trunk": "lstm"})
    requests = [DataRequest(source(name).partition("=")[2], name=name) for name in ("mr", "sst")]
    prepared = prepare(tasks_of(Session(None, None), requests, settings).tasks, settings)
    return {
        "threads": threads,
        "torch": torch.__version__,
        "shapes": [_shape(prepared, trunk, r) for trunk, r in SHAPES],
    }


def _shape(prepared: Prepared, trunk: str, r: int, rounds: int = 7) -> dict:
    n = max(1, CPU_UNITS // r)
    runs = [_run(prepared, trunk, r, i) for i in range(n)]
    stacked, alone = WordChunk(prepared.data, runs), WordChunk(prepared.data, runs[:1])
    plain = {
        kind: plain_updates(prepared.data, runs[0], kind == "sparse")
        for kind in ("dense", "sparse")
    }
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "stacked": (lambda: stacked.advance(stacked.rounds + 1), ROUND * n),
        "engine, one run": (lambda: alone.advance(alone.rounds + 1), ROUND),
        "plain, dense Adam": (lambda: next(plain["dense"]), 1),
        "plain, SparseAdam": (lambda: next(plain["sparse"]), 1),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (update, updates) in ways.items():
            repeats = 1 if updates > ROUND else 8
            clock, wall = time.process_time(), time.perf_counter()
            for _ in range(repeats):
                update()
            spent = time.process_time() - clock, time.perf_counter() - wall
            times[name].append(tuple(1e3 * t / repeats / updates for t in spent))
    found = {
        name: {
            "processor_ms": median(a for a, _ in kept[1:]),
            "wall_ms": median(b for _, b in kept[1:]),
        }
        for name, kept in times.items()
    }
    return {"trunk": trunk, "r": r, "stacked_runs": n, "update": found}


def _run(prepared: Prepared, trunk: str, r: int, i: int) -> Run:
    seed = i % len(prepared.settings.seeds)
    rows = prepared.splits[1][seed].source
    slots = (prepared.target_slot(0, seed), prepared.source_slot(1, rows))
    return Run((i,), seed, slots, "t", trunk=trunk, r=r, batch=32, lr=0.003)


def main() -> None:
    """Run one part and write its file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("pairs", "speed"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path(".word_trunks"))
    asked = parser.parse_args()
    found = {
        "pairs": lambda: pairs(asked.cache, asked.seeds),
        "speed": lambda: speed(asked.threads),
    }[asked.part]()
    (HERE / f"word_trunks_{asked.part}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
