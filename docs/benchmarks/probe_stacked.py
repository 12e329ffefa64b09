"""The probe on real data: all runs at once against one at a time, and the six sentiment sets.

    TASKAFF_DATA=FOLDER python docs/benchmarks/probe_stacked.py speed [--sample 60] [--sets 34]
    TASKAFF_DATA=FOLDER python docs/benchmarks/probe_stacked.py six [--threads 2]

`speed` trains every directed pair of the single-text sets by the default recipes (`turns` and
`concat`) and their single-task baselines (one seed, one weight decay) stacked, and a random sample
of the same runs one at a time in plain PyTorch (`torch.nn`, autograd, `torch.optim.AdamW`, the same
batches, initial weights, evaluations and stopping rule; the batches are drawn outside of its time).
The stacked runs are trained in four parts, as a probe does, and the sample between them, so that
both meet the same machine. It compares the held-out losses and extrapolates the time of the sample
to all runs. Times are the clock's and, for a machine with other work, the processor's; those of the
sample are with one thread, which is faster for it, and with the threads asked for. `six` is the
table of directed pairs of the six sets by both recipes. Each writes a JSON file beside this script;
vectors are averaged 50-d GloVe, the default encoder.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from taskaff.core.records.data import LabelSchema, RowBatch
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.settings import ProbeSettings
from taskaff.stages import embed
from taskaff.stages.probe.batches import SlotBatches
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.model import initial_state
from taskaff.stages.probe.pairs import plan_pairs, probe_pairs
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.schedule import Schedule
from taskaff.stages.signature import row_hashes

HERE = Path(__file__).parent
SIX = ("mr", "sst", "cr", "subj", "mpqa", "trec")
PARTS = 4
SPLIT_OF = {"train": 0, "dev": 1, "test": 2, "data": 0}


def read_set(folder: Path, encoder) -> TaskVectors:
    """All files of one set, embedded and hashed."""
    texts, labels, splits = [], [], []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))[1:]
        texts += [row[0] for row in rows]
        labels += [row[1] for row in rows]
        splits += [SPLIT_OF[path.stem]] * len(rows)
    batch = RowBatch(folder.name, "train", 0, (pa.array(texts),), None, None)
    X, _ = embed.embed_batch(encoder, batch)
    if folder.name.startswith("reg_"):
        schema = LabelSchema("regression", ("label",), ("label",))
        codes = np.array(labels, dtype=np.float64)[:, None]
    else:
        names, codes = np.unique(labels, return_inverse=True)
        schema = LabelSchema("classes", tuple(names.tolist()), ("label",))
    hashes = row_hashes(batch)
    return TaskVectors(folder.name, X, codes, hashes, np.array(splits), schema)


def read_sets(names: tuple[str, ...] | None = None, sets: int | None = None) -> list[TaskVectors]:
    root = Path(os.environ["TASKAFF_DATA"])
    folders = sorted([*(root / "sentiment").iterdir(), *(root / "calibration").iterdir()])
    encoder = embed.open_encoder("glove")
    wanted = [f for f in folders if f.is_dir() and (names is None or f.name in names)]
    return [read_set(folder, encoder) for folder in wanted[:sets]]


class Plain(torch.nn.Module):
    """The linear trunk and the heads of one run, as anyone would write them."""

    def __init__(self, run, data) -> None:
        super().__init__()
        widths = tuple(data.widths[slot.task] for slot in run.slots)
        state = {k: torch.from_numpy(v) for k, v in initial_state(run, data.d, widths).items()}
        self.trunk = torch.nn.Linear(data.d, run.r, bias=False)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(run.r, c) for c in widths)
        with torch.no_grad():
            self.trunk.weight.copy_(state["B"].T)
            for s, head in enumerate(self.heads):
                head.weight.copy_(state[f"A{s}"][:-1].T)
                head.bias.copy_(state[f"A{s}"][-1])

    def forward(self, x, slot):
        return self.heads[slot](self.trunk(x))


def drawn(schedule, tables, seen, start: int, stop: int) -> list[tuple[int, torch.Tensor]]:
    """The batches of rounds ``start + 1 .. stop``: slot and rows of each update."""
    order = schedule.order(start, stop)
    queues = []
    for s, table in enumerate(tables):
        n = int((order == s).sum())
        rows, _, sizes = table.take(seen[s], seen[s] + n) if n else ((), (), ())
        queues.append(iter([row[:size] for row, size in zip(rows, sizes, strict=True)]))
        seen[s] += n
    return [(s, torch.from_numpy(next(queues[s]))) for s in order.tolist()]


def clocks() -> np.ndarray:
    """Seconds of the clock and of the processor."""
    return np.array([time.perf_counter(), time.process_time()])


def plain_run(run, data, threads: int) -> tuple[float, np.ndarray]:
    """Test loss of the first slot, one run at a time, and the seconds that training took."""
    torch.set_num_threads(threads)
    began = clocks()
    schedule = Schedule(run)
    evaluations, limits = schedule.evaluation_rounds(0), schedule.limits(0)
    tables = [SlotBatches(slot, run) for slot in run.slots]
    aside, seen, start = clocks() - began, [0] * len(tables), 0
    model = Plain(run, data)
    optimiser = torch.optim.AdamW(model.parameters(), lr=run.lr, weight_decay=0.0)
    loss_of = [loss_function(data, slot) for slot in run.slots]
    target = run.slots[0]
    held = [torch.from_numpy(target.validation), torch.from_numpy(target.test)]
    X_held = [data.X[rows] * run.scale for rows in held]
    best, curve, kept = np.inf, [], None
    for rounds, updates in evaluations.items():
        drawing = clocks()
        batches = drawn(schedule, tables, seen, start, rounds)
        aside, start = aside + clocks() - drawing, rounds
        for s, rows in batches:
            optimiser.zero_grad()
            loss_of[s](model(data.X[rows] * run.scale, s), rows).backward()
            optimiser.step()
        with torch.no_grad():
            loss = float(loss_of[0](model(X_held[0], 0), held[0]))
        if loss < best:
            best = loss
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        curve.append((updates, loss))
        if limits.ended(curve):
            break
    model.load_state_dict(kept)
    with torch.no_grad():
        tested = float(loss_of[0](model(X_held[1], 0), held[1]))
    return tested, clocks() - began - aside


def loss_function(data, slot) -> Callable:
    if data.kinds[slot.task] == 0:
        return lambda out, rows: torch.nn.functional.cross_entropy(out, data.codes[rows])
    mean, deviation = (torch.from_numpy(a).float() for a in data.moments(slot.task, slot.train))
    c = data.widths[slot.task]
    return lambda out, rows: torch.nn.functional.mse_loss(
        out, (data.values[rows][:, :c] - mean) / deviation
    )


def speed(sample: int, threads: int, sets: int | None) -> dict:
    tasks = read_sets(sets=sets)
    settings = ProbeSettings(seeds=(0,), weight_decay=(0.0,), recipes=("turns", "concat"))
    prepared = prepare(tasks, settings)
    data = prepared.data
    began = clocks()
    runs = plan_pairs(prepared, list(permutations(range(len(tasks)), 2))).runs
    stacked = clocks() - began
    plain_run(runs[0], data, 1)  # warm up
    chosen = np.random.default_rng(0).permutation(len(runs))[:sample]
    found, alone = [], {}
    for part in range(PARTS):
        torch.set_num_threads(threads)
        began = clocks()
        found += train(data, runs[len(found) : len(runs) * (part + 1) // PARTS])
        stacked += clocks() - began
        for number in chosen[part::PARTS].tolist():
            alone[number] = [plain_run(runs[number], data, n) for n in (1, threads)]
    each = {}
    for at, name in enumerate(("one thread", f"{threads} threads")):
        seconds = np.mean([measured[at][1] for measured in alone.values()], axis=0)
        whole = seconds * len(runs)
        each[name] = {
            "seconds_per_run": round(seconds[0], 4),
            "processor_seconds_per_run": round(seconds[1], 4),
            "seconds_extrapolated": round(whole[0], 1),
            "processor_seconds_extrapolated": round(whole[1], 1),
            "times_faster": round(whole[0] / stacked[0], 1),
            "times_less_processor_time": round(whole[1] / stacked[1], 1),
        }
    apart = [
        abs(found[number].slots[0].test_loss - loss)
        for number, measured in alone.items()
        for loss, _ in measured
    ]
    trained = [outcome.slots[0].curve[-1, 0] for outcome in found]
    return {
        "sets": len(tasks),
        "rows": sum(task.rows for task in tasks),
        "runs": len(runs),
        "target_updates_per_run": round(float(np.mean(trained)), 1),
        "at_cap": sum(outcome.slots[0].at_cap for outcome in found),
        "stacked_seconds": round(stacked[0], 2),
        "stacked_processor_seconds": round(stacked[1], 2),
        "stacked_runs_per_second": round(len(runs) / stacked[0], 1),
        "sample": len(alone),
        "one_at_a_time": each,
        "largest_difference_of_test_loss": max(apart),
        "settings": asdict(settings),
    }


def six(seeds: int) -> dict:
    tasks = read_sets(SIX)
    recipes = ("turns", "concat")
    settings = ProbeSettings(seeds=tuple(range(seeds)), leaks="both", recipes=recipes)
    result = probe_pairs(tasks, settings)
    pairs = [
        {
            "source": p.source,
            "target": p.target,
            "recipe": p.recipe,
            "gain": p.gain.mean,
            "low": p.gain.low,
            "high": p.gain.high,
            "accuracy_gain": p.metric_gain.mean,
            "stl_loss": p.stl_loss,
            "leaked_rows": p.leaked,
            "gain_with_leaks": p.gain_with_leaks.mean if p.gain_with_leaks else None,
            "verdict": p.verdict.call,
        }
        for p in result.pairs
    ]
    for p in pairs:
        leaky = p["gain_with_leaks"]
        print(
            f"{p['source']:>6} -> {p['target']:<6} {p['recipe']:<7} {p['gain']:+.4f} "
            f"[{p['low']:+.4f}, {p['high']:+.4f}] accuracy {p['accuracy_gain']:+.3f}, leaked "
            f"{p['leaked_rows']:.0f}{'' if leaky is None else f', with them {leaky:+.4f}'}  "
            f"{p['verdict']}"
        )
    return {
        "pairs": pairs,
        "runs": result.runs,
        "seconds": round(result.timings["train"], 1),
        "settings": asdict(settings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "six"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--sets", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    load = os.getloadavg()[0]
    found = speed(args.sample, args.threads, args.sets) if args.what == "speed" else six(args.seeds)
    found |= {"torch": torch.__version__, "threads": args.threads, "load_before": round(load, 2)}
    (HERE / f"probe_{args.what}.json").write_text(json.dumps(found, indent=2) + "\n")
    if args.what == "speed":
        print(json.dumps({k: v for k, v in found.items() if k != "settings"}, indent=2))


if __name__ == "__main__":
    main()
