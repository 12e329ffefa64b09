"""Names of classes, and the order of rows, change neither splits, draws nor losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.probe._zoo import task

import taskaff
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.class_order import in_content_order
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.probe.splits import split_task

QUICK = ProbeSettings(
    updates=30, seeds=(0, 1), target_rows=40, source_rows=60, weight_decay=(1.0,), budget=None
)
ALONE = {"predict": False, "cache": "off"}


def renamed(one, order):
    """The task as it is when the classes have names that sort in another order."""
    order = np.asarray(order)
    if one.schema.kind == "multilabel":
        return replace(one, labels=one.labels[:, np.argsort(order)])
    return replace(one, labels=order[one.labels])


@settings(max_examples=40)
@given(st.permutations(range(4)), st.integers(0, 99), st.sampled_from(["classes", "multilabel"]))
def test_neither_names_nor_the_order_of_rows_decide(names, rows, kind):
    hashes = np.random.default_rng(1).integers(0, 150, 200).astype(np.uint64)  # many repeats
    one = task("a", n=200, c=4, kind=kind, hashes=hashes, splits=np.arange(200) % 20 % 3)
    rows = np.random.default_rng(rows).permutation(200)
    other = renamed(one, names)
    other = replace(
        other,
        X=other.X[rows],
        labels=other.labels[rows],
        hashes=other.hashes[rows],
        splits=other.splits[rows],
    )
    first, second = in_content_order(one), in_content_order(other)
    assert (first.labels[rows] == second.labels).all()
    assert content_id(first) == content_id(second)
    parts = [split_task(t, content_id(t), 0, QUICK) for t in (first, second)]
    for name in ("pool", "train", "validation", "test"):
        of_first, of_second = (getattr(part, name) for part in parts)
        assert (first.hashes[of_first] == second.hashes[of_second]).all()
        assert (first.labels[of_first] == second.labels[of_second]).all()


def test_classes_without_rows_come_last():
    one = task("a", n=20, c=2)
    wide = replace(one, labels=one.labels + 1, schema=replace(one.schema, names=("x", "y", "z")))
    ordered = in_content_order(wide)
    assert ordered.schema.names[-1] == "x"
    assert set(ordered.labels.tolist()) == {0, 1}


def test_renaming_changes_no_loss_and_no_score(tmp_path):
    words = ["fine day", "dull film", "old house", "new song"]
    rows = [(f"{words[i % 4]} {i} {'yes' if i % 3 else 'no'}", i % 3 > 0) for i in range(150)]
    other = [(f"{words[i % 3]} number {i}", i % 2 > 0) for i in range(150)]

    def written(folder, first, second):
        paths = []
        for name, content in (("a", rows), ("b", other)):
            path = tmp_path / folder / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            lines = [f"{text},{second if label else first}\n" for text, label in content]
            path.write_text("text,label\n" + "".join(lines))
            paths.append(str(path))
        return paths

    told, same = written("x", "n", "p"), written("y", "zeta", "alpha")
    found, again = (
        taskaff.probe(p, updates=30, seeds=2, target_rows=40, source_rows=60, **ALONE)
        for p in (told, same)
    )
    for one, two in zip(found.pairs, again.pairs, strict=True):
        assert one.gain == two.gain
        assert one.stl_loss == two.stl_loss
        for seed, same_seed in zip(one.seeds, two.seeds, strict=True):
            assert (seed.stl_loss, seed.mtl_loss) == (same_seed.stl_loss, same_seed.mtl_loss)
            for metric, arms in seed.metrics.items():
                assert arms == pytest.approx(same_seed.metrics[metric], abs=1e-9), metric
    scores, again_scores = (taskaff.score(p, **ALONE) for p in (told, same))
    for name, table in scores.tables.items():
        np.testing.assert_allclose(
            table.value, again_scores.tables[name].value, rtol=0, atol=1e-9, equal_nan=True
        )
