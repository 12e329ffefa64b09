from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.estimate import Interval
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.capacity import choose, constant_loss, mix_slots, probe_capacity
from taskaff.stages.probe.merge import merge
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.records import Slot
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.synthetic import synthetic_task
from taskaff.stages.probe.training_data import make_training_data

QUICK = ProbeSettings(
    patience=0.0,
    updates=40,
    target_rows=60,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
    capacities=(4, 1, 2),
)
NONE = np.empty(0, np.int64)


def sweeps(result):
    return {sweep.model: sweep for sweep in result.capacity}


def test_every_model_at_every_capacity():
    tasks = [task("a", 150), task("b", 150, c=3, kind="regression", seed=1)]
    found = probe(tasks, QUICK)
    assert found.mode == "capacity"
    assert found.runs == 3 * 3 * 3
    assert list(sweeps(found)) == ["all", "a", "b"]
    for sweep in found.capacity:
        assert sweep.capacities == (1, 2, 4)
        assert all(point.low < point.mean < point.high for point in sweep.loss)
        assert sweep.chosen <= sweep.best
    assert found.pairs == ()


def test_the_joint_metric_is_the_mean_of_those_of_its_tasks():
    tasks = [task("a", 150), task("b", 150, c=3, kind="regression", seed=1)]
    found = sweeps(probe_capacity(tasks, QUICK))
    together = found["all"]
    assert list(together.task_metrics) == ["a", "b"]
    for i, mean in enumerate(together.metric):
        each = [points[i].mean for points in together.task_metrics.values()]
        assert mean.mean == pytest.approx(np.mean(each))
    assert not found["a"].task_metrics


def test_one_task_has_no_joint_model():
    assert list(sweeps(probe_capacity([task("a", 150)], QUICK))) == ["a"]


def test_a_task_alone_does_not_depend_on_the_others():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    both, alone = (sweeps(probe_capacity(t, QUICK))["a"] for t in (tasks, tasks[:1]))
    for one, other in zip(both.loss, alone.loss, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=2e-6)


def test_the_joint_loss_is_the_mean_over_tasks_of_the_relative_losses(monkeypatch):
    """Two copies of one task under other hashes: the joint loss is that of either."""
    one = task("a", 200)
    tasks = [one, task("b", 200, c=2, kind="regression", seed=2)]
    constants = iter([2.0, 4.0])
    monkeypatch.setattr("taskaff.stages.probe.capacity.constant_loss", lambda *_: next(constants))
    settings = replace(QUICK, seeds=(0,), capacities=(2,))
    found = sweeps(probe_capacity(tasks, settings))
    assert found["all"].loss[0].n == 1
    monkeypatch.setattr("taskaff.stages.probe.capacity.constant_loss", lambda *_: 1.0)
    raw = sweeps(probe_capacity(tasks, settings))
    assert found["a"].loss[0].mean == pytest.approx(raw["a"].loss[0].mean / 2)
    assert found["b"].loss[0].mean == pytest.approx(raw["b"].loss[0].mean / 4)


def test_more_tasks_than_capacity_interfere():
    """W section 2.2: at r = 1 unlike linear tasks share one direction; at r = k they need not."""
    tasks = [
        synthetic_task(
            f"synthetic:linear?task={i}&rows=900&d=20&kappa=1&cosine=0&noise=0.3&seed=4", n
        )
        for i, n in ((1, "one"), (2, "two"), (3, "three"))
    ]
    settings = replace(QUICK, updates=250, target_rows=300, capacities=(1, 3, 6))
    found = sweeps(probe_capacity(tasks, settings))
    narrow, enough, _ = found["all"].loss
    assert narrow.mean > enough.mean + 0.2
    assert found["all"].chosen >= 3
    for name in ("one", "two", "three"):  # nothing to gain beyond one direction
        assert found[name].loss[0].mean < found[name].loss[1].mean + 0.02


@pytest.mark.parametrize(
    ("means", "errors", "expected"),
    [
        ([0.9, 0.5, 0.4], [0.1, 0.1, 0.05], (4, 4)),
        ([0.9, 0.44, 0.4], [0.1, 0.1, 0.05], (2, 4)),
        ([0.4, 0.5, 0.6], [0.0, 0.1, 0.05], (1, 1)),
        ([None, 0.5, 0.6], [None, None, None], (2, 2)),
        ([None] * 3, [None] * 3, (None, None)),
    ],
)
def test_the_one_standard_error_rule(means, errors, expected):
    points = [Interval(m, stderr=e, n=3) for m, e in zip(means, errors, strict=True)]
    assert choose((1, 2, 4), points) == expected


def test_rows_that_another_task_is_judged_by_are_not_trained_on():
    one = task("a", 200)
    tasks = [one, replace(task("b", 200, seed=1), hashes=one.hashes)]
    prepared = prepare(tasks, QUICK)
    a, b = mix_slots(prepared, 0)
    starts = prepared.data.starts
    trained = set(a.train - starts[0])
    tested = set(np.concatenate([b.validation, b.test]) - starts[1])
    assert not trained & tested
    assert set(prepared.target_slot(0, 0).train - starts[0]) & tested
    kept = prepare(tasks, replace(QUICK, leaks="keep"))
    assert len(mix_slots(kept, 0)[0].train) == QUICK.target_rows


def test_constant_losses_are_those_of_the_training_frequencies():
    rng = np.random.default_rng(0)
    rows = np.arange(30)
    for kind in ("classes", "multilabel", "regression"):
        one = task("a", 60, c=3, kind=kind, seed=int(rng.integers(9)))
        data = make_training_data([one], "cpu")
        found = constant_loss(data, Slot(0, rows, NONE, rows + 30, "a"))
        Y = np.asarray(one.labels, np.float64)
        if kind == "classes":
            p = (np.bincount(one.labels[:30], minlength=3) + 1) / 33
            expected = -np.mean([np.log(p[y]) for y in one.labels[30:]])
        elif kind == "multilabel":
            p = (Y[:30].sum(0) + 1) / 32
            expected = -np.where(Y[30:] == 1, np.log(p), np.log(1 - p)).mean()
        else:
            Y = Y.astype(np.float32)
            expected = (((Y[30:] - Y[:30].mean(0)) / Y[:30].std(0)) ** 2).mean()
        assert found == pytest.approx(expected, rel=1e-5)


def test_seeds_apart_merge_into_the_sweep_of_all():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    whole = sweeps(probe_capacity(tasks, QUICK))
    parts = [probe_capacity(tasks, replace(QUICK, seeds=s)) for s in ((0,), (1, 2))]
    for model, sweep in sweeps(merge(parts, QUICK, 0.9)).items():
        assert sweep.chosen == whole[model].chosen
        assert list(sweep.task_metrics) == list(whole[model].task_metrics)
        for one, other in zip(sweep.loss, whole[model].loss, strict=True):
            assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-4)


@pytest.mark.parametrize(
    "change", [{"capacities": ()}, {"capacities": (0, 4)}, {"recipes": ("together",)}]
)
def test_bad_sweeps_are_refused(change):
    with pytest.raises(UsageError):
        probe_capacity([task("a", 150)], replace(QUICK, **change))


def test_a_task_that_cannot_be_learned_is_named():
    labels = np.zeros(300, np.int64)
    labels[250:] = 1
    rare = replace(task("rare", 300, splits=np.repeat([0, 2], [250, 50])), labels=labels)
    with pytest.raises(ProbeError, match="same label") as caught:
        probe_capacity([rare, task("b", 150, seed=1)], QUICK)
    assert caught.value.task == "rare"
