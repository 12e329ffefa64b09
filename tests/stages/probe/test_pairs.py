from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import plan_pairs, probe_pairs
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.schedule import Schedule

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=40,
    source_rows=80,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
)

ALL = [(s, t) for s in range(3) for t in range(3) if s != t]


def gains(result):
    return {(p.source, p.target): p.gain.mean for p in result.pairs}


def test_every_directed_pair_of_mixed_label_kinds():
    tasks = [
        task("a", 200, c=3),
        task("b", 200, c=2, kind="regression", seed=1),
        task("c", 200, c=4, kind="multilabel", seed=2),
    ]
    result = probe_pairs(tasks, QUICK)
    assert len(result.pairs) == 6
    assert result.runs == 3 * (3 + 6)
    metric = {p.target: p.metric for p in result.pairs}
    assert metric == {"a": "accuracy", "b": "spearman", "c": "auc"}
    for pair in result.pairs:
        assert pair.gain.low < pair.gain.mean < pair.gain.high
        assert len(pair.seeds) == 3
        for seed in pair.seeds:
            assert seed.gain == seed.stl_loss - seed.mtl_loss


def test_a_pair_does_not_depend_on_the_other_tasks_their_order_or_the_stacking():
    tasks = [task(name, 150, seed=i, c=2 + i) for i, name in enumerate("abcd")]
    whole = gains(probe_pairs(tasks, QUICK))
    part = gains(probe_pairs([tasks[3], tasks[1]], replace(QUICK, chunk_runs=2)))
    for key, gain in part.items():
        assert whole[key] == pytest.approx(gain, abs=2e-6)


def test_only_the_pairs_asked_for_are_trained():
    tasks = [task(name, 150, seed=i) for i, name in enumerate("abc")]
    whole = gains(probe_pairs(tasks, QUICK))
    part = probe_pairs(tasks, QUICK, wanted=[(2, 0)])
    assert part.runs == 3 * (1 + 1)
    assert gains(part) == pytest.approx({("c", "a"): whole["c", "a"]}, abs=2e-6)


def test_the_arms_share_split_batches_and_initial_weights():
    tasks = [task("a", 150), task("b", 150, seed=1), task("c", 150, seed=2)]
    plan = plan_pairs(prepare(tasks, QUICK), ALL)
    of_target = [run for run in plan.runs if run.key[2] == 0 and run.seed == 1]
    assert len(of_target) == 3
    assert len({id(run.slots[0]) for run in of_target}) == 1
    assert len({(run.stream, run.scale, run.updates) for run in of_target}) == 1


def test_weight_decay_is_chosen_on_validation_rows_in_both_arms():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    both = probe_pairs(tasks, replace(QUICK, weight_decay=(0.0, 10.0)))
    alone = {w: probe_pairs(tasks, replace(QUICK, weight_decay=(w,))) for w in (0.0, 10.0)}
    for pair in both.pairs:
        for n, seed in enumerate(pair.seeds):
            stl = alone[seed.weight_decay[0]].pair(pair.source, pair.target).seeds[n]
            mtl = alone[seed.weight_decay[1]].pair(pair.source, pair.target).seeds[n]
            assert seed.stl_loss == pytest.approx(stl.stl_loss, abs=2e-6)
            assert seed.mtl_loss == pytest.approx(mtl.mtl_loss, abs=2e-6)


def leaky_tasks():
    """The source holds the target's rows with the target's labels, and pure noise beside."""
    target = task("t", 150, d=30)
    rng = np.random.default_rng(5)
    noise = task("s", 200, d=30, seed=9)
    n = 100
    return [
        target,
        replace(
            noise,
            X=np.concatenate([target.X, noise.X[:n]]),
            labels=np.concatenate([target.labels, rng.integers(0, 2, n)]),
            hashes=np.concatenate([target.hashes, noise.hashes[:n]]),
            splits=np.zeros(250, np.int64),
        ),
    ]


def test_a_seed_has_every_metric_of_both_arms():
    pair = probe_pairs([task("a", 150), task("b", 150, seed=1)], QUICK).pair("a", "b")
    for seed in pair.seeds:
        assert set(seed.metrics) == {"accuracy", "macro_f1", "matthews", "log_loss", "auc"}
        assert seed.metrics[pair.metric] == (seed.stl_metric, seed.mtl_metric)
        assert seed.metrics["log_loss"] == pytest.approx((seed.stl_loss, seed.mtl_loss), rel=1e-4)


def test_leaks_are_removed_and_their_effect_is_shown():
    settings = replace(QUICK, updates=300, leaks="both", source_rows=250)
    pair = probe_pairs(leaky_tasks(), settings).pair("s", "t")
    assert pair.leaked > 20
    assert pair.gain_with_leaks.mean > pair.gain.mean + 0.02
    kept = probe_pairs(leaky_tasks(), replace(settings, leaks="keep")).pair("s", "t")
    assert kept.gain.mean == pytest.approx(pair.gain_with_leaks.mean, abs=2e-6)
    assert kept.gain_with_leaks is None


