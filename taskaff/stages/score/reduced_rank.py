"""Reduced-rank multi-task regression from moments: the linear shared module of capacity ``r``.

Minimises equation 3 of Wu, Zhang and Re (ICLR 2020), each task per row and per label variance and
with its own ridge penalty on ``B A_i``:

    f(B, A) = sum_i tr(A_i' B' C_i B A_i) - 2 tr(A_i' B' S_i),   C_i (d, d), S_i (d, q_i).

For ``r >= sum q_i`` the optimum holds every single-task model (Proposition 1); for equal ``C_i`` it
has the closed form of Proposition 5, from which the alternating steps start in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

SWEEPS = 20
"""Most alternating sweeps; the start is near the optimum, the curve over ``r`` needs no more."""
CG_STEPS = 2
"""Conjugate-gradient steps for ``B`` in one sweep: each lowers the objective, none must finish."""
WORK = 2e9
"""Multiplications after which at least two sweeps are enough: 100 tasks of 384 dimensions."""
PROGRESS = 1e-5
"""Stop when a sweep improves the objective by less than this, per task."""

NOTHING = 1e-280
"""Heads whose squares sum to no more are all zero, and no shared module is better than another."""


class Problem:
    """The moments of ``k`` tasks in coordinates in which their mean covariance is the identity.

    ``C (k, d, d)`` must be positive definite on average; ``S`` are ``(d, q_i)``, ``q_i >= 1``.
    """

    def __init__(self, C: Floats, S: Sequence[Floats]) -> None:
        values, V = np.linalg.eigh(C.mean(axis=0))
        roots = np.sqrt(np.maximum(values, values[-1] * 1e-15))
        self.root = V * roots
        """``(d, d)`` takes a model into the new coordinates, by its transpose."""
        self.back = V / roots
        """``(d, d)`` takes a model back."""
        self.C = self.back.T @ C @ self.back
        self.widths = [s.shape[1] for s in S]
        self.S = np.zeros((len(S), C.shape[1], max(self.widths)))
        for target, s, width in zip(self.S, S, self.widths, strict=True):
            target[:, :width] = self.back.T @ s
        self.single = np.linalg.solve(self.C, self.S)
        """``(k, d, q)`` single-task models."""
        self.stack = np.linalg.svd(np.concatenate(list(self.single), axis=1), full_matrices=False)[
            0
        ]

    def heads(self, B: Floats) -> tuple[Floats, Floats, float]:
        """Optimal ``A (k, r, q)`` for ``B (d, r)``; ``C_i B (k, d, r)``; the objective there."""
        CB, BS = self.C @ B, B.T @ self.S
        A = np.linalg.solve(B.T @ CB, BS)
        return A, CB, -float((A * BS).sum())

    def objective(self, B: Floats, A: Floats) -> float:
        """``f(B, A)``, summed over tasks."""
        model = B @ A
        return float((model * (self.C @ model - 2.0 * self.S)).sum())

    def start(self, r: int) -> Floats:
        """``B (d, r)``: Proposition 5, on single-task models instead of equal covariances."""
        return np.asarray(self.stack[:, :r])

    def models(self, r: int) -> list[Floats]:
        """``B A_i (d, q_i)`` of every task at capacity ``r``, in the original coordinates."""
        models = self.single
        if r < self.stack.shape[1] and r < sum(self.widths):
            B, A = self.solve(r)[0]
            models = B @ A
        return [self.back @ m[:, :q] for m, q in zip(models, self.widths, strict=True)]

    def solve(self, r: int) -> tuple[tuple[Floats, Floats], list[float]]:
        """Alternating least squares: ``(B, A)`` and the objective after each sweep, no rise."""
        B = self.start(r)
        A, CB, value = self.heads(B)
        trace = [value]
        cost = (CG_STEPS + 1) * CB.size * B.shape[0]
        for _ in range(max(2, min(SWEEPS, int(WORK / cost)))):
            B = np.linalg.qr(self.improve(B, A, CB))[0]
            A, CB, value = self.heads(B)
            trace.append(value)
            if trace[-2] - trace[-1] < PROGRESS * len(self.C):
                break
        return (B, A), trace

    def improve(self, B: Floats, A: Floats, CB: Floats) -> Floats:
        """A few steps of preconditioned conjugate gradients on ``sum C_i B A_i A_i' = S_i A_i'``.

        The mean covariance is the identity here, so ``(sum A_i A_i')^-1`` is the inverse of the
        operator up to how much the tasks' covariances differ.
        """
        AA = A @ np.swapaxes(A, 1, 2)
        total = AA.sum(axis=0)
        size = float(total.trace())
        if size <= NOTHING:
            return B
        inverse = np.linalg.inv(total + 1e-12 * size * np.eye(len(total)))
        rest = (self.S @ np.swapaxes(A, 1, 2) - CB @ AA).sum(axis=0)
        step = rest @ inverse
        direction, size = step, float((rest * step).sum())
        for _ in range(CG_STEPS):
            if size <= 1e-14:
                break
            moved = (self.C @ direction @ AA).sum(axis=0)
            length = size / float((direction * moved).sum())
            B, rest = B + length * direction, rest - length * moved
            step = rest @ inverse
            previous, size = size, float((rest * step).sum())
            direction = step + size / previous * direction
        return B


def single_task_ranks(C: Floats, S: Floats) -> list[Floats]:
    """Best models ``(d, q)`` of rank 1, 2, ... ``min(d, q)`` of one task: closed form (Prop. 5)."""
    values, V = np.linalg.eigh(C)
    roots = np.sqrt(np.maximum(values, values[-1] * 1e-15))
    U, sizes, Wt = np.linalg.svd((V / roots).T @ S, full_matrices=False)
    left = (V / roots) @ U
    return [(left[:, :r] * sizes[:r]) @ Wt[:r] for r in range(1, len(sizes) + 1)]
