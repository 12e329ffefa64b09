from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stages.probe._zoo import plain_loop, plain_loss, task

from taskaff.core.errors import UsageError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import align
from taskaff.stages.probe.engine import chunks, train
from taskaff.stages.probe.model import initial_state
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data

FORMS = ("full", "low-rank", "orthogonal")
TASKS = [
    task("two", 120, c=2, seed=1),
    task("five", 300, c=5, seed=2),
    task("labels", 150, c=3, kind="multilabel", seed=3),
    task("numbers", 90, c=2, kind="regression", seed=4),
]


@pytest.fixture(scope="module")
def data():
    return make_training_data(TASKS, "cpu")


def slot(data, number, **changes):
    n = TASKS[number].rows
    rows = np.random.default_rng(number).permutation(n) + data.starts[number]
    cut, end = n // 2, 3 * n // 4
    return Slot(number, rows[:cut], rows[cut:end], rows[end:], f"task{number}", **changes)


def aligned_runs(data, form, trunk="linear"):
    s = [slot(data, i) for i in range(4)]
    base = Run(
        ("",), 0, (s[0],), "trunk", trunk=trunk, r=4, updates=40, batch=16,
        align=form, align_rank=2, lr_align=0.02, keep_state=True,
    )  # fmt: skip
    still = frozenset({"trunk"})
    return [
        replace(base, key=("alone",)),
        replace(base, key=("pair",), slots=(s[0], replace(s[1], tested=False)), scale=0.5),
        replace(base, key=("fixed",), slots=(s[1], s[0]), frozen=still, seed=1, updates=33),
        replace(base, key=("decay",), slots=(s[0], s[1]), weight_decay=0.5, r=3),
        replace(base, key=("kinds",), slots=(s[3], s[1], s[2]), shares=(0.2, 0.5, 0.3)),
        replace(base, key=("weights",), slots=(s[0], replace(s[1], weight=0.2))),
        replace(base, key=("joint",), slots=(s[0], s[1]), together=True),
        replace(base, key=("joint fixed",), slots=(s[0], s[3]), together=True, frozen=still),
    ]


# ------------------------------------------------- one run, written plainly


def rotation(form, p, s):
    """``R`` as the page defines it."""
    if form == "full":
        return torch.eye(len(p[f"E{s}"])) + p[f"E{s}"]
    if form == "low-rank":
        return torch.eye(len(p[f"U{s}"])) + p[f"U{s}"] @ p[f"V{s}"].T
    S = p[f"W{s}"] - p[f"W{s}"].T
    return torch.linalg.inv(torch.eye(len(S)) + S) @ (torch.eye(len(S)) - S)


def output(run, p, x, s):
    z = (x * run.scale) @ rotation(run.align, p, s) @ p["B"]
    if run.trunk != "linear":
        z = torch.relu(z + p["b"])
    if run.trunk == "mlp":
        z = torch.relu(z @ p["B2"] + p["b2"])
    return z @ p[f"A{s}"][:-1] + p[f"A{s}"][-1]


class Group:
    """AdamW of some parameters; only those with a gradient move; biases are not decayed."""

    def __init__(self, p, names, lr, decay):
        self.p, self.names, self.factor = p, names, 1 - lr * decay
        self.adam = torch.optim.AdamW([p[n] for n in names], lr=lr, weight_decay=0.0)

    def step(self, loss):
        for value in self.p.values():
            value.grad = None
        loss.backward(retain_graph=True)
        self.move()

    def move(self):
        with torch.no_grad():
            for name in self.names:
                if self.p[name].grad is not None and name not in ("b", "b2"):
                    value = self.p[name]
                    (value[:-1] if name[0] == "A" else value).mul_(self.factor)
        self.adam.step()


@torch.no_grad()
def held_out(run, data, p, s, rows):
    rows = torch.from_numpy(rows)
    return float(plain_loss(data, run.slots[s], output(run, p, data.X[rows], s), rows))


def train_plainly(run, data):
    """Algorithm 1, step 2, with autograd and one slot at a time; see ``_zoo.train_plainly``."""
    state = initial_state(run, data.d, tuple(data.widths[s.task] for s in run.slots))
    p = {name: torch.nn.Parameter(torch.from_numpy(value.copy())) for name, value in state.items()}
    trunk = [n for n in p if n in ("B", "b", "B2", "b2")]
    heads = [n for n in p if n[0] == "A"]
    turns = [n for n in p if n[0] in "EUVW"]
    groups = [Group(p, heads, run.lr, run.weight_decay)]
    if "trunk" not in run.frozen:
        groups.append(Group(p, trunk, run.lr, run.weight_decay))
    turning = Group(p, turns, run.lr_align, run.weight_decay)

    def update(batch):
        def loss():
            total = 0.0
            for s, rows, _ in batch:
                rows, one = torch.from_numpy(rows), run.slots[s]
                out = output(run, p, data.X[rows], s)
                total = total + one.weight * plain_loss(data, one, out, rows)
            return total

        for value in p.values():
            value.grad = None
        loss().backward()
        for group in groups:
            group.move()
        turning.step(loss())

    return plain_loop(run, update, lambda s, rows: held_out(run, data, p, s, rows))