def test_a_source_that_is_all_leaks_is_inconclusive():
    one = task("t", 150)
    pair = probe_pairs([one, replace(one, name="copy")], replace(QUICK, target_rows=200)).pair(
        "copy", "t"
    )
    assert pair.verdict.call == "inconclusive"
    assert "left without leaked" in pair.verdict.reason
    assert pair.gain.mean is None


def test_divergence_is_inconclusive_with_its_reason():
    tasks = [task("a", 150), task("b", 150, kind="regression", c=1, seed=1)]
    result = probe_pairs(tasks, replace(QUICK, lr=1e30))
    for pair in result.pairs:
        assert pair.verdict.call == "inconclusive"
        assert "diverged: " in pair.verdict.reason
        assert pair.gain.mean is None
        assert pair.metric_gain.mean is None


def test_a_source_that_leaves_at_once_is_the_target_alone():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    settings = replace(QUICK, recipes=("turns",), source_until=0.0)
    for pair in probe_pairs(tasks, settings).pairs:
        for seed in pair.seeds:
            assert seed.mtl_loss == pytest.approx(seed.stl_loss, abs=1e-6)
    stays = probe_pairs(tasks, replace(settings, source_until=0.5)).pairs[0]
    assert stays.seeds[0].mtl_loss != stays.seeds[0].stl_loss
    for changes in ({"source_until": 1.5}, {"recipes": ("together",)}):
        with pytest.raises(UsageError):
            probe_pairs(tasks, replace(settings, **changes))


def test_joint_sampling_trains_same_inputs_together():
    one = task("a", 150, c=3)
    other = replace(one, name="b", labels=(one.X[:, 0] > 0).astype(np.int64))
    result = probe_pairs([one, other], replace(QUICK, recipes=("together",)))
    assert result.pair("a", "b").gain.mean is not None
    assert "labels of all tasks" in result.rule
    with pytest.raises(ProbeError, match="needs the same inputs"):
        probe_pairs([one, task("c", 150, seed=3)], replace(QUICK, recipes=("together",)))


def test_epochs_pass_over_all_rows_of_both_tasks():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    settings = replace(QUICK, epochs=3, batch=20, recipes=("concat",))
    plan = plan_pairs(prepare(tasks, settings), [(0, 1)])
    totals = {run.key[0]: Schedule(run).total(3 * 2) for run in plan.runs}
    assert totals == {"stl": 3 * 2, "mtl": 3 * (2 + 4)}
    assert {Schedule(run).limits(0).most for run in plan.runs} == {3 * 2}


def test_fewer_rows_than_a_batch_train_as_one_short_batch():
    tasks = [task("a", 60), task("b", 60, seed=1)]
    result = probe_pairs(tasks, replace(QUICK, batch=512))
    assert all(pair.gain.mean is not None for pair in result.pairs)


def test_one_class_in_the_training_rows_is_a_verdict_with_a_reason():
    labels = np.zeros(300, np.int64)
    labels[250:] = 1
    rare = replace(task("rare", 300, splits=np.repeat([0, 2], [250, 50])), labels=labels)
    pair = probe_pairs([rare, task("b", 150, seed=1)], QUICK).pair("b", "rare")
    assert pair.verdict.call == "inconclusive"
    assert "same label" in pair.verdict.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"X": np.zeros((150, 7), np.float32)}, "width 7, but a has 6"),
        ({"X": np.full((150, 6), np.nan, np.float32)}, "150 vectors are not finite"),
        ({"labels": np.zeros(150, np.int64)}, "same label"),
    ],
)
def test_bad_tasks_are_refused_by_name(change, says):
    bad = replace(task("bad", 150, seed=1), **change)
    with pytest.raises(ProbeError, match=says) as caught:
        probe_pairs([task("a", 150), bad], QUICK)
    assert caught.value.task == "bad"


def test_unlabelled_tasks_are_refused():
    bare = task("bare", 150)
    bare = replace(bare, schema=replace(bare.schema, kind="none", names=()))
    with pytest.raises(ProbeError, match="no labels"):
        probe_pairs([task("a", 150), bare], QUICK)


@pytest.mark.parametrize(
    "change",
    [
        {"trunk": "gru"},
        {"recipes": ("round",)},
        {"recipes": ()},
        {"updates": 0},
        {"patience": 0.5},
        {"seeds": ()},
        {"seeds": (1, 1)},
        {"confidence": 1.0},
        {"margin": -0.1},
        {"weight_decay": ()},
        {"lr": float("nan")},
    ],
)
def test_bad_settings_are_refused(change):
    with pytest.raises(UsageError):
        probe_pairs([task("a"), task("b", seed=1)], replace(QUICK, **change))


def test_one_task_is_no_pair():
    with pytest.raises(UsageError, match="two data sets"):
        probe_pairs([task("a")], QUICK)


def test_a_relative_margin_is_a_share_of_the_single_task_loss():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    result = probe_pairs(tasks, replace(QUICK, margin=0.5, margin_unit="relative"))
    pair = result.pair("a", "b")
    assert f"{0.5 * pair.stl_loss:.4g}" in pair.verdict.reason
