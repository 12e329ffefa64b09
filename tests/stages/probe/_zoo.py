"""Small tasks for the probe's tests, and the model of a run written the slow and obvious way."""

from __future__ import annotations

import numpy as np
import torch

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors
from taskaff.stages.probe.model import initial_state
from taskaff.stages.probe.schedule import Schedule


def task(name="a", n=200, d=6, c=2, kind="classes", seed=0, splits=None, hashes=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(np.float32)
    score = X @ rng.standard_normal((d, c)) + 0.5 * rng.standard_normal((n, c))
    labels = score.argmax(1) if kind == "classes" else score
    if kind == "multilabel":
        labels = (score > 0).astype(float)
    hashes = np.arange(n, dtype=np.uint64) + np.uint64(seed * 100_000) if hashes is None else hashes
    splits = np.zeros(n, np.int64) if splits is None else splits
    names = tuple(f"y{i}" for i in range(c))
    return TaskVectors(name, X, labels, hashes, splits, LabelSchema(kind, names, ("label",)))


class PlainModel(torch.nn.Module):
    """One run as anyone would write it."""

    def __init__(self, run, data):
        super().__init__()
        widths = tuple(data.widths[slot.task] for slot in run.slots)
        state = initial_state(run, data.d, widths)
        self.parts = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(torch.from_numpy(value)) for name, value in state.items()}
        )
        self.run = run

    def forward(self, x, slot):
        p, trunk = self.parts, self.run.trunk
        z = (x * self.run.scale) @ p["B"]
        if trunk != "linear":
            z = torch.relu(z + p["b"])
        if trunk == "mlp":
            z = torch.relu(z @ p["B2"] + p["b2"])
        A = p[f"A{slot}"]
        return z @ A[:-1] + A[-1]


def plain_loss(data, slot, out, rows):
    kind, c = data.kinds[slot.task], data.widths[slot.task]
    if kind == 0:
        return torch.nn.functional.cross_entropy(out, data.codes[rows])
    Y = data.values[rows][:, :c]
    if kind == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(out, Y)
    mean, deviation = data.moments(slot.task, slot.train)
    Y = (Y - torch.from_numpy(mean).float()) / torch.from_numpy(deviation).float()
    return torch.nn.functional.mse_loss(out, Y)


def train_plainly(run, data):
    """Validation losses at every look and the test loss at the best, for each judged slot."""
    model = PlainModel(run, data)
    optimisers = decoupled(model, run)

    @torch.no_grad()
    def loss(s, rows):
        rows = torch.from_numpy(rows)
        return float(plain_loss(data, run.slots[s], model(data.X[rows], s), rows))

    return plain_loop(run, lambda batch: plain_update(model, optimisers, data, batch), loss)


def plain_loop(run, update, loss):
    """The rounds of a run, one update after the other.

    ``update(batch)`` trains, ``loss(s, rows)`` is a held-out loss of a slot.
    """
    schedule = Schedule(run)
    tested = [s for s, slot in enumerate(run.slots) if slot.tested]
    due = {s: schedule.evaluation_rounds(s) for s in tested}
    curves, tests = ({s: [] for s in tested} for _ in range(2))
    evaluations, still = {s: [] for s in tested}, set(tested)
    updates, t = schedule.updates(), 0
    for n in range(1, max(max(rounds) for rounds in due.values()) + 1):
        while t < schedule.total(n):
            update(next(updates))
            t += 1
        for s in [s for s in sorted(still) if n in due[s]]:
            curves[s].append(loss(s, run.slots[s].validation))
            tests[s].append(loss(s, run.slots[s].test))
            evaluations[s].append((due[s][n], curves[s][-1]))
            if schedule.limits(s).ended(evaluations[s]):
                still.discard(s)
        if not still:
            break
    at = {s: int(np.argmin(curves[s])) for s in tested}
    return {s: (np.array(curves[s]), tests[s][at[s]]) for s in tested}


def plain_update(model, optimisers, data, batch):
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    loss = 0.0
    for s, rows, _ in batch:
        slot, rows = model.run.slots[s], torch.from_numpy(rows)
        loss = loss + slot.weight * plain_loss(data, slot, model(data.X[rows], s), rows)
    loss.backward()
    for optimiser in optimisers:
        optimiser.step()


def decoupled(model, run):
    """AdamW without decay of biases: a head's last row is one, so heads decay by hand."""
    p = model.parts
    trunk = [p[n] for n in ("B", "B2") if n in p]
    biases = [p[n] for n in ("b", "b2") if n in p]
    heads = [v for n, v in p.items() if n[0] == "A"]
    lr = 0.0 if "trunk" in run.frozen else run.lr
    lr_heads = 0.0 if "heads" in run.frozen else run.lr
    groups = [
        {"params": trunk, "lr": lr, "weight_decay": run.weight_decay},
        {"params": biases, "lr": lr, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return [torch.optim.AdamW(groups), _HeadDecay(heads, run, lr_heads)]


class _HeadDecay(torch.optim.AdamW):
    def __init__(self, heads, run, lr):
        super().__init__(heads, lr=lr, weight_decay=0.0)
        self.heads, self.factor = heads, 1 - lr * run.weight_decay

    def step(self):
        with torch.no_grad():
            for head in self.heads:
                if head.grad is not None:
                    head[:-1] *= self.factor
        super().step()
