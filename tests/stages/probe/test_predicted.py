"""Predictions of both arms, by which anyone can check the metrics; matrices in a file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from stages.probe._zoo import task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import probe
from taskaff.stages.probe.merge import merge
from taskaff.stages.report import matrices, write_predictions

QUICK = ProbeSettings(
    r=2, updates=20, patience=0.0, target_rows=60, seeds=(0, 3), weight_decay=(0.0, 0.3),
    recipes=("turns",), keep_outputs=True,
)  # fmt: skip


def tasks():
    return [
        task("a", 150, c=2),
        task("b", 200, c=3, seed=1),
        task("m", 150, c=2, seed=2, kind="multilabel"),
        task("n", 150, c=1, seed=3, kind="regression"),
    ]


def lines(result, path):
    write_predictions(result, path)
    found = {}
    for row in pq.read_table(path).to_pylist():
        key = tuple(row[k] for k in ("source", "target", "recipe", "against", "arm", "seed"))
        found.setdefault(key, {}).setdefault(row["trained"], []).append(row)
    return found


def check(kind, rows, loss, metrics, c):
    truth = np.array([row["label"] for row in rows])
    seen = np.array([row["predicted"] for row in rows])
    if kind == "classes":
        codes = truth[:, 0].astype(int)
        assert log_loss(codes, seen, labels=range(c)) == pytest.approx(loss, abs=1e-5)
        assert accuracy_score(codes, seen.argmax(1)) == pytest.approx(metrics["accuracy"])
    elif kind == "multilabel":
        mean = np.mean([log_loss(truth[:, j], seen[:, j]) for j in range(c)])
        assert mean == pytest.approx(loss, abs=1e-5)
        assert roc_auc_score(truth, seen, average="macro") == pytest.approx(metrics["auc"])
    else:
        assert np.corrcoef(truth[:, 0], seen[:, 0])[0, 1] == pytest.approx(metrics["pearson"])


@pytest.mark.parametrize("mode", ["pairs", "mix", "transfer"])
def test_metrics_follow_from_the_file(mode, tmp_path):
    settings = replace(QUICK, leaks="remove")
    kinds = {t.name: t for t in tasks()}
    result = probe(tasks(), settings, mode=mode)
    found = lines(result, tmp_path / "rows.parquet")
    compared = [pair for pair in result.pairs if pair.target != "all"]
    assert len(found) == 2 * len(compared)
    for pair in compared:
        for seed in pair.seeds:
            key = (pair.source, pair.target, pair.recipe, pair.against, pair.arm, seed.seed)
            both = found[key]
            hashes = {word: [row["row"] for row in rows] for word, rows in both.items()}
            assert hashes[pair.against] == hashes[pair.arm]
            one = kinds[pair.target]
            for i, (word, loss) in enumerate(
                ((pair.against, seed.stl_loss), (pair.arm, seed.mtl_loss))
            ):
                metrics = {name: values[i] for name, values in seed.metrics.items()}
                check(one.schema.kind, both[word], loss, metrics, one.schema.width)
                labels = dict(
                    zip(one.hashes.tolist(), np.asarray(one.labels).tolist(), strict=True)
                )
                for row in both[word]:
                    assert row["label"] == pytest.approx(np.ravel(labels[row["row"]]).tolist())


def test_seeds_apart_have_the_same_rows(tmp_path):
    two = tasks()[:2]
    parts = [probe(two, replace(QUICK, seeds=(seed,))) for seed in QUICK.seeds]
    whole, merged = probe(two, QUICK), merge(parts, QUICK, QUICK.confidence)
    assert (
        lines(whole, tmp_path / "a.parquet").keys() == lines(merged, tmp_path / "b.parquet").keys()
    )
    assert lines(probe(two, replace(QUICK, keep_outputs=False)), tmp_path / "c.parquet") == {}


@pytest.mark.parametrize("mode", ["pairs", "mix", "transfer"])
def test_matrices_are_those_of_the_reports(mode):
    settings = replace(
        QUICK, keep_outputs=False, keep_matrices=True, align=True, align_lr=0.02, align_form="full"
    )
    result = probe(tasks()[:3], settings, mode=mode)
    data = matrices(result)
    length = int.from_bytes(data[:8], "little")
    index = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["index"])
    arrays = load(data)
    assert set(index) == set(arrays)
    assert len(arrays) == {"pairs": 6 * 2 * 2, "mix": 3 * 2, "transfer": 6 * 2 * 2}[mode]
    for report in result.alignment:
        where = f"{report.source}/{report.target}/" if mode != "mix" else ""
        moved = [
            np.linalg.norm(arrays[f"{where}{report.target}/{seed}"] - np.eye(6)) for seed in (0, 3)
        ]
        assert np.mean(moved) == pytest.approx(report.distance_target.mean, rel=1e-5)
