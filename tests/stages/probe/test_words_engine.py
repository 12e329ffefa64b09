"""Runs over trainable words: against one plain run at a time, alone and in company."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stages.probe._words import Naive, word_task

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.evaluate_single import train_single
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.words.engine import _chunks, train_words

TASKS = [
    word_task("two", 60, c=2, seed=1),
    word_task("five", 80, c=5, seed=2, longest=14),
    word_task("labels", 50, c=3, kind="multilabel", seed=3),
    word_task("numbers", 40, c=2, kind="regression", seed=4, longest=3),
]
MEMORY = 1 << 30
TRUNKS = ["lstm", "cnn", "mlp-tokens"]


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu", tokens=True)


def slot(data, number, **more):
    rows = np.random.default_rng(number).permutation(TASKS[number].rows) + data.starts[number]
    cut, end = len(rows) // 2, 3 * len(rows) // 4
    return Slot(number, rows[:cut], rows[cut:end], rows[end:], f"task{number}", **more)


def mixed_runs(data, trunk):
    """Runs that differ in everything that may differ between neighbours."""
    s = [slot(data, i) for i in range(4)]
    base = Run(("alone",), 0, (s[0],), "trunk", trunk=trunk, r=4, updates=10, batch=8)
    turned = replace(s[1], tested=False, labels=s[1].train[::-1].copy())
    return [
        base,
        replace(base, key=("pair",), slots=(s[0], turned), updates=13),
        replace(base, key=("r",), slots=(s[1], s[0]), r=2, seed=1),
        replace(base, key=("decay",), slots=(s[0], s[1]), weight_decay=0.5, lr=0.03),
        replace(base, key=("kinds",), slots=(s[3], replace(s[2], weight=0.3), s[1]), updates=15),
        replace(base, key=("equal",), slots=(s[0], s[1]), shares=(0.3, 0.7)),
        replace(base, key=("still",), slots=(s[1],), frozen=frozenset({"trunk"})),
        replace(base, key=("head",), slots=(s[1],), frozen=frozenset({"heads"})),
        replace(base, key=("joint",), slots=(s[0], s[2]), together=True),
        replace(base, key=("learned",), slots=(s[2], s[3]), uncertain=True),
    ]


def close(one, other, atol):
    assert one.key == other.key
    assert one.weights == pytest.approx(other.weights, abs=atol)
    for a, b in zip(one.slots, other.slots, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.curve, b.curve, atol=atol)
            assert a.test_loss == pytest.approx(b.test_loss, abs=atol)
            assert a.step == b.step
            assert a.metrics == pytest.approx(b.metrics, abs=10 * atol, nan_ok=True)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_stacked_training_is_plain_training(data, trunk):
    """Against torch.nn over single rows, dense gradients of the words and Adam written out."""
    runs = [replace(run, keep_state=True) for run in mixed_runs(data, trunk)]
    runs = [runs[i] for i in ((1, 3, 4, 8, 9) if trunk == "lstm" else (1, 4))]
    for run, found in zip(runs, train_words(data, runs, memory=MEMORY), strict=True):
        plain = train_single(data, run, Naive(data, run))
        close(found, plain, 2e-5)
        assert set(found.state) == set(plain.state)
        for name, value in plain.state.items():
            np.testing.assert_allclose(found.state[name], value, atol=2e-4, err_msg=name)


@pytest.mark.parametrize(
    ("trunk", "align"), [("lstm", ""), ("cnn", ""), ("lstm", "full"), ("mlp-tokens", "orthogonal")]
)
def test_outcomes_do_not_depend_on_company(data, trunk, align):
    runs = [replace(run, align=align, lr_align=0.01) for run in mixed_runs(data, trunk)]
    runs = runs[1::2] if trunk == "cnn" else runs[1:9:2]
    together = train_words(data, runs, memory=MEMORY)
    alone = train_words(data, runs[::-1], memory=1)[::-1]
    for one, other in zip(together, alone, strict=True):
        close(one, other, 1e-5)


def test_outcomes_do_not_depend_on_other_tasks_of_the_bank(data):
    """Words are numbered anew when another task is there."""
    run = mixed_runs(data, "lstm")[0]
    small = make_training_data(TASKS[:1], "cpu", tokens=True)
    one, other = (train_words(b, [run], memory=MEMORY)[0] for b in (data, small))
    close(one, other, 1e-6)


def test_chunks_hold_what_fits_and_what_is_alike(data):
    runs = [run for trunk in TRUNKS for run in mixed_runs(data, trunk)]
    groups = list(_chunks(data, data.tokens, runs, MEMORY))
    assert sorted(i for group in groups for i in group) == list(range(len(runs)))
    assert len(groups) < len(runs)
    assert all(len({(runs[i].trunk, runs[i].r) for i in group}) == 1 for group in groups)
    assert len(list(_chunks(data, data.tokens, runs, 1))) == len(runs)


def test_frozen_parts_do_not_move(data):
    for trunk in TRUNKS:
        run = replace(mixed_runs(data, trunk)[0], keep_state=True, weight_decay=0.1, lr=0.1)
        still = replace(run, updates=1, lr=0.0)
        both = [replace(run, frozen=frozenset({part})) for part in ("trunk", "heads")]
        start, trunk_still, heads_still = train_words(data, [still, *both], memory=MEMORY)
        for name, value in start.state.items():
            kept, moved = (trunk_still, heads_still) if name != "A0" else (heads_still, trunk_still)
            np.testing.assert_array_equal(kept.state[name], value)
            assert not np.array_equal(moved.state[name], value)


def test_training_goes_on_from_a_state(data):
    """A look at a kept state gives the loss that the state was kept for."""
    for align in ("", "low-rank"):
        first = mixed_runs(data, "lstm")[1]
        first = replace(first, keep_state=True, align=align, align_rank=2, lr_align=0.02)
        found = train_words(data, [first], memory=MEMORY)[0]
        again = replace(first, initial=found.state, frozen=frozenset({"trunk", "heads"}))
        again = replace(again, lr_align=0.0, updates=1)
        second = train_words(data, [again, replace(first, initial=found.state)], memory=MEMORY)
        for outcome in second:
            start = outcome.slots[0].curve[0]
            assert start == pytest.approx([0, found.slots[0].validation_loss], abs=1e-6)
        assert second[0].slots[0].test_loss == pytest.approx(found.slots[0].test_loss, abs=1e-6)


def test_alignment_begins_as_the_identity_and_moves(data):
    for trunk in TRUNKS:
        run = replace(mixed_runs(data, trunk)[1], keep_state=True)
        aligned = [replace(run, align=a, lr_align=lr) for a in ("full", "") for lr in (0.0, 0.05)]
        off, on, *_plain = found = train_words(data, aligned, memory=MEMORY)
        close(off, found[2], 1e-6)
        assert not off.state["E0"].any()
        assert on.state["E0"].any()
        assert on.state["E1"].any()
        assert on.slots[0].test_loss != off.slots[0].test_loss


def test_a_diverged_run_says_so_and_does_not_touch_its_neighbours(data):
    run = mixed_runs(data, "cnn")[0]
    wild = replace(run, key=("wild",), lr=1e30)
    found = train_words(data, [wild, run], memory=MEMORY)
    close(found[1], train_words(data, [run], memory=MEMORY)[0], 1e-6)
    assert "infinite" in found[0].slots[0].diverged
    assert np.isnan(found[0].slots[0].test_loss)


def test_every_outcome_is_handed_over(data):
    runs, kept, seen = mixed_runs(data, "mlp-tokens"), {}, []
    found = train_words(
        data,
        runs,
        memory=MEMORY,
        progress=lambda *at: seen.append(at),
        keep=lambda i, outcome: kept.update({i: outcome}),
    )
    assert [kept[i] for i in range(len(runs))] == found
    assert seen[-1] == (len(runs), len(runs))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_processor(data):
    there = make_training_data(TASKS, "cuda", tokens=True)
    for trunk in TRUNKS:
        runs = [replace(run, align="full") for run in mixed_runs(data, trunk)]
        found = (train_words(b, runs, memory=MEMORY) for b in (data, there))
        for one, other in zip(*found, strict=True):
            assert one.slots[0].test_loss == pytest.approx(other.slots[0].test_loss, abs=1e-4)


def test_what_cannot_be_trained_is_refused(data):
    run = mixed_runs(data, "lstm")[0]
    with pytest.raises(ProbeError, match="scaled"):
        train_words(data, [replace(run, scale=2.0)], memory=MEMORY)
    with pytest.raises(ProbeError, match="words"):
        train_words(make_training_data(TASKS, "cpu"), [run], memory=MEMORY)
    none = replace(run.slots[0], test=np.empty(0, np.int64))
    with pytest.raises(ProbeError, match="held-out"):
        train_words(data, [replace(run, slots=(none,))], memory=MEMORY)
