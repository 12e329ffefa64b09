"""Trunks that are trained from word vectors on, on real data; every part can be taken up again.

    TASKAFF_DATA=FOLDER python docs/benchmarks/word_trunks.py six [--seeds 3]
    TASKAFF_DATA=FOLDER python docs/benchmarks/word_trunks.py pairs [--seeds 3]
    TASKAFF_DATA=FOLDER python docs/benchmarks/word_trunks.py speed [--threads 1]

`six`: an LSTM against its capacity, on the six sentiment sets together and on each alone, by
`taskaff probe --trunk lstm --capacity ...`. `pairs`: gains of directed pairs with the LSTM beside
those of the default probe (linear, frozen vectors) on the same rows, by `taskaff probe` twice.
Both keep finished runs in a cache beside the JSON, so that the same command goes on where it was
stopped. `speed`: updates of stacked runs against one run at a time in plain PyTorch
(`torch.nn.LSTM`, `Conv1d`, `Embedding`, autograd), taking turns in one process so that both meet
the same machine, and time and memory of one pair by the command line. Each writes a JSON file
beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SIX = ("cr", "mpqa", "mr", "sst", "subj", "trec")
CAPACITIES = (5, 10, 25, 50, 100, 200)
PAIRED = ("mr", "sst", "cr", "subj", "trec")


def sets(names: tuple[str, ...]) -> list[str]:
    """Arguments of the command line."""
    return [f"{name}={Path(os.environ['TASKAFF_DATA']) / 'sentiment' / name}" for name in names]


def probe(names: tuple[str, ...], *options: str) -> dict:
    """What ``taskaff probe`` writes."""
    cache, out = HERE / ".word_trunks_cache", HERE / ".word_trunks.json"
    command = [sys.executable, "-m", "taskaff", "probe", *sets(names), *options, "--quiet"]
    subprocess.run([*command, "--cache-dir", str(cache), "-o", str(out)], check=True)
    found = json.loads(out.read_text())
    out.unlink()
    return found


def six(seeds: int) -> dict:
    """The capacity sweep."""
    widths = ",".join(map(str, CAPACITIES))
    trained = ("--target-rows", "2000", "--steps", "400", "--lr", "0.003", "--seeds", str(seeds))
    found = probe(SIX, "--trunk", "lstm", "--capacity", widths, *trained)
    kept = ("capacity", "settings", "tasks", "runs", "timings", "environment", "notes")
    return {name: found[name] for name in kept}
