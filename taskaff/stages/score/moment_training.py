"""The probe's training, followed on moments: one model alone, or a target mixed with a source.

Follows the mean path of Adam on mini-batches (``stages.probe.adam``): a batch's gradient is the
mean gradient plus noise, so that the second moment that Adam divides by is the squared mean plus
the row's variance over the batch size. An update is one batch of one task; of the target's with
probability ``share``. Several updates are taken in one stride once the path is smooth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.signature import FOLDS
from taskaff.stages.score.likelihoods import Gradient

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.settings import Training
    from taskaff.stages.score.likelihoods import Likelihood

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
GROWTH, STRIDE = 0.15, 16
"""A stride is this share of the updates so far, and at most so many."""
MOMENTUM = 1.0
HEADS = 1000
"""Seed of the generator that heads start from; modules start from those of the folds."""
FIRST_EVALUATION, EVALUATION_GROWTH = 3, 1.15
"""The held-out loss is evaluated from the third update on, then at about every 15 % more."""


def strides(updates: int) -> Iterator[int]:
    """Numbers of updates taken at once; they sum to ``updates``."""
    done = 0
    while done < updates:
        size = min(max(1, int(done * GROWTH)), STRIDE, updates - done)
        yield size
        done += size


def evaluation_updates(updates: int) -> tuple[int, ...]:
    """Numbers of updates after which the held-out loss is evaluated: ends of strides."""
    evaluated, done, wanted = [], 0, float(FIRST_EVALUATION)
    for size in strides(updates):
        done += size
        if done >= wanted or done == updates:
            evaluated.append(done)
            wanted = max(done + 1.0, done * EVALUATION_GROWTH)
    return tuple(evaluated)


class Adam:
    """Mean path of Adam for one part of the models, with decoupled weight decay."""

    def __init__(self, value: Floats, plan: Training, *, decays: bool) -> None:
        self.value, self.plan, self.decays = value, plan, decays
        self.m, self.v = np.zeros_like(value), np.zeros_like(value)
        self.count: Floats = np.zeros(1)
        self.moves = 0

    def move(self, mean: Floats, second: Floats, updates: Floats | float) -> None:
        """``updates`` of them with this mean and mean square; 0 leaves everything as it is.

        ``second`` is overwritten.
        """
        plan = self.plan
        self.count = self.count + updates
        self.moves += 1
        keep1, keep2 = BETA1 ** np.minimum(updates, MOMENTUM), BETA2**updates
        # In place: temporaries would cost as much as the arithmetic.
        self.m *= keep1
        self.m += (1.0 - keep1) * mean
        second *= 1.0 - keep2
        self.v *= keep2
        self.v += second
        if self.decays:
            self.value *= (1.0 - plan.lr * plan.weight_decay) ** updates
        seen = np.maximum(self.count, 1e-9)
        rate = plan.lr * updates / (1.0 - BETA1 ** np.minimum(seen, MOMENTUM * self.moves))
        step = np.maximum(self.v, 0.0, out=second)
        step /= 1.0 - BETA2**seen
        np.sqrt(step, out=step)
        step += EPS
        np.divide(self.m, step, out=step)
        step *= rate
        self.value -= step


def mean_square(mean: Floats, noise: Floats, batch: int) -> Floats:
    """Mean square of a batch's gradient: squared mean plus a row's variance over the batch size."""
    square = mean * mean
    square += noise / batch
    return square


class Head:
    """A task's output layer: uniform in ``±1/sqrt(r)`` with biases of zero, as the probe starts.

    Columns of one task are told apart by what they are, not by their order, so that renaming
    classes changes nothing.
    """

    def __init__(self, task: Likelihood, r: int, plan: Training) -> None:
        marks = task.marks()
        models, columns = marks.shape
        draws = np.random.default_rng(HEADS).uniform(-1.0, 1.0, (FOLDS, r, columns)) / np.sqrt(r)
        A = np.empty((models, r, columns))
        for n, order in enumerate(np.argsort(marks, axis=1, kind="stable")):
            A[n][:, order] = draws[n % FOLDS]
        self.A = Adam(A, plan, decays=True)
        self.b = Adam(np.zeros((models, 1, columns)), plan, decays=False)

    def move(self, g: Gradient, updates: Floats | float) -> None:
        """Follow a gradient of the head."""
        batch = self.A.plan.batch
        self.A.move(g.A, mean_square(g.A, g.A_noise, batch), updates)
        self.b.move(g.b, mean_square(g.b, g.b_noise, batch), updates)


def train(
    target: Likelihood,
    held: Likelihood,
    start: Floats,
    plan: Training,
    source: Likelihood | None = None,
    share: Floats | None = None,
) -> Floats:
    """Held-out losses ``(e, N)`` of the target after each of the ``e`` ``evaluation_updates``.

    Parameters
    ----------
    target, held : moments that the target trains on and is evaluated on, ``N`` models.
    start : ``(N, d, r)`` initial shared module; copied.
    plan : updates, batch, learning rate, weight decay.
    source, share : the other task, and the target's part of the updates ``(N, 1, 1)``.
    """
    r = start.shape[2]
    B = Adam(start.copy(), plan, decays=True)
    head = Head(target, r, plan)
    other = Head(source, r, plan) if source is not None else None
    losses, done, seen = [], 0, frozenset(evaluation_updates(plan.updates))
    for size in strides(plan.updates):
        g = target.gradient(B.value, head.A.value, head.b.value)
        if source is None or other is None or share is None:
            head.move(g, float(size))
            B.move(g.B, mean_square(g.B, g.B_noise, plan.batch), float(size))
        else:
            s = source.gradient(B.value, other.A.value, other.b.value)
            head.move(g, size * share)
            other.move(s, size * (1.0 - share))
            # Of a mixture of two kinds of updates: mean, and mean square.
            second = share * mean_square(g.B, g.B_noise, plan.batch)
            second += (1.0 - share) * mean_square(s.B, s.B_noise, plan.batch)
            B.move(share * g.B + (1.0 - share) * s.B, second, float(size))
        done += size
        if done in seen:
            losses.append(held.loss(B.value, head.A.value, head.b.value))
    return np.stack(losses)