# -------------------------------------------------------------------- tests


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_autograd(form):
    torch.manual_seed(0)
    m, d, r = 3, 5, 2
    shapes = align.shapes(form, d, 2)
    p = {n: torch.randn(m, *s, dtype=torch.float64).requires_grad_() for n, s in shapes.items()}
    B = torch.randn(m, d, r, dtype=torch.float64, requires_grad=True)
    M = torch.randn(m, d, r, dtype=torch.float64)
    (align.aligned(form, p, B) * M).sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(align.to_trunk(form, p, M), B.grad)
        for name, found in align.to_parts(form, p, B, M).items():
            torch.testing.assert_close(found, p[name].grad)


@pytest.mark.parametrize("trunk", ["linear", "mlp"])
@pytest.mark.parametrize("form", FORMS)
def test_stacked_training_is_plain_training(data, form, trunk):
    runs = aligned_runs(data, form, trunk)
    for run, found in zip(runs, train(data, runs), strict=True):
        for s, (curve, test_loss) in train_plainly(run, data).items():
            np.testing.assert_allclose(found.slots[s].curve[:, 1], curve, atol=2e-5, rtol=2e-5)
            assert found.slots[s].test_loss == pytest.approx(test_loss, abs=2e-5, rel=2e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [1, 3])
def test_outcomes_do_not_depend_on_the_stacking(data, form, most):
    runs = aligned_runs(data, form)
    plain = [replace(run, align="", key=("plain", *run.key)) for run in runs]
    together = train(data, runs + plain)
    apart = train(data, (runs + plain)[::-1], chunk_runs=most)[::-1]
    for one, other in zip(together, apart, strict=True):
        for a, b in zip(one.slots, other.slots, strict=True):
            if a is not None:
                np.testing.assert_allclose(a.curve, b.curve, atol=2e-6, rtol=5e-6)
        for name, value in one.state.items():
            np.testing.assert_allclose(value, other.state[name], atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_rate_of_zero_leaves_the_identity(data, form):
    runs = [replace(run, lr_align=0.0) for run in aligned_runs(data, form)]
    plain = train(data, [replace(run, align="") for run in runs])
    for run, found, other in zip(runs, train(data, runs), plain, strict=True):
        for s in range(len(run.slots)):
            np.testing.assert_array_equal(align.matrix(form, found.state, s), np.eye(data.d))
        assert found.slots[0].test_loss == pytest.approx(other.slots[0].test_loss, abs=2e-6)


def test_the_orthogonal_form_stays_orthogonal(data):
    for run, found in zip(
        aligned_runs(data, "orthogonal"), train(data, aligned_runs(data, "orthogonal")), strict=True
    ):
        for s in range(len(run.slots)):
            R = align.matrix("orthogonal", found.state, s)
            assert np.linalg.norm(R - np.eye(data.d)) > 0.01
            np.testing.assert_allclose(R @ R.T, np.eye(data.d), atol=1e-12)
            assert np.linalg.det(R) == pytest.approx(1.0)


def test_the_low_rank_form_has_that_rank(data):
    for found in train(data, aligned_runs(data, "low-rank")):
        assert np.linalg.matrix_rank(align.matrix("low-rank", found.state, 0) - np.eye(data.d)) == 2


@pytest.mark.parametrize("form", FORMS)
def test_the_kept_state_is_that_of_the_best_look_and_can_be_started_from(data, form):
    runs = [run for run in aligned_runs(data, form) if not run.together]
    for run, found in zip(runs, train(data, runs), strict=True):
        still = frozenset({"trunk", "heads"})
        again = replace(run, initial=found.state, frozen=still, lr_align=0.0, updates=3)
        outcome = train(data, [again])[0].slots[0]
        assert outcome.test_loss == pytest.approx(found.slots[0].test_loss, abs=2e-6)
        assert outcome.curve[0, 0] == 0
        assert outcome.curve[0, 1] == pytest.approx(found.slots[0].validation_loss, abs=2e-6)


def test_runs_of_several_widths_and_paces_share_a_chunk(data):
    """Those with more updates a round stand first."""
    short, long = aligned_runs(data, "full")[0], aligned_runs(data, "full")[2]
    runs = [replace(short, r=2, updates=5), replace(long, r=9, updates=50)]
    (together,) = chunks(data, runs, memory=1 << 30, most=100)
    assert together == [1, 0]
    for one, alone in zip(train(data, runs), (train(data, [run])[0] for run in runs), strict=True):
        np.testing.assert_allclose(one.slots[0].curve, alone.slots[0].curve, atol=2e-6, rtol=5e-6)


# --------------------------------------------------------------- pairs mode

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=40,
    source_rows=80,
    seeds=(0, 1, 2),
    weight_decay=(0.0, 0.3),
    align=True,
    align_lr=0.02,
)
PAIR = [task("a", 150, c=3, d=5), task("b", 200, d=5, seed=1)]


