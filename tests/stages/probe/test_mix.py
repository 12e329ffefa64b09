from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import probe
from taskaff.stages.probe.capacity import constant_loss, mix_slots
from taskaff.stages.probe.mix import probe_mix
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.synthetic import synthetic_task

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=60,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
)


def tasks(k=3):
    return [task(name, 200, seed=i, c=2 + i) for i, name in enumerate("abcd"[:k])]


def by_target(result):
    return {pair.target: pair for pair in result.pairs}


def test_members_the_added_task_and_all():
    result = probe(tasks(), QUICK, mode="mix")
    assert result.mode == "mix"
    assert result.runs == 3 * 3
    assert [(p.source, p.target, p.arm, p.against) for p in result.pairs] == [
        ("c", "a", "mix", "mix without"),
        ("c", "b", "mix", "mix without"),
        ("c", "c", "mix", "alone"),
        ("c", "all", "mix", "mix without"),
    ]
    members, whole = result.pairs[:-1], result.pairs[-1]
    prepared = prepare(tasks(), QUICK)
    for n, seed in enumerate(whole.seeds):
        slots = mix_slots(prepared, n)
        constants = [constant_loss(prepared.data, slot) for slot in slots]
        shares = [
            pair.seeds[n].gain / constant for pair, constant in zip(members, constants, strict=True)
        ]
        assert seed.gain == pytest.approx(np.mean(shares))
    assert whole.gain.low < whole.gain.mean < whole.gain.high


def test_names_change_nothing():
    renamed = [replace(t, name=t.name.upper()) for t in tasks()]
    for one, other in zip(
        probe_mix(tasks(), QUICK).pairs, probe_mix(renamed, QUICK).pairs, strict=True
    ):
        assert one.gain.mean == pytest.approx(other.gain.mean, abs=2e-6)


def test_rows_that_any_task_is_judged_by_are_in_no_training_rows():
    first = task("a", 300)
    copy = replace(first, name="copy", labels=1 - first.labels)
    other = task("b", 300, seed=3)
    result = probe_mix([first, other, copy], replace(QUICK, target_rows=200))
    assert all(pair.leaked > 0 for pair in result.pairs)
    kept = probe_mix([first, other, copy], replace(QUICK, target_rows=200, leaks="keep"))
    assert all(pair.leaked == 0 for pair in kept.pairs)


def test_the_synthetic_source_helps_or_hurts_as_in_figure_3():
    """Covariance shared: the mix helps all. Another one: it hurts the mix of the two others."""
    spec = "synthetic:linear?task={}&rows=2000&seed=3&kappa=10&noise=0.5"
    target, alike, unlike = (synthetic_task(spec.format(i), f"task{i}") for i in (1, 2, 3))
    settings = ProbeSettings(
        r=1,
        updates=800,
        patience=0.0,
        recipes=("turns",),
        weight_decay=(0.0,),
        target_rows=200,
        validation_rows=300,
        test_rows=700,
        seeds=tuple(range(12)),
    )
    helped = by_target(probe_mix([target, alike], settings))
    for pair in helped.values():  # over seeds, for these rows
        assert pair.gain.mean > pair.gain.stderr
    hurt = by_target(probe_mix([target, alike, unlike], settings))
    assert hurt["task2"].gain.mean < -2 * hurt["task2"].gain.stderr
    assert hurt["all"].gain.mean < 0


def test_divergence_makes_its_tasks_and_the_whole_inconclusive():
    wild = [*tasks(2), task("n", 200, kind="regression", seed=9)]
    result = probe_mix(wild, replace(QUICK, lr=1e30))
    assert {pair.verdict.call for pair in result.pairs} == {"inconclusive"}
    assert "diverged" in by_target(result)["all"].verdict.reason
    assert by_target(result)["all"].gain.mean is None


def test_learned_and_proportional_weights_of_a_mix():
    found = probe_mix(tasks(), replace(QUICK, weights="uncertainty"))
    assert set(found.weights) == {"a + b", "a + b + c"}
    assert np.mean(list(found.weights["a + b + c"].values())) == pytest.approx(1.0)


def test_joint_sampling_has_one_split_and_all_tasks_in_every_update():
    first = task("a", 200)
    second = replace(first, name="b", labels=(first.X[:, 0] > 0).astype(np.int64))
    third = replace(first, name="c", labels=(first.X[:, 1] > 0).astype(np.int64))
    settings = replace(QUICK, recipes=("together",), weights="svd")
    found = by_target(probe_mix([first, second, third], settings))
    assert set(found) == {"a", "b", "c", "all"}
    assert all(pair.gain.mean is not None and pair.leaked == 0 for pair in found.values())
    order = np.random.default_rng(0).permutation(200)
    mixed = replace(second, **{k: getattr(second, k)[order] for k in ("X", "labels", "hashes")})
    again = by_target(probe_mix([first, mixed, third], settings))  # rows are found by content
    assert again["a"].gain.mean == pytest.approx(found["a"].gain.mean, abs=1e-5)
    with pytest.raises(ProbeError, match="needs the same inputs"):
        probe_mix([first, task("d", 200, seed=5)], settings)
    rare = replace(first, name="rare", labels=np.zeros(200, np.int64))
    rare.labels[prepare([first], settings).splits[0][0].test[0]] = 1
    with pytest.raises(ProbeError, match="same label"):
        probe_mix([first, rare], replace(settings, seeds=(0,)))


def test_one_task_is_refused():
    with pytest.raises(UsageError, match="two data sets"):
        probe_mix(tasks(1), QUICK)
