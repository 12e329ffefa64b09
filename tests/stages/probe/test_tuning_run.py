"""Fine-tuned transformers: each run equals a plain torch loop, and depends on itself alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import tiny_bert
import torch
from torch.nn import functional

from taskaff.core.errors import ProbeError
from taskaff.stages.probe import align
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.schedule import Schedule
from taskaff.stages.probe.seeding import stream
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.tuning import HEAD_RATE, rate
from taskaff.stages.probe.tuning.body import Body
from taskaff.stages.probe.tuning.engine import inputs, train_transformers
from taskaff.stages.probe.tuning.tuned import Tuned

LAYER = tiny_bert.layer()
TASKS = [
    tiny_bert.task("two", 90, seed=1, where=LAYER),
    tiny_bert.task("pairs", 80, c=3, seed=2, pairs=True, where=LAYER),
    tiny_bert.task("labels", 70, c=3, kind="multilabel", seed=3, where=LAYER),
    tiny_bert.task("numbers", 60, kind="regression", seed=4, where=LAYER),
]


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu", tokens=True)


def slot(data, number, **more):
    rows = np.random.default_rng(number).permutation(TASKS[number].rows) + data.starts[number]
    cut, end = len(rows) // 2, 3 * len(rows) // 4
    return Slot(number, rows[:cut], rows[cut:end], rows[end:], f"task{number}", **more)


def make_run(data, *numbers, trunk="transformer", **more):
    slots = tuple(slot(data, i, tested=k == 0) for k, i in enumerate(numbers))
    settings = {"updates": 12, "batch": 8, "lr": 2e-3, "lr_align": 3e-3, "weight_decay": 0.1}
    return Run(("x",), 0, slots, "shared", trunk=trunk, **(settings | more))


def train_one(data, run, **more):
    return train_transformers(data, [run], **more)[0]


# ------------------------------------------------------------------- oracle


class Plain:
    """The run as anyone would write it, on padded batches made by hand."""

    def __init__(self, data, run):
        self.data, self.run = data, run
        self.frozen = run.trunk == "transformer-frozen"
        self.bert = tiny_bert.model()
        self.heads, self.R, self.s = [], [], []
        for k, one in enumerate(run.slots):
            c = data.widths[one.task]
            A = stream(run.seed, "A", one.stream).uniform(-1, 1, (17, c)) / 4
            A[-1] = 0
            self.heads.append(
                [torch.tensor(p, dtype=torch.float32).requires_grad_() for p in (A[:-1], A[-1])]
            )
            state = {f"{n}{k}": np.zeros(shape) for n, shape in self.shapes().items()}
            if "U" in self.shapes():
                U = stream(run.seed, "U", one.stream).uniform(-1, 1, self.shapes()["U"]) / 4
                state[f"U{k}"] = U
            parts = {n: torch.tensor(v, dtype=torch.float32) for n, v in state.items()}
            self.R.append({n[0]: v.requires_grad_() for n, v in parts.items()})
            self.s.append(torch.zeros((), requires_grad=True))

    def shapes(self):
        return align.shapes(self.run.align, 16, self.run.align_rank)

    def forward(self, k, row):
        """One row at a time: no padding, no mask."""
        task = max(i for i, start in enumerate(self.data.starts) if start <= row)
        tokens, at = TASKS[task].tokens, row - self.data.starts[task]
        here = slice(tokens.starts[at], tokens.starts[at + 1])
        ids = torch.from_numpy(tokens.ids[here].astype(np.int64))[None]
        types = torch.zeros_like(ids)
        if tokens.types is not None:
            types = torch.from_numpy(tokens.types[here].astype(np.int64))[None]
        E = self.bert.embeddings(input_ids=ids, token_type_ids=types)
        if self.run.align:
            E = E @ self.matrix(k)
        z = self.bert.encoder(E).last_hidden_state.mean(1)
        return z @ self.heads[k][0] + self.heads[k][1]

    def matrix(self, k):
        parts, unit = self.R[k], torch.eye(16)
        if self.run.align == "full":
            return unit + parts["E"]
        if self.run.align == "low-rank":
            return unit + parts["U"] @ parts["V"].T
        S = parts["W"] - parts["W"].T
        return torch.linalg.inv(unit + S) @ (unit - S)

    def loss(self, k, rows):
        one, out = self.run.slots[k], torch.cat([self.forward(k, row) for row in rows])
        kind, c = self.data.kinds[one.task], self.data.widths[one.task]
        if kind == 0:
            return functional.cross_entropy(out, self.data.codes[rows])
        Y = self.data.values[rows][:, :c]
        if kind == 1:
            return functional.binary_cross_entropy_with_logits(out, Y)
        train = self.data.values[one.train][:, :c]
        return functional.mse_loss(out, (Y - train.mean(0)) / train.std(0, correction=0))

    def objective(self, k, rows):
        loss = self.run.slots[k].weight * self.loss(k, rows)
        if not self.run.uncertain:
            return loss
        half = 0.5 if self.data.kinds[self.run.slots[k].task] == 2 else 1.0
        return half * torch.exp(-self.s[k]) * loss + self.s[k] / 2

    def train(self):
        run = self.run
        body = [] if self.frozen else list(self.bert.parameters())
        groups = []
        for factor, weights in (
            (HEAD_RATE, [p for head in self.heads for p in head] + self.s),
            (1.0, body),
        ):
            for matrices in (True, False):
                own = [p for p in weights if (p.ndim > 1) == matrices]
                decay = run.weight_decay * matrices
                groups.append({"params": own, "rate": factor * run.lr, "weight_decay": decay})
        turns = [p for parts in self.R for p in parts.values()]
        optimisers = [torch.optim.AdamW([g for g in groups if g["params"]])]
        if turns:
            group = {"params": turns, "rate": run.lr_align, "weight_decay": run.weight_decay}
            optimisers.append(torch.optim.AdamW([group]))
        everything = [*self.bert.parameters(), *groups[0]["params"], *groups[1]["params"], *turns]
        schedule = Schedule(run)
        last = schedule.total(run.updates)
        for t, batch in enumerate(islice(schedule.updates(), last)):
            for optimiser in optimisers:
                for p in everything:
                    p.grad = None
                sum(self.objective(k, rows) for k, rows, _ in batch).backward()
                for group in optimiser.param_groups:
                    group["lr"] = group["rate"] * rate(t, last, falls=True)
                own = [p for g in optimiser.param_groups for p in g["params"]]
                torch.nn.utils.clip_grad_norm_([p for p in own if p.grad is not None], 1.0)
                optimiser.step()
        with torch.no_grad():
            return float(self.loss(0, run.slots[0].validation))


CASES = [
    ((0, 1), {}),
    ((3,), {}),
    ((2, 3), {"uncertain": True, "lr": 1e-2}),
    ((0, 1), {"align": "full"}),
    ((1, 0), {"trunk": "transformer-frozen", "align": "full"}),
    ((0, 1), {"trunk": "transformer-frozen", "align": "orthogonal", "shares": (0.3, 0.7)}),
    ((0,), {"trunk": "transformer-frozen", "align": "low-rank", "align_rank": 3}),
    ((1,), {"trunk": "transformer-frozen"}),
]


@pytest.mark.parametrize(("tasks", "more"), CASES, ids=str)
def test_a_run_is_a_plain_loop_row_by_row(data, tasks, more):
    run = make_run(data, *tasks, **more)
    found = train_one(data, run).slots[0].curve[-1]
    assert found[0] == run.updates
    torch.manual_seed(0)  # nothing may depend on it
    assert found[1] == pytest.approx(Plain(data, run).train(), rel=2e-4)


def test_joint_sampling_sums_the_losses_of_all_tasks(data):
    """The same rows for two tasks: a batch of each in every update."""
    first = slot(data, 0)
    other = replace(first, tested=False, weight=0.5)
    run = replace(make_run(data, 0), slots=(first, other), together=True)
    found = train_one(data, run).slots[0].curve[-1, 1]
    assert found == pytest.approx(Plain(data, run).train(), rel=2e-4)


# -------------------------------------------------------------- what moves


def test_a_frozen_body_stands_still(data):
    run = make_run(data, 0, trunk="transformer-frozen", align="full", keep_state=True)
    body = Body(data.tokens, torch.device("cpu"))
    model = Tuned(data, run, body, 1 << 30)
    model.update()
    assert all(torch.equal(body.weights[name], p) for name, p in body.pristine.items())
    assert set(model.state()) == {"A0", "E0"}


def test_everything_moves_without_freezing_and_the_body_returns(data):
    body = Body(data.tokens, torch.device("cpu"))
    model = Tuned(data, make_run(data, 0), body, 1 << 30)
    model.update()
    assert not any(torch.equal(body.weights[name], p) for name, p in body.pristine.items())
    body.start({})
    assert all(torch.equal(body.weights[name], p) for name, p in body.pristine.items())


def test_r_starts_at_the_identity_and_moves(data):
    run = make_run(data, 0, trunk="transformer-frozen", keep_state=True)
    plain = train_one(data, run)
    still = train_one(data, replace(run, align="full", lr_align=0.0))
    assert still.slots[0].curve[:, 1] == pytest.approx(plain.slots[0].curve[:, 1], rel=1e-4)
    assert not still.state["E0"].any()
    moved = train_one(data, replace(run, align="full", lr_align=1e-2))
    assert np.abs(moved.state["E0"]).max() > 1e-3
    assert moved.slots[0].curve[-1, 1] != pytest.approx(plain.slots[0].curve[-1, 1], rel=1e-3)


def test_frozen_heads_and_a_frozen_body_change_nothing(data):
    run = make_run(data, 0, frozen=frozenset({"trunk", "heads"}))
    curve = train_one(data, run).slots[0].curve[:, 1]
    assert (curve == curve[0]).all()


def test_a_state_is_where_another_run_starts(data):
    """Transfer and the stage of alignment: the look before the first update finds it again."""
    source = train_one(data, make_run(data, 0, keep_state=True))
    on = make_run(data, 0, initial=source.state, align="full", frozen=frozenset({"trunk"}))
    again = train_one(data, replace(on, keep_state=True))
    start = again.slots[0].curve[0]
    assert start[0] == 0
    assert start[1] == pytest.approx(source.slots[0].validation_loss, rel=1e-5)
    name = "body.model.encoder.layer.0.output.dense.weight"
    assert np.array_equal(again.state[name], source.state[name])
    shared = {n: v for n, v in source.state.items() if n.startswith("body.")}
    fresh = train_one(data, make_run(data, 0, initial=shared))
    assert fresh.slots[0].curve[0, 1] != pytest.approx(start[1], rel=1e-3)  # a new head


def test_kept_states_lie_in_files_and_best_weights_in_memory_as_far_as_it_reaches(data):
    run = make_run(data, 0, 1, keep_state=True)
    state = train_one(data, run).state
    big = state["body.model.embeddings.word_embeddings.weight"]
    assert isinstance(big, np.memmap)
    body = Body(data.tokens, torch.device("cpu"))
    for memory, on_disk in ((1 << 30, False), (1000, True)):
        model = Tuned(data, replace(run, keep_state=False), body, memory)
        _, copies = model.snapshot(0)
        assert model.snapshot(1)[1] is copies  # one copy for all slots
        assert all(isinstance(copy, np.memmap) == on_disk for copy in copies.values())
        model.update()
        model.restore(0, (model.parts[0].weights(), copies))
        assert all(np.array_equal(p.detach(), copies[n]) for n, p in body.weights.items())


def test_a_full_disk_is_an_error_and_not_a_crash(data, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(ProbeError, match="no room for a copy") as found:
        train_one(data, make_run(data, 0, keep_state=True))
    assert "TMPDIR" in found.value.hint


# ------------------------------------------------------------- independence


def test_an_outcome_depends_on_the_run_alone(data):
    runs = [
        make_run(data, 0, 1),
        make_run(data, 1, trunk="transformer-frozen"),
        make_run(data, 2, align="full"),
        make_run(data, 1, 3, trunk="transformer-frozen", align="full"),
    ]
    kept, seen = {}, []
    together = train_transformers(
        data, runs, progress=lambda *at: seen.append(at), keep=kept.__setitem__
    )
    assert seen == [(i, 4) for i in (1, 2, 3, 4)]
    small = make_training_data(TASKS[1:], "cpu", tokens=True)
    for number, (run, found) in enumerate(zip(runs, together, strict=True)):
        alone = train_one(data, run)
        assert kept[number] is found
        assert np.array_equal(alone.slots[0].curve, found.slots[0].curve)
        assert alone.slots[0].metrics == found.slots[0].metrics
    other = train_one(small, _moved(runs[1], TASKS[0].rows))
    assert np.array_equal(other.slots[0].curve, together[1].slots[0].curve)


def _moved(run, rows):
    """The run in training data that lacks the first task."""
    slots = tuple(
        replace(
            s,
            task=s.task - 1,
            train=s.train - rows,
            validation=s.validation - rows,
            test=s.test - rows,
        )
        for s in run.slots
    )
    return replace(run, slots=slots)


def test_several_workers_give_what_one_gives(data):
    runs = [replace(make_run(data, i % 3), seed=i) for i in range(5)]
    one = train_transformers(data, runs)
    two = train_transformers(replace(data, devices=("cpu", "cpu")), runs)
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.slots[0].curve, b.slots[0].curve)
        assert a.slots[0].test_loss == b.slots[0].test_loss


def test_a_worker_that_fails_ends_all(data):
    runs = [make_run(data, 0), replace(make_run(data, 0), align="no such form")]
    with pytest.raises(KeyError):
        train_transformers(replace(data, devices=("cpu", "cpu")), runs)


def test_padding_does_not_change_a_row(data):
    body = Body(data.tokens, torch.device("cpu"))
    rows = np.arange(150)
    whole = body.sweep(rows, None)
    body.budget = 20
    parts = body.sweep(rows, None)
    assert torch.allclose(whole, parts, atol=1e-5)
    assert torch.allclose(body.pooled(rows[7:8], None), whole[7:8], atol=1e-5)
    assert not torch.allclose(whole[7], whole[8], atol=1e-2)


# ------------------------------------------------------------------- memory


class Tight:
    """A layer whose device has room for few tokens at once."""

    def __init__(self, room):
        self.room, self.fell = room, 0

    def load(self):
        module = tiny_bert.layer().load()
        whole = module.forward

        def forward(ids, mask, types, align=None):
            if ids.numel() > self.room:
                self.fell += 1
                raise torch.OutOfMemoryError("out of memory")
            return whole(ids, mask, types, align)

        module.forward = forward
        return module


@pytest.mark.parametrize(
    "more", [{}, {"trunk": "transformer-frozen", "align": "full"}, {"align": "full"}], ids=str
)
def test_what_does_not_fit_is_done_in_parts(data, more):
    run = make_run(data, 0, 1, **more)
    tight = Tight(40)
    layer = replace(LAYER, load=tight.load)
    tokens = replace(data.tokens, layer=layer)
    found = train_one(replace(data, tokens=tokens), run)
    assert 0 < tight.fell < 40  # it learns the size, and does not fall again at every batch
    want = train_one(data, run)
    assert found.slots[0].curve == pytest.approx(want.slots[0].curve, rel=1e-4)


def test_one_row_that_does_not_fit_is_an_error(data):
    tokens = replace(data.tokens, layer=replace(LAYER, load=Tight(2).load))
    with pytest.raises(ProbeError, match="one row at a time") as found:
        train_one(replace(data, tokens=tokens), make_run(data, 0))
    assert found.value.hint


def test_other_errors_of_the_model_are_not_taken_for_memory(data):
    def broken():
        module = tiny_bert.layer().load()
        module.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
        return module

    tokens = replace(data.tokens, layer=replace(LAYER, load=broken))
    with pytest.raises(RuntimeError, match="no"):
        train_one(replace(data, tokens=tokens), make_run(data, 0))


# ------------------------------------------------------------------- others


def test_vectors_alone_are_refused(data):
    with pytest.raises(ProbeError, match="only vectors") as found:
        train_one(replace(data, tokens=None), make_run(data, 0))
    assert "--encoder" in found.value.hint


def test_words_have_no_layers_to_tune(data):
    tokens = replace(data.tokens, layer=replace(LAYER, load=None, id="glove"))
    with pytest.raises(ProbeError, match="glove has no layers"):
        train_one(replace(data, tokens=tokens), make_run(data, 0))


def test_inputs_are_means_of_what_r_multiplies(data):
    run = make_run(data, 1, align="full", keep_state=True)
    state = train_one(data, run).state
    rows = slot(data, 1).test
    before, after = inputs(data, run, {}, rows), inputs(data, run, state, rows)
    assert before.shape == (len(rows), 16)
    assert before.dtype == np.float64
    assert np.abs(before - after).max() > 1e-3  # the body moved
    tokens, at = TASKS[1].tokens, rows[3] - data.starts[1]
    here = slice(tokens.starts[at], tokens.starts[at + 1])
    ids, types = (
        torch.from_numpy(a[here].astype(np.int64))[None] for a in (tokens.ids, tokens.types)
    )
    E = tiny_bert.model().embeddings(input_ids=ids, token_type_ids=types)
    assert before[3] == pytest.approx(E[0].mean(0).detach().numpy(), abs=1e-6)


def test_learned_weights_of_the_losses_are_returned(data):
    run = make_run(data, 0, 3, uncertain=True, lr=5e-3, updates=30)
    weights = train_one(data, run).weights
    assert len(weights) == 2
    assert all(w > 0 and w != 1.0 for w in weights)
    assert train_one(data, make_run(data, 0)).weights == ()


def test_a_tiny_model_learns_which_words_count(data):
    task = tiny_bert.task("more", 400, seed=9, where=LAYER)
    whole = make_training_data([task], "cpu", tokens=True)
    rows = np.arange(400)
    one = Slot(0, rows[:240], rows[240:300], rows[300:], "more")
    run = Run(("x",), 0, (one,), "s", trunk="transformer", updates=150, batch=16, lr=3e-3)
    assert train_one(whole, run).slots[0].metrics["accuracy"] > 0.8


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 99, 1200])
def test_rates_rise_and_fall_where_the_number_of_updates_is_fixed(steps):
    rates = [rate(t, steps, falls=True) for t in range(steps)]
    top = int(np.argmax(rates))
    assert max(rates) == 1.0
    assert all(0 < r <= 1 for r in rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert {rate(t, steps, falls=False) for t in range(top, 2 * steps)} == {1.0}


@pytest.mark.gpu
@pytest.mark.parametrize("align_form", ["", "full"])
def test_a_gpu_in_bfloat16_is_close_to_the_processor(data, align_form):
    """Weights stay in float32; only matrix products lose digits."""
    run = make_run(data, 0, 1, align=align_form)
    want = train_one(data, run).slots[0].curve
    found = train_one(make_training_data(TASKS, "cuda", tokens=True), run).slots[0].curve
    assert found == pytest.approx(want, rel=0.05)
