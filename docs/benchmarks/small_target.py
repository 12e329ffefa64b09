"""Who helps a small target? A few hundred rows of one data set, and other data sets as sources.

    python docs/benchmarks/small_target.py TARGET.csv SOURCE.csv [SOURCE.csv ...]

Draws 300 rows of the target, many times, and scores every source, whole, against them with the
default encoder; and every source again with its labels permuted anew, which knows nothing and
must read about zero. Prints mean and standard deviation of `source_gain`, the share of draws whose
interval excludes zero, and the same for `model_similarity`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from taskaff.core.records.data import DataRequest, LabelSchema
from taskaff.core.records.embedding import EncodeCounts, Encoder, EncoderCard
from taskaff.core.settings import ScoreSettings
from taskaff.stages import data, embed
from taskaff.stages.score.model_similarity import model_similarity
from taskaff.stages.score.source_gain import source_gain
from taskaff.stages.score.task_statistics import TaskView
from taskaff.stages.signature import Accumulator, row_hashes

ROWS, DRAWS = 300, 20

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, LabelSchema]


def rows_of(path: str, encoder: Encoder) -> Rows:
    """Vectors, labels and content hashes of every row."""
    task = data.open_task(DataRequest(path))
    batches = list(task.batches())
    X = np.concatenate([embed.embed_batch(encoder, batch)[0] for batch in batches])
    labels = np.concatenate([batch.labels for batch in batches])
    hashes = np.concatenate([row_hashes(batch) for batch in batches])
    return X, labels, hashes, task.info.schema


def view(name: str, rows: Rows, card: EncoderCard) -> TaskView:
    X, labels, hashes, schema = rows
    accumulator = Accumulator(name, card, "vectors", schema, "train", X.shape[1])
    accumulator.add("train", X, labels, hashes, EncodeCounts())
    return TaskView(accumulator.finish([]))


def main() -> None:
    encoder = embed.open_encoder("glove")
    target, *sources = [rows_of(path, encoder) for path in sys.argv[1:]]
    names = [Path(path).parent.name for path in sys.argv[2:]]
    rng = np.random.default_rng(0)
    whole = [view(n, rows, encoder.card) for n, rows in zip(names, sources, strict=True)]
    found = []
    for _ in range(DRAWS):
        i = rng.choice(len(target[0]), ROWS, replace=False)
        X, labels, hashes, schema = target
        drawn = view("target", (X[i], labels[i], hashes[i], schema), encoder.card)
        empty = [
            view(f"{n}, permuted", (A, rng.permutation(b), h, schema), encoder.card)
            for n, (A, b, h, schema) in zip(names, sources, strict=True)
        ]
        views = [*whole, *empty, drawn]
        gain = source_gain(views, ScoreSettings())
        alike = model_similarity(views, ScoreSettings(intervals=False))
        found.append(
            (gain.value[:-1, -1], gain.low[:-1, -1], gain.high[:-1, -1], alike.value[:-1, -1])
        )
    gain, low, high, alike = np.moveaxis(np.array(found), 1, 0)
    print(f"{'source':24} {'gain':>8} {'sd':>7} {'above 0':>8} {'below 0':>8} {'similarity':>10}")
    for column, task in enumerate((*whole, *empty)):
        print(
            f"{task.name:24} {gain[:, column].mean():8.3f} {gain[:, column].std():7.3f} "
            f"{(low[:, column] > 0).mean():8.0%} {(high[:, column] < 0).mean():8.0%} "
            f"{alike[:, column].mean():10.3f}"
        )


if __name__ == "__main__":
    main()
