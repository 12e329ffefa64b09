"""`taskaff check` of one candidate of 10,000 rows against a mix of 100 stored signatures.

    python docs/benchmarks/check_100.py [--tasks 100] [--rows 10000] [--mix-rows 2000] [--repeat 5]

Whole processes, from the command to the exit code. The texts are made of words drawn with Zipf's
weights from the default vocabulary, 5 to 35 words a text, with two classes. The mix is profiled
before the clock starts; the predictor is fitted by a first check, which is reported on its own.
Every run has a candidate with other rows, so that its signature is computed anew. Writes
`check_100.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from end_to_end import write_csv  # noqa: E402

TASKAFF = [sys.executable, "-m", "taskaff"]


def prepare(folder: Path, tasks: int, rows: int) -> None:
    """A mix of stored signatures, and the configuration."""
    import taskaff

    names = [f"task{n:03}" for n in range(tasks)]
    for n, name in enumerate(names):
        write_csv(folder / f"{name}.csv", rows, seed=n)
        taskaff.save(
            taskaff.profile(str(folder / f"{name}.csv"), cache="off"), folder / f"{name}.taskaff"
        )
        (folder / f"{name}.csv").unlink()
    sections = [f'[datasets.{name}]\npath = "{name}.taskaff"\n' for name in names]
    mix = ", ".join(f'"{name}"' for name in names)
    rules = (
        '[check]\nrecipe = "concat"\nprobability_negative = { warn = 0.3, fail = 0.6 }\n'
        "overlap = { fail = 0.01 }\n"
    )
    text = "".join(sections) + f"[mix]\ndatasets = [{mix}]\n" + rules
    (folder / "taskaff.toml").write_text(text, encoding="utf-8")


def timed(folder: Path, seed: int, rows: int) -> dict[str, float]:
    """Seconds of one process on a candidate that no run has seen."""
    write_csv(folder / "new.csv", rows, seed)
    environment = {**os.environ, "TASKAFF_CACHE_DIR": str(folder / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [*TASKAFF, "check", "new.csv", "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1, 3), done.stderr
    document = json.loads(done.stdout)
    assert len(document["predictions"]) == 2 * len(document["mix"])
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"wall_s": round(wall, 3), "processor_s": round(used, 3)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--mix-rows", type=int, default=2_000)
    parser.add_argument("--repeat", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, chosen.tasks, chosen.mix_rows)
        first = timed(folder, 10_000, chosen.rows)
        runs = [timed(folder, 10_001 + n, chosen.rows) for n in range(chosen.repeat)]
    found = {
        "tasks": chosen.tasks,
        "rows": chosen.rows,
        "mix_rows": chosen.mix_rows,
        "cores": os.cpu_count(),
        "load": [round(x, 1) for x in os.getloadavg()],
        "first_run_fits_the_predictor": first,
        "runs": runs,
        "median_wall_s": statistics.median(run["wall_s"] for run in runs),
        "median_processor_s": float(np.median([run["processor_s"] for run in runs])),
    }
    (HERE / "check_100.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
