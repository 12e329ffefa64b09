from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import replace

import numpy as np
import pytest
import torch
from stages.probe._zoo import task, train_plainly

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.engine import _cpu_chunk, chunks, train
from taskaff.stages.probe.evaluate_stacked import train_stacked
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data

TASKS = [
    task("two", 120, c=2, seed=1),
    task("five", 300, c=5, seed=2),
    task("labels", 150, c=3, kind="multilabel", seed=3),
    task("numbers", 90, c=2, kind="regression", seed=4),
    task("few", 40, c=2, seed=5),
]


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu")


def slot(data, number, tested=True, weight=1.0, stream=None):
    n = TASKS[number].rows
    rows = np.random.default_rng(number).permutation(n) + data.starts[number]
    cut, end = n // 2, 3 * n // 4
    return Slot(
        number,
        rows[:cut],
        rows[cut:end],
        rows[end:],
        stream=stream or f"task{number}",
        tested=tested,
        weight=weight,
    )


def mixed_runs(data, trunk="linear"):
    """Runs that differ in everything that may differ between neighbours."""
    s = [slot(data, i) for i in range(5)]
    base = Run(("",), 0, (s[0],), "trunk", trunk=trunk, r=4, updates=30, batch=16)
    stop = {"updates": 20, "patience": 1.5}
    return [
        replace(base, key=("alone",)),
        replace(base, key=("pair",), slots=(s[0], replace(s[1], tested=False))),
        replace(base, key=("three",), slots=(s[1], s[0], s[4]), r=3, seed=1, updates=17),
        replace(base, key=("decay",), slots=(s[0], s[1]), weight_decay=0.5, lr=0.03),
        replace(base, key=("labels",), slots=(s[2], s[0]), scale=0.5),
        replace(base, key=("numbers",), slots=(s[3], s[1], s[2]), updates=40, r=2),
        replace(base, key=("weights",), slots=(s[0], replace(s[1], weight=0.2))),
        replace(base, key=("equal",), slots=(s[4], s[1]), patience=1.5, epochs=3),
        replace(base, key=("stopped",), **stop),
        replace(base, key=("share",), slots=(s[4], replace(s[1], tested=False)), shares=(0.2, 0.8)),
        replace(base, key=("small",), slots=(s[0], replace(s[1], tested=False)), shares=(0.9, 0.1)),
        replace(base, key=("rare",), slots=(s[4], s[1], s[0]), shares=(0.1, 0.6, 0.3), **stop),
        replace(base, key=("leaves",), slots=(s[0], replace(s[1], tested=False)), source_until=0.5),
        replace(base, key=("frozen",), slots=(s[1],), frozen=frozenset({"trunk"})),
        replace(base, key=("head",), slots=(s[1],), frozen=frozenset({"heads"})),
        replace(base, key=("joint",), slots=(s[0], s[1]), together=True),
        replace(base, key=("joint3",), slots=(s[0], s[3], s[2]), together=True, **stop),
    ]


@pytest.mark.parametrize("trunk", ["linear", "relu", "mlp"])
def test_stacked_training_is_plain_training(data, trunk):
    """Against torch modules, autograd and torch.optim.AdamW, one run at a time."""
    runs = mixed_runs(data, trunk)
    for run, found in zip(runs, train(data, runs), strict=True):
        assert found.key == run.key
        for s, (curve, test_loss) in train_plainly(run, data).items():
            np.testing.assert_allclose(found.slots[s].curve[:, 1], curve, atol=1e-5, rtol=1e-5)
            assert found.slots[s].test_loss == pytest.approx(test_loss, abs=1e-5, rel=1e-5)
            assert found.slots[s].validation_loss == pytest.approx(curve.min(), abs=1e-5, rel=1e-5)


@pytest.mark.parametrize("trunk", ["linear", "mlp"])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_outcomes_do_not_depend_on_the_stacking(data, trunk, most):
    runs = mixed_runs(data, trunk)
    together = train(data, runs)
    turned = train(data, runs[::-1], chunk_runs=most)[::-1]
    for one, other in zip(together, turned, strict=True):
        for a, b in zip(one.slots, other.slots, strict=True):
            if a is None:
                assert b is None
                continue
            np.testing.assert_allclose(a.curve, b.curve, atol=1e-6, rtol=2e-6)
            assert a.test_loss == pytest.approx(b.test_loss, abs=2e-6)
            assert a.step == b.step
            assert a.metrics == pytest.approx(b.metrics, abs=1e-5)


