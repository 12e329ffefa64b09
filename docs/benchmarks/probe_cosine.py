"""W Figures 7 and 8: gain against the cosine between the tasks' models.

    OMP_NUM_THREADS=1 python docs/benchmarks/probe_cosine.py [--first 200] [--draws 8]

Figure 7: two tasks of equal (isotropic) covariance, models at cosines 0.1 to 0.9; linear, logistic
and ReLU labels, capacity 1 (ReLU: 4). Figure 8: the rank-10 ReLU regime of W B.4, capacity 10,
against source rows. Four seeds a draw of the tasks; 90 % t intervals over draws. No setting was
searched for beyond what stands here. Writes `probe_cosine.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from taskaff.probing.pairs import probe_pairs
from taskaff.probing.records import ProbeSettings
from taskaff.probing.synthetic import synthetic_task
from taskaff.probing.verdict import t_interval

COSINES = (0.1, 0.3, 0.5, 0.7, 0.9)
BASE = ProbeSettings(
    r=1,
    steps=1000,
    sampling="equal",
    weight_decay=(0.0,),
    target_rows=300,
    source_rows=2000,
    validation_rows=300,
    test_rows=700,
    seeds=(0, 1, 2, 3),
)
RELU = replace(BASE, trunk="relu", r=4)
RANK = replace(BASE, trunk="relu", r=10)
FIGURES = {
    "7 linear": ("linear", BASE, (2000,)),
    "7 logistic": ("logistic", BASE, (2000,)),
    "7 relu": ("relu", RELU, (2000,)),
    "8 rank": ("rank", RANK, (500, 2000, 4000)),
}


def gains(figure: str, draw: int) -> dict[tuple[float, int], float]:
    """Mean gain over seeds of one draw of the tasks, by cosine and source rows."""
    model, settings, sizes = FIGURES[figure]
    more = "&r=10" if model == "rank" else "&kappa=1"
    spec = f"synthetic:{model}?rows=6000&seed={draw}&noise=0.5{more}&task="
    tasks = [synthetic_task(f"{spec}1", "target")]
    tasks += [synthetic_task(f"{spec}2&cosine={cosine}", f"{cosine}") for cosine in COSINES]
    wanted = [(number, 0) for number in range(1, len(tasks))]
    found = {}
    for rows in sizes:
        for pair in probe_pairs(tasks, replace(settings, source_rows=rows), wanted=wanted).pairs:
            mean = pair.gain.mean
            found[float(pair.source), rows] = float("nan") if mean is None else mean
    return found


def trend(draws: list[dict[tuple[float, int], float]], rows: int) -> np.ndarray:
    """Slope of the gain over the cosine, one a draw."""
    return np.array([np.polyfit(COSINES, [draw[c, rows] for c in COSINES], 1)[0] for draw in draws])


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=200)
    parser.add_argument("--draws", type=int, default=8)
    options = parser.parse_args()
    result = {"first_draw": options.first, "draws": options.draws, "seeds_a_draw": 4, "rows": []}
    for figure, (_, _, sizes) in FIGURES.items():
        draws = [gains(figure, options.first + number) for number in range(options.draws)]
        for rows in sizes:
            curve = [t_interval([draw[c, rows] for draw in draws], 0.9) for c in COSINES]
            slope = t_interval(trend(draws, rows), 0.9)
            row = {
                "figure": figure,
                "source_rows": rows,
                "gain": [[round(x, 4) for x in (i.mean, i.low, i.high)] for i in curve],
                "slope": [round(x, 4) for x in (slope.mean, slope.low, slope.high)],
            }
            result["rows"].append(row)
            print(*row.values(), flush=True)
    text = json.dumps({"cosines": COSINES, **result}, indent=1) + "\n"
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
