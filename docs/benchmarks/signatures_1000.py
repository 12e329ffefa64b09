"""1,000 stored signatures of width 384 against one another: seconds of each score.

    python docs/benchmarks/signatures_1000.py [--tasks 1000] [--width 384] [--repeat 3]

The signatures are synthetic (Gaussian rows of unequal column scales, 10,000 row hashes each, some
shared), built before the clock starts. Each run scores all pairs, without and with intervals; the
fastest run is reported, and the total of every one. Needs about 8 GB of memory for 1,000 tasks,
4.7 GB of it the signatures themselves. Writes `signatures_1000.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.signature import FOLDS, Sketch, TaskSignature
from taskaff.core.registry import load
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.plugins import SCORES
from taskaff.stages.score.task_statistics import TaskView

NAMES = ("covariance_similarity", "covariance_alignment", "mean_shift", "overlap")
HASHES = 10_000


def signatures(k: int, d: int, n: int) -> list[TaskSignature]:
    """Tasks with a scale and a mean of their own; each group of 50 shares 100 rows."""
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(max(20_000, n), d))
    scale = np.arange(1, d + 1) ** -0.3
    shared = rng.integers(0, 2**64, (-(-k // 50), 100), dtype=np.uint64)
    made = []
    for i in range(k):
        mix, mean = scale * rng.uniform(0.5, 1.5, d), 0.5 * rng.normal(size=d) * scale
        start = rng.integers(0, len(pool) - n + 1)
        parts = np.array_split(pool[start : start + n] * mix + mean, FOLDS)
        hashes = rng.integers(0, 2**64, HASHES, dtype=np.uint64)
        hashes[:100] = shared[i // 50]
        hashes = np.unique(hashes)
        made.append(
            TaskSignature(
                name=str(i),
                encoder=EncoderCard("vectors", "benchmark", d),
                layout="vectors",
                schema=LabelSchema("none"),
                split="train",
                n=np.array([len(X) for X in parts]),
                sx=np.stack([X.sum(axis=0) for X in parts]),
                sxx=np.stack([X.T @ X for X in parts]),
                sxy=np.zeros((FOLDS, d, 0)),
                sy=np.zeros((FOLDS, 0)),
                syy=np.zeros((FOLDS, 0, 0)),
                sketches={"train": Sketch(hashes, HASHES, len(hashes), 2**64 - 1, exact=True)},
                counts=EncodeCounts(),
                inputs=(),
            )
        )
    return made


def measure(tasks: list[TaskSignature], *, intervals: bool) -> dict[str, float]:
    """Seconds of each score, and of all of them; and processor seconds, whatever else runs.

    ``total`` is the clock's; ``processor seconds`` over the number of cores is what it cannot fall
    below on a machine without other work.
    """
    views = [TaskView(task) for task in tasks]
    seconds = {}
    processor = time.process_time()
    for name in NAMES:
        function = load(SCORES[name].target)
        start = time.perf_counter()
        function(views, ScoreSettings(intervals=intervals))
        seconds[name] = round(time.perf_counter() - start, 2)
    seconds["total"] = round(sum(seconds.values()), 2)
    seconds["processor seconds"] = round(time.process_time() - processor, 2)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    tasks = signatures(options.tasks, options.width, options.rows)
    report: dict[str, object] = {
        "tasks": options.tasks,
        "width": options.width,
        "cores": len(os.sched_getaffinity(0)),
        "load before": round(os.getloadavg()[0], 2),
    }
    for intervals in (False, True):
        key = "with intervals" if intervals else "without intervals"
        runs = [measure(tasks, intervals=intervals) for _ in range(options.repeat)]
        report[key] = min(runs, key=lambda run: run["total"])
        report[f"{key}, total of all runs"] = [run["total"] for run in runs]
        print(key, json.dumps(report[key]), [run["total"] for run in runs])
    report["peak GB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