def test_chunks_respect_the_memory(data):
    runs = mixed_runs(data)
    assert len(list(chunks(data, runs, memory=1, most=100))) == len(runs)
    groups = list(chunks(data, runs, memory=1 << 30, most=100))
    assert sorted(i for group in groups for i in group) == list(range(len(runs)))
    assert len(groups) < len(runs)


def test_the_state_returned_is_that_of_the_best_look(data):
    """Training on from a kept state with nothing moving gives the same held-out loss."""
    runs = [replace(run, keep_state=True) for run in mixed_runs(data)[:2]]
    for run, found in zip(runs, train(data, runs), strict=True):
        still = frozenset({"trunk", "heads"})
        again = train(data, [replace(run, initial=found.state, frozen=still, updates=1)])[0]
        assert again.slots[0].test_loss == pytest.approx(found.slots[0].test_loss, abs=1e-6)


def test_a_diverged_run_has_no_numbers_and_does_not_touch_its_neighbours(data):
    pair = mixed_runs(data)[5]
    wild = [replace(pair, lr=1e30, key=("wild",)), replace(pair, lr=1e6, key=("grown",))]
    alone = train(data, [pair])[0]
    found = train(data, [wild[0], pair, wild[1]])
    assert "infinite or not a number" in found[0].slots[0].diverged
    assert "grew" in found[2].slots[0].diverged
    assert np.isnan(found[0].slots[0].test_loss)
    assert all(np.isnan(v) for v in found[2].slots[0].metrics.values())
    assert found[1].slots[0].test_loss == pytest.approx(alone.slots[0].test_loss, abs=1e-6)


def test_runs_without_rows_are_refused(data):
    run = mixed_runs(data)[0]
    none = np.empty(0, np.int64)
    with pytest.raises(ProbeError, match="without training rows"):
        train(data, [replace(run, slots=(replace(run.slots[0], train=none),))])
    with pytest.raises(ProbeError, match="without held-out rows"):
        train(data, [replace(run, slots=(replace(run.slots[0], test=none),))])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_processor():
    runs = mixed_runs(make_training_data(TASKS, "cpu"))
    here, there = (
        train(make_training_data(TASKS, "cpu"), runs),
        train(make_training_data(TASKS, "cuda"), runs),
    )
    for one, other in zip(here, there, strict=True):
        assert one.slots[0].test_loss == pytest.approx(other.slots[0].test_loss, abs=1e-4)


@pytest.fixture
def torch_threads():
    """Torch's own number of threads is left as it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_outcomes_do_not_depend_on_the_number_of_workers(data, torch_threads, monkeypatch):
    monkeypatch.setattr("taskaff.stages.probe.engine.cores", lambda: 3)
    runs = mixed_runs(data)
    alone = train(data, runs, chunk_runs=5)
    torch_threads(3)
    seen = []
    beside = train(data, runs, chunk_runs=5, progress=lambda done, of: seen.append((done, of)))
    assert torch.get_num_threads() == 3
    for one, other in zip(alone, beside, strict=True):
        assert one.key == other.key
        for a, b in zip(one.slots, other.slots, strict=True):
            if a is not None:
                np.testing.assert_array_equal(a.curve, b.curve)
                np.testing.assert_array_equal(a.row_losses, b.row_losses)
                assert a.metrics == b.metrics
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (len(runs), len(runs))


def test_an_interrupt_ends_the_other_workers_too(data, torch_threads, monkeypatch):
    monkeypatch.setattr("taskaff.stages.probe.engine.cores", lambda: 2)
    ended = []

    def noted(chunk, *rest):
        try:
            return train_stacked(chunk, *rest)
        except CancelledError:
            ended.append(chunk.runs[0].key)
            raise

    def interrupted(done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr("taskaff.stages.probe.engine.train_stacked", noted)
    torch_threads(2)
    run = mixed_runs(data)[0]
    endless = replace(run, key=("endless",), updates=1 << 20, trunk="relu")
    with pytest.raises(KeyboardInterrupt):
        train(data, [run, endless], progress=interrupted)
    assert ended == [("endless",)]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("runs", "chunks"), [(1, 1), (127, 1), (300, 2), (512, 4), (1200, 4), (5000, 10)]
)
def test_a_processor_has_even_chunks_to_share_out(runs, chunks):
    assert -(-runs // _cpu_chunk(runs)) == chunks
