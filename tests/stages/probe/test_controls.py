from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.controls import own_rows, permuted
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.merge import merge
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.splits import Split
from taskaff.stages.probe.synthetic import synthetic_task
from taskaff.stages.probe.training_data import make_training_data

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=40,
    source_rows=80,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
    controls=True,
)


def found(result):
    return {(p.source, p.target, p.arm, p.against): p for p in result.pairs}


def test_every_pair_has_its_controls():
    tasks = [task("a", 200), task("b", 200, c=3, kind="regression", seed=1)]
    result = probe(tasks, QUICK)
    plain = probe(tasks, replace(QUICK, controls=False))
    pairs = found(result)
    for s, t in (("a", "b"), ("b", "a")):
        real, left, gone = (
            pairs[s, t, *words]
            for words in (
                ("mtl", "alone"),
                ("mtl", "permuted source"),
                ("permuted source", "alone"),
            )
        )
        assert real.gain.mean == pytest.approx(left.gain.mean + gone.gain.mean)
        assert real.gain == plain.pair(s, t).gain
        assert pairs[t, t, "self", "alone"].gain.n == 3
    assert len(pairs) == 2 * 3 + 2
    assert result.runs == plain.runs + 3 * (2 + 2)
    assert result.pair("a", "b").arm == "mtl"
    assert result.pair("a", "b").against == "alone"


@pytest.mark.parametrize("kind", ["classes", "regression", "multilabel"])
@pytest.mark.parametrize("together", [False, True])
def test_permuted_labels_are_those_of_a_task_with_its_labels_permuted(kind, together):
    """Against the same training on rows whose labels were really exchanged."""
    settings = QUICK
    tasks = [task("a", 150), task("b", 150, c=3, kind=kind, seed=1)]
    prepared = prepare(tasks, settings)
    target = prepared.target_slot(0, 0)
    source = permuted(prepared.source_slot(1, prepared.splits[1][0].source), 0)
    assert sorted(source.labels) == sorted(source.train)
    assert (source.labels != source.train).mean() > 0.8
    run = Run((), 0, (target, source), "x", r=2, updates=60, together=together)
    labels = np.array(tasks[1].labels)
    start = prepared.data.starts[1]
    labels[source.train - start] = tasks[1].labels[source.labels - start]
    data = make_training_data([tasks[0], replace(tasks[1], labels=labels)], "cpu")
    exchanged = replace(run, slots=(target, replace(source, labels=None)))
    one, other = train(prepared.data, [run])[0], train(data, [exchanged])[0]
    assert one.slots[0].test_loss == pytest.approx(other.slots[0].test_loss, abs=1e-6)
    plain = train(prepared.data, [exchanged])[0]
    assert np.abs(one.slots[0].curve - plain.slots[0].curve).max() > 1e-4


def test_a_permuted_neighbour_changes_nobody_else():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    prepared = prepare(tasks, QUICK)
    target, source = prepared.target_slot(0, 0), prepared.source_slot(1, np.arange(80))
    run = Run((), 0, (target, source), "x", r=2, updates=60)
    other = replace(run, slots=(target, permuted(source, 0)))
    alone = train(prepared.data, [run])[0].slots[0]
    beside = train(prepared.data, [other, run])[1].slots[0]
    assert beside.test_loss == pytest.approx(alone.test_loss, abs=1e-6)


def test_permuted_labels_lose_what_the_source_gave():
    """A source with the target's covariance and nearly its model (W Figure 3)."""
    tasks = [
        synthetic_task(f"synthetic:linear?task={i}&rows=3000&d=50&kappa=10&noise=0.5", f"t{i}")
        for i in (1, 2)
    ]
    settings = replace(
        QUICK,
        r=1,
        updates=500,
        recipes=("turns",),
        target_rows=200,
        source_rows=2000,
        seeds=tuple(range(5)),
    )
    pairs = found(probe(tasks, settings))
    assert above(pairs["t2", "t1", "mtl", "alone"])
    assert above(pairs["t2", "t1", "mtl", "permuted source"])
    assert not above(pairs["t2", "t1", "permuted source", "alone"])
    assert above(pairs["t1", "t1", "self", "alone"])


def above(pair):
    """Whether the mean over seeds lies above 0 for these rows, whatever others would give."""
    return pair.gain.mean > 2.1 * pair.gain.stderr


def test_the_targets_other_rows_share_nothing_with_it():
    one = task("a", 300)
    hashes = one.hashes.copy()
    hashes[150:] = hashes[:150]  # every row twice
    prepared = prepare([replace(one, hashes=hashes)], replace(QUICK, source_rows=50))
    split: Split = prepared.splits[0][0]
    rows = own_rows(prepared, 0, 0)
    assert 10 < len(rows) <= 50
    for part in (split.train, split.validation, split.test):
        assert not np.isin(hashes[rows], hashes[part]).any()


def test_a_target_without_other_rows_says_so():
    tasks = [task("a", 60), task("b", 200, seed=1)]
    pair = found(probe(tasks, replace(QUICK, target_rows=100)))["a", "a", "self", "alone"]
    assert pair.verdict.call == "inconclusive"
    assert "--target-rows" in pair.verdict.reason


def test_a_pair_that_cannot_be_trained_has_no_control_either():
    one = task("t", 150)
    result = probe([one, replace(one, name="copy")], replace(QUICK, target_rows=200))
    for pair in result.pairs:
        assert pair.verdict.call == "inconclusive"


def test_seeds_apart_merge():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    whole = found(probe(tasks, QUICK))
    parts = [probe(tasks, replace(QUICK, seeds=s)) for s in ((0,), (1, 2))]
    for key, pair in found(merge(parts, QUICK, 0.9)).items():
        assert pair.gain.low == pytest.approx(whole[key].gain.low, abs=1e-5)


def test_a_budget_does_not_wait_for_controls():
    tasks = [task("a", 200), task("b", 200, seed=1)]
    result = probe(tasks, replace(QUICK, budget=1000.0, margin=100.0))
    assert len(result.settings.seeds) == 3
    assert result.finished
