"""Training followed on signatures: losses and gradients by sampling; what it says of transfer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import naive_signature, one_hot

import taskaff
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings, Training
from taskaff.stages.probe.synthetic import synthetic_task
from taskaff.stages.score import moment_training, score
from taskaff.stages.score.fold_moments import Sums, held_out, likelihood, thinned, training
from taskaff.stages.score.likelihoods import Classes, Labels, Values
from taskaff.stages.score.moment_gain import moment_gain
from taskaff.stages.score.task_statistics import TaskView
from taskaff.stages.signature import pad

PLAN = Training(r=2, target_rows=80, source_rows=2000, updates=400, equal=True)
SETTINGS = ScoreSettings(training=PLAN)


def regression(rows, theta, seed, noise=1.0, name="t"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, len(theta)))
    return naive_signature(X, (X @ theta + noise * rng.normal(size=rows))[:, None], name=name)


def classes(rows, theta, seed, name="t"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, len(theta)))
    chosen = (X @ theta + rng.normal(size=rows) > 0).astype(int)
    return naive_signature(X, one_hot(chosen, 2), name=name, kind="classes")


def gains(signatures, settings=SETTINGS):
    named = [replace(s, name=f"{n}") for n, s in enumerate(signatures)]
    return moment_gain([TaskView(s) for s in named], settings)


def test_training_on_more_than_256_classes_is_not_followed():
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(1028, 2)), np.arange(1028) % 257
    many = naive_signature(X, one_hot(codes, 257), kind="classes")
    table = gains([many, classes(100, np.ones(2), 1)])
    assert not np.isfinite(table.value).any()
    assert "'0' has more than 256 classes" in str(table)


# ------------------------------------------------- losses and gradients by sampling


def weights(d, r, c, seed=0):
    rng = np.random.default_rng(seed)
    return (0.4 * rng.normal(size=(1, *shape)) for shape in ((d, r), (r, c), (1, c)))


def gaussian_classes(c, d, seed):
    rng = np.random.default_rng(seed)
    share, mean = rng.dirichlet(np.ones(c) * 5), rng.normal(size=(c, d))
    root = rng.normal(size=(d, d)) * 0.5
    within = root @ root.T
    square = np.diag(within + (mean.T * share) @ mean)[:, None]
    return Classes(share[None], mean[None], within[None], square[None]), root


def rows_of(task, root, n=400_000):
    rng = np.random.default_rng(1)
    y = rng.choice(len(task.share[0]), size=n, p=task.share[0])
    return task.mean[0][y] + rng.normal(size=(n, len(root))) @ root.T, y


@pytest.mark.parametrize("c", [2, 3, 6])
def test_classes_are_those_of_sampled_rows(c):
    task, root = gaussian_classes(c, 4, seed=c)
    B, A, b = weights(4, 3, c)
    X, y = rows_of(task, root)
    out = X @ B[0] @ A[0] + b[0]
    lse = np.log(np.exp(out - out.max(1, keepdims=True)).sum(1)) + out.max(1)
    assert task.loss(B, A, b)[0] == pytest.approx(
        (lse - out[np.arange(len(y)), y]).mean(), rel=0.05
    )
    e = np.exp(out - lse[:, None]) - one_hot(y, c)
    found = task.gradient(B, A, b)
    for name, expected in (
        ("B", X.T @ (e @ A[0].T) / len(y)),
        ("A", (X @ B[0]).T @ e / len(y)),
        ("b", e.mean(0, keepdims=True)),
    ):
        error = np.linalg.norm(getattr(found, name)[0] - expected)
        assert error < 0.12 * np.linalg.norm(expected) + 0.005, name
    noise = (X**2).T @ (e @ A[0].T) ** 2 / len(y)
    assert 0.4 < np.median(found.B_noise[0] / noise) < 2.5  # Adam divides by its root


def test_two_classes_are_nearly_exact():
    task, root = gaussian_classes(2, 3, seed=9)
    B, A, b = weights(3, 2, 2, seed=3)
    X, y = rows_of(task, root)
    out = X @ B[0] @ A[0] + b[0]
    gap = out[:, 1] - out[:, 0]
    loss = np.logaddexp(0.0, np.where(y == 1, -gap, gap)).mean()
    assert task.loss(B, A, b)[0] == pytest.approx(loss, rel=0.02)


def test_a_loss_is_never_below_zero_and_exact_for_two_classes_far_apart():
    task, root = gaussian_classes(2, 3, seed=4)
    B, A, b = weights(3, 2, 2, seed=5)
    X, y = rows_of(task, root)
    for size in (1.0, 10.0, 100.0):
        out = X @ (B[0] * size) @ A[0] + b[0]
        gap = out[:, 1] - out[:, 0]
        loss = np.logaddexp(0.0, np.where(y == 1, -gap, gap)).mean()
        assert task.loss(B * size, A, b)[0] == pytest.approx(loss, rel=0.06)


def test_labels_are_pairs_of_classes():
    rng = np.random.default_rng(0)
    n, d, c = 200_000, 3, 2
    y = rng.random((n, c)) < np.array([0.3, 0.6])
    X = rng.normal(size=(n, d)) + y @ rng.normal(size=(c, d))
    s = Sums(n, X.sum(0), X.T @ X, X.T @ y, y.sum(0), y.T.astype(float) @ y)
    task = likelihood([s], [s], "multilabel")
    assert isinstance(task, Labels)
    B, A, b = weights(d, 2, c)
    out = X @ B[0] @ A[0] + b[0]
    loss = (np.logaddexp(0.0, out) - y * out).mean()
    assert task.loss(B, A, b)[0] == pytest.approx(loss, rel=0.02)
    e = (1.0 / (1.0 + np.exp(-out)) - y) / c
    found = task.gradient(B, A, b)
    for name, expected in (
        ("B", X.T @ (e @ A[0].T) / n),
        ("A", (X @ B[0]).T @ e / n),
        ("b", e.mean(0, keepdims=True)),
    ):
        error = np.linalg.norm(getattr(found, name)[0] - expected)
        assert error < 0.1 * np.linalg.norm(expected) + 0.005, name


def test_values_are_exact():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4)) + 1.0, rng.normal(size=(50, 2)) * [1.0, 3.0] + [0.0, 5.0]
    signature = naive_signature(X, Y, name="t")
    basis = np.eye(4)
    trained, found = training(signature, basis, 2.0)
    held = held_out(signature, basis, 2.0, found)
    assert isinstance(trained, Values)
    B, A, b = (np.tile(part, (FOLDS, 1, 1)) for part in weights(4, 3, 2))
    for f in range(FOLDS):
        there = np.arange(len(X)) % FOLDS
        own, others = there == f, there != f
        centre, size = Y[others].mean(0), Y[others].std(0)
        for stack, rows in ((trained, others), (held, own)):
            error = (X[rows] * 2.0 @ B[f] @ A[f] + b[f] - (Y[rows] - centre) / size) ** 2
            assert stack.loss(B, A, b)[f] == pytest.approx(error.mean(), rel=1e-9)
    g, small = trained.gradient(B, A, b), 1e-6
    for name, at in (("B", 0), ("A", 1), ("b", 2)):
        parts = [B, A, b]
        step = np.random.default_rng(1).normal(size=parts[at].shape)
        ends = []
        for way in (small, -small):
            moved = list(parts)
            moved[at] = parts[at] + way * step
            ends.append(trained.loss(*moved))
        slope = (ends[0] - ends[1]) / (2 * small)
        np.testing.assert_allclose((getattr(g, name) * step).sum((1, 2)), slope, rtol=1e-6)


# ------------------------------------------------------------------------- thinning


@pytest.mark.parametrize("kind", ["classes", "multilabel", "regression"])
def test_few_rows_are_right_on_average(kind):
    rng = np.random.default_rng(0)
    n = 4000
    X = rng.normal(loc=(1.0, 0.0, -1.0), size=(n, 3))
    hot = one_hot((X[:, 0] + rng.normal(size=n) > 1).astype(int), 2)
    Y = hot if kind != "regression" else X[:, :1] + rng.normal(size=(n, 1))
    whole = Sums(n, X.sum(0), X.T @ X, X.T @ Y, Y.sum(0), Y.T @ Y)
    drawn = [thinned(whole, 100, kind, np.random.default_rng(seed)) for seed in range(200)]
    for name in ("x", "xx", "xy", "y"):
        mean = np.mean([getattr(s, name) / s.n for s in drawn], axis=0)
        np.testing.assert_allclose(mean, getattr(whole, name) / n, atol=0.08, err_msg=name)
    off = np.std([s.x / s.n for s in drawn], axis=0)
    np.testing.assert_allclose(off, X.std(axis=0) / 10, rtol=0.35)


def test_strides_add_up():
    for updates in (1, 7, 400):
        assert sum(moment_training.strides(updates)) == updates
        at = moment_training.evaluation_updates(updates)
        assert at[-1] == updates
        assert list(at) == sorted(set(at))


# ------------------------------------------------------------------------ the score


@pytest.mark.parametrize("make", [regression, classes])
def test_the_same_task_with_more_rows_helps_a_small_target(make):
    theta = np.array([1.0, 1.0, 0.5, 0.0, 0.0, -1.0, 0.5, 0.0])
    table = gains([make(2000, theta, 1), make(40, theta, 2)])
    assert table.value[0, 1] > 0.003
    assert abs(table.value[1, 0]) < 0.05
    low, high = table.low[0, 1], table.high[0, 1]
    assert low <= table.value[0, 1] <= high


def test_it_says_when_the_target_alone_is_at_its_best():
    theta = np.array([1.0, 1.0, 0.5, 0.0, 0.0, -1.0, 0.5, 0.0])
    found = gains([regression(2000, theta, 1), regression(30, theta, 2, noise=3.0)])
    updates = found.extras["updates"]
    assert np.isnan(np.diagonal(updates)).all()
    assert updates[0, 1] in moment_training.evaluation_updates(PLAN.updates)
    assert updates[0, 1] < updates[1, 0]  # few noisy rows are overfitted soon


def test_the_gain_rises_with_the_cosine():
    rng = np.random.default_rng(0)
    theta, other = rng.normal(size=8), rng.normal(size=8)
    theta /= np.linalg.norm(theta)
    other -= (other @ theta) * theta
    other /= np.linalg.norm(other)
    target = regression(80, theta, 1, noise=0.7)
    plan = replace(PLAN, r=1)
    found = []
    for cosine in (0.0, 0.5, 1.0):
        mixed = cosine * theta + np.sqrt(1 - cosine**2) * other
        source = regression(2000, mixed, 2, noise=0.7)
        found.append(gains([source, target], replace(SETTINGS, training=plan)).value[0, 1])
    assert found[0] < found[1] < found[2]
    assert found[0] < -0.1
    assert found[2] > 0.0


def test_it_says_what_the_probe_measures():
    specs = ["synthetic:linear?task=1&rows=900&d=20&kappa=10&noise=0.5&seed=3"]
    specs += [
        f"synthetic:linear?task=2&rows=2000&d=20&kappa=10&noise=0.5&seed=3&cosine={cosine}"
        for cosine in (0.0, 0.5, 0.95)
    ]
    kept = {"r": 1, "target_rows": 100, "lr": 0.01}
    probed = taskaff.probe(
        specs,
        **kept,
        updates=300,
        patience=0.0,
        seeds=6,
        weight_decay=(0.3,),
        recipes=("turns",),
        predict=False,
    )
    measured = [
        next(p.gain.mean for p in probed.pairs if (p.source, p.target) == (t.name, first))
        for first in (probed.tasks[0].name,)
        for t in probed.tasks[1:]
    ]
    arrays = [synthetic_task(spec, spec) for spec in specs]
    signatures = [
        taskaff.profile((a.X, np.asarray(a.labels).reshape(-1)), cache="off") for a in arrays
    ]
    plan = Training(**kept, updates=600, weight_decay=0.3, equal=True)
    followed = gains(signatures, ScoreSettings(training=plan)).value[1:, 0]
    assert np.array_equal(np.argsort(followed), np.argsort(measured))
    np.testing.assert_allclose(followed, measured, atol=0.12)


def test_with_more_pairs_than_wanted_it_is_left_out_and_a_note_says_so():
    tasks = [regression(40, np.ones(4), seed, name=f"t{seed}") for seed in range(3)]
    chosen = replace(SETTINGS, capacity=False, intervals=False)
    for most, around, there in ((6, (), True), (5, (), False), (4, ("t0",), True)):
        found = score(tasks, replace(chosen, most_trained=most, around=around))
        assert ("moment_gain" in found.tables) is there
        assert bool(found.notes) is not there
    assert "score.most_trained" in score(tasks, replace(chosen, most_trained=1)).notes[0]
    named = score(tasks, replace(chosen, most_trained=1, scores=("moment_gain",)))
    assert np.isfinite(named.tables["moment_gain"].value[0, 1])


def test_renamed_classes_change_nothing():
    theta = np.array([1.0, -1.0, 0.5, 0.2])
    source, target = classes(300, theta, 1), classes(60, theta, 2)
    turned = replace(
        target,
        sxy=target.sxy[:, :, ::-1],
        sy=target.sy[:, ::-1],
        syy=target.syy[:, ::-1, ::-1],
    )
    np.testing.assert_allclose(
        gains([source, target]).value, gains([source, turned]).value, atol=1e-9
    )


def test_empty_columns_change_nothing():
    theta = np.array([1.0, -1.0, 0.5])
    plain = [classes(200, theta, 1), classes(60, theta, 2)]
    wide = [pad(s, 7) for s in plain]
    np.testing.assert_allclose(gains(plain).value, gains(wide).value, atol=1e-9)
