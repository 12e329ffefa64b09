"""How much of the variance between seeds comes from the rows that they draw: ``finite.DRAWN``.

    python docs/benchmarks/drawn_rows.py [--seeds 16]

Every directed pair of the example sets under ``turns``, with two seeds a split: rows are drawn by
half of the seed's number, initial weights and batches by the whole. The variance between the two is
that of weights and batches; what the means of splits vary beyond it is that of the rows. Writes
drawn_rows.json beside itself.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import taskaff
from taskaff.core.records.data import DataRequest
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome
from taskaff.core.settings import ProbeSettings
from taskaff.pipeline.session import Session
from taskaff.pipeline.training_rows import tasks_of
from taskaff.stages.probe import prepare
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.splits import Split, split_task

EXAMPLES = Path(taskaff.__file__).parent / "examples"


def shared_split(task: TaskVectors, name: str, seed: int, settings: ProbeSettings) -> Split:
    """The split of two seeds."""
    return split_task(task, name, seed // 2, settings)


def parts(pair: PairOutcome) -> dict[str, Any]:
    """Variance of one seed's gain that weights and batches, and the drawn rows, account for."""
    gains = np.array([seed.gain for seed in pair.seeds]).reshape(-1, 2)
    within = float(((gains[:, 0] - gains[:, 1]) ** 2).mean() / 2)
    rows = float(gains.mean(axis=1).var(ddof=1)) - within / 2
    names = {"source": pair.source, "target": pair.target}
    return {**names, "weights": within, "rows": rows, "share": rows / (rows + within)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=16)
    given = parser.parse_args()
    prepare.split_task = shared_split
    settings = replace(
        settings_for({"seeds": tuple(range(given.seeds))}),
        recipes=("turns",),
        weight_decay=(0.3, 3.0),
    )
    requests = [DataRequest(str(path)) for path in sorted(EXAMPLES.glob("*.csv"))]
    tasks = tasks_of(Session(), requests, settings).tasks
    found = [parts(pair) for pair in probe(tasks, settings).pairs]
    rows, weights = (float(np.mean([each[name] for each in found])) for name in ("rows", "weights"))
    document = {
        "seeds": given.seeds,
        "pairs": found,
        "share": round(rows / (rows + weights), 3),
        "median_share": round(float(np.median([each["share"] for each in found])), 3),
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(document["share"], document["median_share"])


if __name__ == "__main__":
    main()
