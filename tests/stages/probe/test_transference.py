from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stages.probe._zoo import PlainModel, plain_loss, task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.batches import SlotBatches
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.merge import merge
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.stacked import Chunk
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.transference import Watch, mix_rows

TASKS = [
    task("two", 120, c=2, seed=1),
    task("five", 300, c=5, seed=2),
    task("labels", 150, c=3, kind="multilabel", seed=3),
    task("numbers", 90, c=2, kind="regression", seed=4),
]
QUICK = ProbeSettings(
    margin=0.0,
    r=2,
    updates=40,
    patience=0.0,
    target_rows=40,
    source_rows=80,
    seeds=(0, 1, 2),
    weight_decay=(0.0, 0.3),
    transference=True,
)


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu")


def slot(data, number, tested=True):
    rows = np.random.default_rng(number).permutation(TASKS[number].rows) + data.starts[number]
    cut, end = len(rows) // 2, 3 * len(rows) // 4
    none = rows[:0]
    held = (rows[cut:end], rows[end:]) if tested else (none, none)
    return Slot(number, rows[:cut], *held, f"task{number}", tested)


def runs_of(data, trunk):
    s = [slot(data, i) for i in range(4)]
    base = Run(("pair",), 0, (s[0], slot(data, 1, tested=False)), "t", trunk, 4, 30, 16)
    return [
        base,
        replace(base, key=("three",), slots=(s[2], s[3], s[1]), r=3, seed=1, updates=21, lr=0.05),
        replace(base, key=("decay",), weight_decay=0.5, scale=0.5),
        replace(base, key=("joint",), together=True, slots=(s[0], s[3])),
    ]


def state_of(chunk, i):
    """A plain model with the present weights of a run."""
    run = chunk.runs[i]
    model = PlainModel(run, chunk.data)
    with torch.no_grad():
        for name, value in model.parts.items():
            if name[0] != "A":
                a, b = value.shape
                value.copy_(chunk.p[name][i, :a, :b])
                continue
            s, c = int(name[1:]), value.shape[1]
            A = chunk.p["A"][i * chunk.S + s]
            value.copy_(torch.cat([A[: run.r, :c], A[-1:, :c]]))
    return model


def plain_z(chunk, i, m):
    """By autograd, one lookahead at a time."""
    run, data = chunk.runs[i], chunk.data
    k = len(run.slots)
    Z = np.full((k, k), np.nan)

    def rows(s, role):
        one = run.slots[s]
        named = replace(one, train=getattr(one, role), stream=f"{one.stream}/lookahead/{role}")
        table, _, sizes = SlotBatches(named, run).take(m, m + 1)
        return torch.from_numpy(table[0, : sizes[0]])

    def loss(model, s, role):
        at = rows(s, role)
        return plain_loss(data, run.slots[s], model(data.X[at], s), at)

    for a in range(k):
        before, ahead = state_of(chunk, i), state_of(chunk, i)
        loss(ahead, a, "train").backward()
        with torch.no_grad():
            for name, value in ahead.parts.items():
                if name[0] != "A":
                    value -= run.lr * value.grad
            for b in (b for b in range(k) if run.slots[b].tested):
                after, now = (loss(model, b, "validation") for model in (ahead, before))
                Z[a, b] = 1 - float(after / now)
    return Z


@pytest.mark.parametrize("trunk", ["linear", "relu", "mlp"])
def test_against_autograd_one_at_a_time(data, trunk):
    every = 7
    groups = [[0, 1, 2], [3]]  # joint sampling stacks apart
    runs = runs_of(data, trunk)
    for group in groups:
        chunk = Chunk(data, [runs[i] for i in group])
        watch = Watch(every, lambda run: True)
        watching = watch(chunk)
        for m in range(4):
            expected = {run.key: plain_z(chunk, i, m) for i, run in enumerate(chunk.runs)}
            watching.measure(np.ones(len(chunk.runs), bool))
            for key, Z in expected.items():
                np.testing.assert_allclose(watch.measured[key][m], Z, atol=2e-6)
                assert np.isfinite(watch.measured[key][m][:, 0]).all()
            chunk.advance(watching.next_round)


