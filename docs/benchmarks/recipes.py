"""What the recipe decides: the shared single-text sets under turns, concat and over shares.

    TASKAFF_DATA=FOLDER python docs/benchmarks/recipes.py measure --out parts   # resumable
    TASKAFF_DATA=FOLDER python docs/benchmarks/recipes.py show --out parts      # recipes.json

``measure`` trains every directed pair of the six sentiment sets under all recipes, and drawn pairs
of all single-text sets under ``turns`` and ``concat``; one file a part, so that an interruption
loses one. ``show`` counts verdicts, compares orders and signs, and lists the curves over shares.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from taskaff.probe_records import ProbeResult, ProbeSettings
from taskaff.probing.defaults import settings_for
from taskaff.probing.run import probe
from taskaff.recipe import BEST, CURVE
from taskaff.records import DataRequest, TaskVectors
from taskaff.vectors_of import tasks_of
from taskaff.workbench import Workbench

SIX = tuple(f"sentiment/{name}" for name in ("mr", "sst", "cr", "mpqa", "subj", "trec"))
LEFT_OUT = {"sst5", "trec_fine", "clinc150_intent"}
"""The same texts as another set, or more classes than 300 rows can teach."""
PAGE = Path(__file__).with_name("recipes.json")


def single_texts(data: Path) -> list[str]:
    """Single-text sets of the shared folder, by name."""
    folders = [p for part in ("sentiment", "calibration") for p in sorted((data / part).iterdir())]
    return [f"{p.parent.name}/{p.name}" for p in folders if p.is_dir() and p.name not in LEFT_OUT]


def tasks(data: Path, names: Sequence[str]) -> list[TaskVectors]:
    """Their rows, as the probe takes them."""
    requests = [DataRequest(str(data / name)) for name in names]
    return tasks_of(Workbench(), requests, ProbeSettings())[0]


def parts(data: Path, seeds: int) -> Iterator[tuple[str, list[str], ProbeSettings]]:
    """Name, data sets and settings of every part."""
    fixed = settings_for({"seeds": tuple(range(seeds))})
    yield "six", list(SIX), replace(fixed, shares=True)
    names = single_texts(data)
    for target in names:
        others = [name for name in names if name != target]
        short = target.partition("/")[2]
        settings = replace(fixed, targets=(short,), seeds=tuple(range(max(4, seeds // 2))))
        yield f"all-{short}", [target, *others], settings


def row(pair: Any) -> dict[str, Any]:
    """What the page needs of one outcome."""
    return {
        "source": pair.source,
        "target": pair.target,
        "recipe": pair.recipe,
        "share": pair.share,
        "verdict": pair.verdict.call,
        "gain": pair.gain.mean,
        "low": pair.gain.low,
        "high": pair.gain.high,
        "stderr": pair.gain.stderr,
        "fixed": pair.gain.fixed,
        "metric_gain": pair.metric_gain.mean,
        "stl_loss": pair.stl_loss,
        "at_cap": pair.at_cap,
        "seeds": pair.gain.n,
        "updates": np.median([s.updates for s in pair.seeds], axis=0).tolist(),
    }


def measure(data: Path, out: Path, seeds: int) -> None:
    """Train what is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    for name, sets, settings in parts(data, seeds):
        path = out / f"{name}.json"
        if path.exists():
            continue
        result: ProbeResult = probe(tasks(data, sets), settings)
        rows = [row(pair) for pair in result.pairs]
        found = {"rows": rows, "seconds": result.timings["train"], "runs": result.runs}
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(found), encoding="utf-8")
        temporary.replace(path)
        print(name, f"{len(rows)} outcomes, {found['seconds']:.0f} s", flush=True)


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Verdicts, median gain, share below 0, runs that ended at the cap."""
    gains = np.array([r["gain"] for r in rows])
    by = Counter(r["verdict"] for r in rows)
    calls = ("positive", "negative", "neutral", "inconclusive")
    return {
        "pairs": len(rows),
        **{call: by[call] for call in calls},
        "median": round(float(np.median(gains)), 4),
        "below_0": round(float((gains < 0).mean()), 3),
        "at_cap": int(sum(r["at_cap"] > 0 for r in rows)),
        "updates": np.round(np.median([r["updates"] for r in rows], axis=0)).tolist(),
    }


def agreement(one: Sequence[dict[str, Any]], two: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Spearman's correlation of gains, and the share of pairs with one sign."""
    ends = [{(r["source"], r["target"]): r["gain"] for r in rows} for rows in (one, two)]
    keys = sorted(ends[0].keys() & ends[1].keys())
    a, b = (np.array([gains[k] for k in keys]) for gains in ends)
    same = float((np.sign(a) == np.sign(b)).mean())
    return {"order": round(float(spearmanr(a, b).statistic), 3), "signs": round(same, 3)}


def show(out: Path) -> None:
    """Write the page's document."""
    files = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json"))}
    six = files["six"]["rows"]
    wide = [r for name, found in files.items() if name != "six" for r in found["rows"]]
    document: dict[str, Any] = {"six": {}, "all": {}, "curves": []}
    for recipe in ("turns", "concat", *CURVE, BEST):
        document["six"][recipe] = counts([r for r in six if r["recipe"] == recipe])
    for recipe in ("turns", "concat"):
        rows = [r for r in wide if r["recipe"] == recipe]
        if rows:
            document["all"][recipe] = counts(rows)
    for part, rows in (("six", six), ("all", wide)):
        if rows:
            split = [[r for r in rows if r["recipe"] == name] for name in ("turns", "concat")]
            document[part]["agreement"] = agreement(*split)
    document["curves"] = [r for r in six]
    document["parts"] = {name: found["runs"] for name, found in files.items()}
    PAGE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in document.items() if k != "curves"}, indent=1))


def main() -> None:
    """Measure or show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("measure", "show"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    if asked.what == "show":
        show(asked.out)
    else:
        measure(Path(os.environ["TASKAFF_DATA"]), asked.out, asked.seeds)


if __name__ == "__main__":
    main()
