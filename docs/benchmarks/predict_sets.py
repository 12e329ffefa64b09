"""Does the predictor get better with more data sets?

    python docs/benchmarks/predict_sets.py

The default set-up of the shipped atlas, data sets known by their training rows. First the pairs of
the data sets that were measured with all others of their kind (12 seeds), fitted on these alone
and on all; then all pairs, when fits see fewer or more data sets. Writes ``predict_sets.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from taskaff.stages.predict import SHIPPED, atlas, evaluate, fit, metrics

MOST_SEEDS = 12
BLOCKS = (3, 4, 5, evaluate.BLOCKS)


def default(table: pa.Table) -> np.ndarray:
    """Rows of the default set-up, known by training rows."""
    numbers = atlas.columns(table)
    wanted = {"encoder": "glove", "trunk": "linear", "view": "rows"}
    found = (numbers["target_rows"] == 300) & (numbers["r"] == 16)
    for name, value in wanted.items():
        found &= atlas.words(table, name) == value
    return found


def order(table: pa.Table, z: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """How predictions of unseen data sets order the pairs of some rows."""
    rows = rows & np.isfinite(z)
    gain = atlas.columns(table)["gain"][rows]
    target = atlas.words(table, "target")[rows]
    return {
        "pairs": int(rows.sum()),
        "spearman": round(metrics.spearman(z[rows], gain), 3),
        "within": round(metrics.within(z[rows], gain, target), 3),
    }


def main() -> None:
    """Measure, print and write."""
    table = atlas.read(SHIPPED)
    asked = default(table)
    first = asked & (atlas.columns(table)["seeds"] == MOST_SEEDS)
    names = {*atlas.words(table, "source")[first], *atlas.words(table, "target")[first]}
    ends = zip(atlas.words(table, "source"), atlas.words(table, "target"), strict=True)
    own = table.filter(pa.array([source in names and target in names for source, target in ends]))
    alone = fit.out_of_fold(fit.data_of(own), evaluate.TREES, evaluate.BLOCKS)
    data = fit.data_of(table)
    by_blocks = {b: fit.out_of_fold(data, evaluate.TREES, b) for b in BLOCKS}
    found = {
        "data_sets": len(np.unique(data.target)),
        "first_data_sets": len(names),
        "first_alone": order(own, alone, default(own)),
        "first_with_all": order(table, by_blocks[evaluate.BLOCKS], first),
        "by_blocks": {b: order(table, z, asked) for b, z in by_blocks.items()},
    }
    text = json.dumps(found, indent=1)
    print(text)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