def test_training_is_not_disturbed(data):
    """Bit by bit."""
    runs = runs_of(data, "mlp")
    plain = train(data, runs)
    watched = train(data, runs, observer=Watch(3, lambda run: run.key != ("three",)))
    for one, other in zip(plain, watched, strict=True):
        for a, b in zip(one.slots, other.slots, strict=True):
            if a is not None:
                np.testing.assert_array_equal(a.curve, b.curve)
                assert (a.test_loss, a.metrics) == (b.test_loss, b.metrics)


def test_it_does_not_depend_on_the_stacking(data):
    runs = runs_of(data, "relu")
    one, other = (Watch(10, lambda run: True) for _ in range(2))
    train(data, runs, observer=one)
    train(data, runs[::-1], chunk_runs=1, observer=other)
    for run in runs:
        np.testing.assert_allclose(one.measured[run.key], other.measured[run.key], atol=2e-6)


def tasks():
    a = task("a", 200, d=8)
    same = replace(task("same", 200, d=8, seed=7), labels=relabel(a, 7, 1))
    opposite = replace(task("opposite", 200, d=8, seed=8), labels=relabel(a, 8, -1))
    return [a, same, opposite]


def relabel(like, seed, sign):
    """Labels of other vectors by a rule that the task's own labels nearly follow."""
    W = np.linalg.lstsq(like.X, np.eye(2)[like.labels] - 0.5, rcond=None)[0]
    return (sign * task("x", 200, d=8, seed=seed).X @ W).argmax(1)


def test_rows_of_pairs_and_of_the_mix():
    settings = replace(QUICK, updates=50, target_rows=100, source_rows=100, seeds=tuple(range(8)))
    found = probe(tasks(), settings)
    plain = probe(tasks(), replace(settings, transference=False))
    assert [p.gain for p in found.pairs] == [p.gain for p in plain.pairs]
    rows = {(row.run, row.source, row.target): row for row in found.transference}
    assert len(rows) == 12
    for row in rows.values():
        assert row.own.mean > 0
        assert len(row.over_time) == len(row.updates) in (5, 10)
        assert row.z.n == 8
        assert np.mean(row.by_seed, axis=0) == pytest.approx(row.over_time)
        assert len(row.by_seed) == 8
        if row.run == "pair":  # windows of one size
            assert np.mean(row.over_time) == pytest.approx(row.z.mean, rel=1e-3, abs=1e-6)
        assert list(row.updates) == sorted(row.updates)
    assert rows["pair", "same", "a"].updates[-1] == 50
    assert found.runs == plain.runs + 8


def test_seeds_apart_merge():
    whole = probe(tasks(), QUICK)
    parts = [probe(tasks(), replace(QUICK, seeds=s)) for s in ((0,), (1, 2))]
    merged = merge(parts, QUICK, QUICK.confidence)
    for one, other in zip(merged.transference, whole.transference, strict=True):
        assert one.z.low == pytest.approx(other.z.low, abs=1e-5)
        assert one.over_time == pytest.approx(other.over_time, abs=1e-5)
        assert np.array(one.by_seed) == pytest.approx(np.array(other.by_seed), abs=1e-5)


def test_a_mix_that_cannot_be_trained_is_a_note():
    labels = np.zeros(300, np.int64)
    labels[250:] = 1
    rare = replace(task("rare", 300, splits=np.repeat([0, 2], [250, 50])), labels=labels)
    found = probe([rare, task("b", 150, seed=1)], QUICK)
    assert any("rare" in note and "same label" in note for note in found.notes)
    assert {row.run for row in found.transference} == {"pair"}


def test_joint_sampling_mixes_apart():
    rows, runs = mix_rows(tasks()[:2], replace(QUICK, recipes=("together",)))
    assert runs == 3
    assert {(row.source, row.target) for row in rows} == {("a", "same"), ("same", "a")}
