from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stages.probe._zoo import PlainModel, plain_loop, plain_loss, task

from taskaff.core.errors import ProbeError
from taskaff.core.settings import ProbeSettings
from taskaff.core.svd_weights import svd_weights
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.pairs import plan_pairs, probe_pairs
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.weighting import weigh

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=40,
    source_rows=120,
    seeds=(0, 1),
    weight_decay=(0.0,),
)
TASKS = [
    task("two", 120, c=2, seed=1),
    task("labels", 150, c=3, kind="multilabel", seed=3),
    task("numbers", 90, c=2, kind="regression", seed=4),
]


def twins(noise):
    """Tasks on the same inputs: two with one rule, one with another label for a share of rows."""
    rng = np.random.default_rng(0)
    first = task("a", 300, d=10)
    flipped = np.where(rng.random(300) < noise, rng.integers(0, 2, 300), first.labels)
    return [
        first,
        replace(first, name="b", labels=first.labels.copy()),
        replace(first, name="c", labels=flipped),
    ]


def test_proportional_weights_follow_the_rows_and_average_one():
    tasks = [task("a", 200), task("b", 400, seed=1)]
    prepared = prepare(tasks, replace(QUICK, weights="proportional"))
    runs = [run for run in plan_pairs(prepared, [(1, 0)]).runs if run.key[0] == "mtl"]
    assert len(runs) == 2
    for run in runs:
        rows = [len(slot.train) for slot in run.slots]
        weights = [slot.weight for slot in run.slots]
        assert rows == [40, 120]
        assert weights == pytest.approx([0.5, 1.5])


def test_weights_change_nothing_in_the_arm_alone_and_stand_in_the_result():
    tasks = [task("a", 200), task("b", 400, seed=1)]
    plain = probe_pairs(tasks, QUICK, wanted=[(1, 0)])
    for rule in ("proportional", "uncertainty"):
        found = probe_pairs(tasks, replace(QUICK, weights=rule), wanted=[(1, 0)])
        assert list(found.weights) == ["b + a"]
        assert np.mean(list(found.weights["b + a"].values())) == pytest.approx(1.0)
        assert found.pairs[0].stl_loss == pytest.approx(plain.pairs[0].stl_loss, abs=1e-6)
        assert found.pairs[0].seeds[0].mtl_loss != plain.pairs[0].seeds[0].mtl_loss
    assert plain.weights == {}


def test_algorithm_2_weighs_noise_down():
    settings = replace(QUICK, weights="svd", target_rows=200)
    weights = probe_pairs(twins(0.0), settings, wanted=[(1, 0)]).weights["b + a"]
    assert weights["a"] == pytest.approx(1.0, abs=1e-6)
    # of the three, the noisy one is weighed least
    prepared = prepare(twins(1.0), replace(settings, recipes=("together",)))
    slots = tuple(prepared.target_slot(i, 0) for i in range(3))
    found = [slot.weight for slot in weigh(prepared, slots)]
    assert found[2] < 0.7 < found[0]
    assert found[0] == pytest.approx(found[1])
    assert np.mean(found) == pytest.approx(1.0)


def test_the_printed_form_of_algorithm_2_weighs_by_size():
    """Of two tasks the normalised form weighs both alike; the printed one does not."""
    a, _, c = twins(0.3)
    settings = replace(QUICK, target_rows=200, weights="svd")
    alike = probe_pairs([a, c], settings, wanted=[(1, 0)]).weights["c + a"]
    assert alike["a"] == pytest.approx(alike["c"])
    prepared = prepare([a, c], replace(settings, weights="svd-printed", recipes=("together",)))
    slot = prepared.target_slot(0, 0)
    other = replace(slot, task=1, train=slot.train + prepared.data.starts[1])
    found = [s.weight for s in weigh(prepared, (slot, other))]
    rows = slot.train - prepared.data.starts[0]
    X, labels = a.X[rows].astype(float), (a.labels[rows], c.labels[rows])
    thetas = [X.T @ np.eye(2)[y] for y in labels]
    expected, _ = svd_weights(thetas, normalise=False)
    assert found == pytest.approx(expected / expected.mean())
    assert found[0] != pytest.approx(found[1])


def test_algorithm_2_refuses_different_inputs():
    tasks = [task("a", 200), task("b", 400, seed=1)]
    with pytest.raises(ProbeError, match="Algorithm 2 needs the same inputs") as error:
        probe_pairs(tasks, replace(QUICK, weights="svd"))
    assert "--weights equal" in error.value.hint


# --------------------------------------------------------------- uncertainty


def slots(data):
    out = []
    for i, one in enumerate(TASKS):
        rows = np.random.default_rng(i).permutation(one.rows) + data.starts[i]
        cut, end = one.rows // 2, 3 * one.rows // 4
        out.append(Slot(i, rows[:cut], rows[cut:end], rows[end:], f"task{i}"))
    return out


def learn_plainly(run, data):
    """Kendall's loss with autograd, one slot an update."""
    model = PlainModel(run, data)
    p = dict(model.parts)
    trunk = torch.optim.AdamW([v for n, v in p.items() if n == "B"], run.lr, weight_decay=0.0)
    rest = torch.optim.AdamW([v for n, v in p.items() if n != "B"], run.lr, weight_decay=0.0)

    def update(batch):
        ((s, rows, _),) = batch
        slot, rows = run.slots[s], torch.from_numpy(rows)
        loss = plain_loss(data, slot, model(data.X[rows], s), rows)
        half = 0.5 if data.kinds[slot.task] == 2 else 1.0
        log_variance = p[f"s{s}"].squeeze()
        for optimiser in (trunk, rest):
            optimiser.zero_grad(set_to_none=True)
        (half * torch.exp(-log_variance) * loss + log_variance / 2).backward()
        for optimiser in (trunk, rest):
            optimiser.step()

    @torch.no_grad()
    def held_out(s, rows):
        rows = torch.from_numpy(rows)
        return float(plain_loss(data, run.slots[s], model(data.X[rows], s), rows))

    curve = plain_loop(run, update, held_out)[0][0]
    return curve, [float(torch.exp(-p[f"s{s}"].detach())) for s in range(len(run.slots))]


def test_learned_weights_are_those_of_autograd_whatever_the_stacking():
    data = make_training_data(TASKS, "cpu")
    two, labels, numbers = slots(data)
    base = Run((1,), 0, (two, labels, numbers), "trunk", r=3, updates=60, batch=16, uncertain=True)
    runs = [
        base,
        replace(base, key=(2,), slots=(numbers, two), lr=0.03, seed=1),
        replace(base, key=(3,), slots=(labels, two), updates=50, r=2),
        replace(base, key=(4,), slots=(labels, two), uncertain=False),
    ]
    found = train(data, runs)
    for run, outcome in zip(runs[:3], found, strict=False):
        curve, weights = learn_plainly(run, data)
        np.testing.assert_allclose(outcome.slots[0].curve[:, 1], curve, atol=1e-5, rtol=1e-5)
        assert outcome.weights == pytest.approx(weights, rel=1e-5)
        assert max(weights) > min(weights) + 0.01
    assert found[3].weights == ()
    for one, other in zip(found, train(data, runs[::-1], chunk_runs=1)[::-1], strict=True):
        assert one.weights == pytest.approx(other.weights, rel=1e-5)
