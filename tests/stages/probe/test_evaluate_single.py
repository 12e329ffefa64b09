"""One run judged by itself: the same numbers as the stacked engine gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from stages.probe._zoo import PlainModel, decoupled, task

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.evaluate_single import Evaluator, SlotLabels, train_single
from taskaff.stages.probe.evaluation import require_rows
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.schedule import DENSE, Schedule
from taskaff.stages.probe.training_data import make_training_data

TASKS = [
    task("two", 120, c=2, seed=1),
    task("labels", 150, c=3, kind="multilabel", seed=3),
    task("numbers", 90, c=2, kind="regression", seed=4),
]


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu")


def slot(data, number, **more):
    rows = np.random.default_rng(number).permutation(TASKS[number].rows) + data.starts[number]
    cut, end = len(rows) // 2, 3 * len(rows) // 4
    return Slot(number, rows[:cut], rows[cut:end], rows[end:], f"task{number}", **more)


class Plain:
    """A plain torch model of a run, as a judge sees it."""

    def __init__(self, data, run):
        self.data, self.run, self.t = data, run, 0
        self.model = PlainModel(run, data)
        self.s = [torch.zeros((), requires_grad=True) for _ in run.slots]
        self.optimisers = decoupled(self.model, run)
        if run.uncertain:
            self.optimisers.append(torch.optim.Adam(self.s, lr=run.lr))
        self.schedule = Schedule(run)
        self.batches = self.schedule.updates()
        self.labels = [SlotLabels(data, slot) for slot in run.slots]

    def update(self):
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        for s, rows, labelled in next(self.batches):
            out = self.model(self.data.X[torch.from_numpy(rows)], s)
            learned = self.s[s] if self.run.uncertain else None
            self.labels[s].objective(out, labelled, learned).backward()
        for optimiser in self.optimisers:
            optimiser.step()
        self.t += 1

    @torch.no_grad()
    def outputs(self, s, rows):
        return self.model(self.data.X[torch.from_numpy(rows)], s)

    def snapshot(self, s):
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def restore(self, s, kept):
        self.model.load_state_dict(kept)

    def state(self):
        found = self.model.parts.items()
        return {name: value.detach().numpy().copy() for name, value in found}

    def loss_weights(self):
        return tuple(float(torch.exp(-s.detach())) for s in self.s) if self.run.uncertain else ()


def runs(data):
    a, b, c = (slot(data, i) for i in range(3))
    base = Run(("alone",), 0, (a,), "trunk", r=3, updates=40, batch=16)
    turned = replace(b, tested=False, labels=b.train[::-1].copy())
    return [
        base,
        replace(base, key=("pair",), slots=(a, turned), keep_state=True),
        replace(base, key=("kinds",), slots=(c, b, replace(a, weight=0.3)), seed=2, updates=60),
        replace(base, key=("joint",), slots=(a, c), together=True),
        replace(base, key=("learned",), slots=(b, c, a), uncertain=True, lr=0.03),
        replace(base, key=("stops",), slots=(a, turned), updates=20, patience=1.5),
        replace(base, key=("wild",), lr=1e30),
    ]


def test_a_run_judged_by_itself_is_a_run_of_a_stack(data):
    for run, want in zip(runs(data), train(data, runs(data)), strict=True):
        found = train_single(data, run, Plain(data, run))
        assert found.key == want.key
        assert found.weights == pytest.approx(want.weights, rel=1e-4)
        for one, other in zip(found.slots, want.slots, strict=True):
            assert (one is None) == (other is None)
            if one is None:
                continue
            np.testing.assert_allclose(one.curve, other.curve, rtol=1e-4)
            assert one.diverged == other.diverged
            assert one.step == other.step
            assert one.test_loss == pytest.approx(other.test_loss, rel=1e-4, nan_ok=True)
            assert one.metrics == pytest.approx(other.metrics, abs=1e-3, nan_ok=True)
        for name, value in (want.state or {}).items():
            np.testing.assert_allclose(found.state[name], value, atol=1e-4)


def test_the_batches_of_a_run_are_those_of_its_epochs(data):
    run = replace(runs(data)[2], updates=17)
    seen = [[] for _ in run.slots]
    for update in islice(Schedule(run).updates(), 17):
        ((s, rows, labelled),) = update
        assert rows is labelled or (rows == labelled).all()
        seen[s].extend(rows.tolist())
    for slot_, rows in zip(run.slots, seen, strict=True):
        first = rows[: len(slot_.train)]
        assert len(set(first)) == len(first)
        assert set(first) <= set(slot_.train.tolist())


def test_every_slot_is_tested_at_its_own_best_weights(data):
    """A model that gets worse from look to look is tested at its first look."""
    run = runs(data)[0]

    class Worse(Plain):
        def update(self):
            super().update()
            with torch.no_grad():
                self.model.parts["A0"].neg_().mul_(1.02)

    model = Worse(data, run)
    evaluator = Evaluator(data, run, model.schedule, DENSE)
    for rounds in evaluator.rounds():
        while model.t < model.schedule.total(rounds):
            model.update()
        evaluator.evaluate(model, rounds)
    found = evaluator.outcome(model).slots[0]
    assert found.step == found.curve[found.curve[:, 1].argmin(), 0]
    assert found.validation_loss == found.curve[:, 1].min()
    again = model.outputs(0, run.slots[0].test)
    loss = float(evaluator.labels[0].loss(again, run.slots[0].test))
    assert loss == pytest.approx(found.test_loss, abs=1e-6)


def test_runs_without_rows_are_refused(data):
    run, none = runs(data)[0], np.empty(0, np.int64)
    with pytest.raises(ProbeError, match="without training rows"):
        require_rows(replace(run, slots=(replace(run.slots[0], train=none),)))
    with pytest.raises(ProbeError, match="without held-out rows"):
        require_rows(replace(run, slots=(replace(run.slots[0], validation=none),)))
