"""Predictions fitted on frozen vectors against gains of fine-tuned LSTMs.

    python docs/benchmarks/predict_lstm.py

reads ``word_trunks_pairs.json`` (measured by ``word_trunks.py``) and the shipped atlas, fits the
predictor on the pairs that touch none of the LSTM's data sets, and writes ``predict_lstm.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from taskaff.predict import atlas, design, metrics
from taskaff.predict.fit import fit
from taskaff.predict.design import stretch
from taskaff.predicting import SHIPPED

HERE = Path(__file__).parent


def main() -> None:
    """Compare, print and write."""
    measured = json.loads((HERE / "word_trunks_pairs.json").read_text(encoding="utf-8"))
    gains = {(p["source"], p["target"]): p["lstm"]["gain"] for p in measured["pairs"]}
    sets = {name for pair in gains for name in pair}
    table = atlas.read(SHIPPED)
    source, target = atlas.words(table, "source"), atlas.words(table, "target")
    touched = np.isin(source, list(sets)) | np.isin(target, list(sets))
    model = fit(table.filter(~touched))
    numbers = atlas.columns(table)
    z = model.z(design.matrix(numbers))
    wanted = (
        (atlas.words(table, "view") == "full")
        & (atlas.words(table, "trunk") == "linear")
        & (numbers["target_rows"] == 300)
    )
    rows = [
        {
            "source": source[n],
            "target": target[n],
            "predicted": round(float(stretch(z[n])), 4),
            "frozen": round(float(numbers["gain"][n]), 4),
            "lstm": gains[source[n], target[n]]["value"],
            "lstm_stderr": gains[source[n], target[n]]["stderr"],
        }
        for n in np.flatnonzero(wanted)
        if (source[n], target[n]) in gains
    ]
    lstm, frozen, predicted = (
        np.array([row[name] for row in rows]) for name in ("lstm", "frozen", "predicted")
    )
    names = np.array([row["target"] for row in rows])
    found = {
        "data_sets": sorted(sets),
        "pairs": len(rows),
        "lstm_negative": float((lstm < 0).mean()),
    }
    for name, values in (("predicted", predicted), ("frozen", frozen)):
        found[name] = {
            "spearman": round(metrics.spearman(values, lstm), 3),
            "within_target": round(metrics.within(values, lstm, names, least=3), 3),
            "same_sign": round(float(((values < 0) == (lstm < 0)).mean()), 3),
        }
    print(json.dumps(found, indent=1))
    text = json.dumps({**found, "rows": rows}, indent=1) + "\n"
    (HERE / "predict_lstm.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
