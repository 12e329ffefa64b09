"""What the number of rows does to the covariance scores: two real data sets, random subsamples.

    python docs/benchmarks/rows_and_bias.py A.csv B.csv

Draws n rows of each at random, many times, scores the pair from signatures with the default
encoder, and prints the mean and the standard deviation of each score at each n. The halves formula
is the simpler correction of the alignment: whole samples in the numerator (shared rows included),
disjoint halves of the folds in the norms. Writes `rows_and_bias.json` beside itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from taskaff.core.records.data import DataRequest, LabelSchema
from taskaff.core.records.embedding import EncodeCounts, Encoder, EncoderCard
from taskaff.core.settings import ScoreSettings
from taskaff.stages import data, embed
from taskaff.stages.score.covariance_alignment import covariance_alignment
from taskaff.stages.score.covariance_similarity import covariance_similarity
from taskaff.stages.score.mean_shift import mean_shift
from taskaff.stages.score.task_statistics import TaskView
from taskaff.stages.signature import Accumulator, fold_of, row_hashes

PLAN = ((50, 200), (500, 60), (2000, 20))
SETTINGS = ScoreSettings(intervals=False)


def rows_of(path: str, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and content hashes of every row."""
    batches = list(data.open_task(DataRequest(path)).batches())
    X = np.concatenate([embed.embed_batch(encoder, batch)[0] for batch in batches])
    return X, np.concatenate([row_hashes(batch) for batch in batches])


def view(X: np.ndarray, hashes: np.ndarray, card: EncoderCard) -> TaskView:
    """A signature of these rows, without labels."""
    accumulator = Accumulator("task", card, "vectors", LabelSchema("none"), "train", X.shape[1])
    accumulator.add("train", X, None, hashes, EncodeCounts())
    return TaskView(accumulator.finish([]))


def halves(drawn: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Whole covariances above, disjoint halves of the folds below."""
    norms = []
    for X, hashes in drawn:
        folds = fold_of(hashes)
        splits = [np.isin(folds, pair) for pair in ((0, 1), (0, 2), (0, 3))]
        norms.append(np.mean([(np.cov(X[s].T) * np.cov(X[~s].T)).sum() for s in splits]))
    inner = (np.cov(drawn[0][0].T) * np.cov(drawn[1][0].T)).sum()
    return float(inner / np.sqrt(norms[0] * norms[1]))


def measure(drawn: list[tuple[np.ndarray, np.ndarray]], card: EncoderCard) -> dict[str, float]:
    views = [view(X, hashes, card) for X, hashes in drawn]
    alignment = covariance_alignment(views, SETTINGS)
    return {
        "covariance_alignment": float(alignment.value[0, 1]),
        "halves formula": halves(drawn),
        "uncorrected cosine": float(alignment.extras["uncorrected"][0, 1]),
        "mean_shift": float(mean_shift(views, SETTINGS).value[0, 1]),
        "covariance_similarity": float(covariance_similarity(views, SETTINGS).value[0, 1]),
    }


def main() -> None:
    encoder = embed.open_encoder("glove")
    sets = [rows_of(path, encoder) for path in sys.argv[1:3]]
    rng = np.random.default_rng(0)
    report = {}
    for n, times in PLAN:
        found = []
        for _ in range(times):
            places = [rng.choice(len(X), n, replace=False) for X, _ in sets]
            drawn = [(X[i], hashes[i]) for (X, hashes), i in zip(sets, places, strict=True)]
            found.append(measure(drawn, encoder.card))
        report[str(n)] = {
            key: {
                "mean": round(float(np.mean([f[key] for f in found])), 4),
                "sd": round(float(np.std([f[key] for f in found])), 4),
            }
            for key in found[0]
        }
        print(n, json.dumps(report[str(n)]))
    report["all rows"] = measure(sets, encoder.card)
    print("all rows", json.dumps(report["all rows"]))
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
