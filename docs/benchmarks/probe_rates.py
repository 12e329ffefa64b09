"""Runs per second of the stacked probe against capacity, source rows and number of pairs.

    python docs/benchmarks/probe_rates.py [--threads 2]

Synthetic logistic tasks of width 50, 1,200 target updates of 32 rows, neither more nor less, 300
target rows, one seed and one weight decay; every directed pair in turns (so with as many updates of
the source) and the single-task arms. One thing varies at a time. The median
of three repeats; writes `probe_rates.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.synthetic import synthetic_task

BASE = ProbeSettings(
    recipes=("turns",),
    patience=0.0,
    seeds=(0,),
    weight_decay=(0.0,),
    validation_rows=500,
    test_rows=1000,
)
TASKS = 12


def rate(tasks: list, settings: ProbeSettings) -> dict[str, float]:
    """Runs per second, the median of three."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        runs = probe_pairs(tasks, settings).runs
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    return {"runs": runs, "seconds": round(median, 2), "runs_per_second": round(runs / median, 1)}


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    spec = "synthetic:logistic?d=50&rows=6000&kappa=10&task=1&noise=0.5&seed={}"
    tasks = [synthetic_task(spec.format(seed), f"t{seed}") for seed in range(24)]
    cases = [("capacity", r, TASKS, replace(BASE, r=r)) for r in (4, 16, 64)]
    cases += [("source rows", n, TASKS, replace(BASE, source_rows=n)) for n in (300, 1000, 4000)]
    cases += [("tasks", k, k, BASE) for k in (3, 6, 12, 24)]
    rows = []
    for varied, value, k, settings in cases:
        rows.append({"varied": varied, "value": value, **rate(tasks[:k], settings)})
        print(*rows[-1].values(), flush=True)
    result = {"threads": torch.get_num_threads(), "torch": torch.__version__, "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