@pytest.mark.parametrize("form", FORMS)
def test_arms_and_reports_of_pairs_mode(form):
    settings = replace(QUICK, align_form=form, align_rank=2)
    result = probe_pairs(PAIR, settings)
    plain = probe_pairs(PAIR, replace(settings, align=False))
    assert result.runs == plain.runs + 3 * 2 * 2 * (2 + 2)
    for one, other in zip(result.pairs[:2], plain.pairs, strict=True):
        assert (one.arm, one.gain.mean) == ("mtl", pytest.approx(other.gain.mean, abs=2e-6))
    arms = [(p.source, p.target, p.arm, p.against) for p in result.pairs if p.target == "a"][1:]
    assert arms == [
        ("a", "a", "align control", "alone"),
        ("b", "a", "align", "alone"),
        ("b", "a", "align", "mtl"),
        ("b", "a", "align", "align control"),
    ]
    for report in result.alignment:
        assert report.form == form
        assert report.distance_source.mean > 0
        assert 0 < report.similarity_before.mean <= 1
        assert report.similarity_after.mean != report.similarity_before.mean


def test_further_updates_never_count_as_harm_on_validation_rows():
    """A second stage may end where it began: with no rate at all it does."""
    still = probe_pairs(PAIR, replace(QUICK, align_lr=0.0, lr=1e-30))
    for pair in still.pairs:
        if pair.arm != "mtl":
            assert pair.gain.mean == pytest.approx(0.0, abs=1e-6) or pair.against == "alone"
        if pair.arm == "align control":
            assert pair.gain.mean == pytest.approx(0.0, abs=1e-6)
    for report in still.alignment:
        assert report.distance_source.mean == report.distance_target.mean == 0.0
        assert report.similarity_after.mean == report.similarity_before.mean


def test_a_pair_that_diverges_or_is_all_leaks_has_its_reason():
    wild = [PAIR[0], task("n", 150, d=5, kind="regression", c=1, seed=2)]
    for pair in probe_pairs(wild, replace(QUICK, lr=1e30)).pairs:
        assert pair.verdict.call == "inconclusive"
        assert "diverged" in pair.verdict.reason
    copy = [PAIR[0], replace(PAIR[0], name="copy")]
    result = probe_pairs(copy, replace(QUICK, target_rows=200))
    for pair in result.pairs:
        if pair.arm == "align":
            assert "left without leaked" in pair.verdict.reason
    assert result.alignment[0].distance_source.mean is None


def test_similarity_is_equation_6_of_the_scores():
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((60, 8)) * np.arange(1, 9), rng.standard_normal((50, 8))
    values, vectors = np.linalg.eigh(a.T @ a)
    order = np.argsort(-values)
    k = int(np.argmax(np.cumsum(values[order]) >= 0.99 * values.sum())) + 1
    root = vectors[:, order[:k]] * np.sqrt(values[order[:k]])
    whole = b.T @ b
    U, D = np.linalg.eigh(whole)[::-1]
    order = np.argsort(-D)
    m = int(np.argmax(np.cumsum(D[order]) >= 0.99 * D.sum())) + 1
    other = U[:, order[:m]] * np.sqrt(D[order[:m]])
    expected = np.linalg.norm(root.T @ other) / np.linalg.norm(root) / np.linalg.norm(other)
    assert align.row_similarity(a, b) == pytest.approx(expected)
    turned = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    assert align.row_similarity(a @ turned, b @ turned) == pytest.approx(align.row_similarity(a, b))
    assert np.isnan(align.row_similarity(np.zeros((5, 8)), b))


def test_unknown_forms_and_rates_are_refused():
    for changes in ({"align_form": "diagonal"}, {"align_lr": -1.0}, {"align_rank": 0}):
        with pytest.raises(UsageError):
            probe_pairs(PAIR, replace(QUICK, **changes))
