"""Column spaces of linear models, and how near two random ones are.

The *head space* of a task is the span of the columns of its ``theta``: one dimension for binary
labels, up to ``c - 1`` for ``c`` classes. Even unrelated spaces overlap by chance, the more so the
more columns they have; a score is read against that level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.records import Floats

RANK = 1e-9
"""Singular values below this share of the largest one are rounding (two one-hot columns)."""

TW_MEAN, TW_SD = -1.2065335745820, math.sqrt(1.607781034581)
"""Mean and standard deviation of the Tracy-Widom law of order 1."""


def basis(theta: Floats) -> Floats:
    """Orthonormal basis ``(d, r)`` of the column space of ``theta (d, c)``; ``r`` may be 0."""
    U, s, _ = np.linalg.svd(theta, full_matrices=False)
    return np.asarray(U[:, s > RANK * s.max(initial=0.0)])


@dataclass(frozen=True, eq=False)
class Heads:
    """The head spaces of all tasks, side by side."""

    U: Floats
    """``(d, R)`` bases, one after the other."""
    starts: tuple[int, ...]
    ranks: tuple[int, ...]

    @classmethod
    def of(cls, thetas: Sequence[Floats]) -> Heads:
        """Bases of the models of all tasks; a task without a model has rank 0."""
        bases = [basis(theta) for theta in thetas]
        ranks = tuple(U.shape[1] for U in bases)
        starts = tuple(int(i) for i in np.cumsum((0, *ranks))[:-1])
        return cls(np.concatenate(bases, axis=1), starts, ranks)

    def one(self, i: int) -> Floats:
        """``(d, r_i)`` basis of one task."""
        return self.U[:, self.starts[i] : self.starts[i] + self.ranks[i]]

    def groups(self) -> list[tuple[list[int], np.ndarray]]:
        """Tasks of equal rank, and the columns ``(g, r)`` of ``U`` that belong to them."""
        found = []
        for rank in sorted(set(self.ranks) - {0}):
            tasks = [i for i, r in enumerate(self.ranks) if r == rank]
            columns = np.array([self.starts[i] for i in tasks])[:, None] + np.arange(rank)
            found.append((tasks, columns))
        return found


def inverse_root(M: Floats) -> Floats:
    """``M^(-1/2)`` of symmetric ``(..., r, r)``, zero on the null space."""
    values, vectors = np.linalg.eigh(M)
    keep = values > RANK * values.max(axis=-1, keepdims=True, initial=0.0)
    scaled = np.divide(1.0, np.sqrt(np.maximum(values, 1e-300)), where=keep, out=values * 0.0)
    return np.asarray((vectors * scaled[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def overlaps(heads: Heads, theta: Floats, t: int, C: Floats | None) -> tuple[Floats, Floats]:
    """Every source against target ``t``, in the plain metric or in that of ``C (d, d)``.

    Returns ``(k,)`` largest principal cosines between the head spaces, and ``(k,)`` shares of the
    energy of ``theta (d, c)``, the target's model, that lie inside the source's head space. NaN
    where a space is empty. In the metric of ``C`` every space is first taken through ``C^(1/2)``:
    all inner products ``a'b`` become ``a'Cb``, and no root of ``C`` is needed.
    """
    k = len(heads.ranks)
    cosines, shares = np.full(k, np.nan), np.full(k, np.nan)
    own = heads.one(t)
    if not heads.ranks[t]:
        return cosines, shares
    CU = heads.U if C is None else C @ heads.U
    C_own = own if C is None else C @ own
    K, energy = heads.U.T @ C_own, own.T @ theta
    own_gram = own.T @ C_own
    own_root = inverse_root(own_gram)
    total = float((energy * (own_gram @ energy)).sum())
    for tasks, columns in heads.groups():
        U_g, CU_g = heads.U.T[columns], CU.T[columns]
        root = inverse_root(U_g @ np.swapaxes(CU_g, 1, 2))
        shared = root @ K[columns]
        cosines[tasks] = np.linalg.norm(shared @ own_root, ord=2, axis=(1, 2))
        if total > 0:
            shares[tasks] = ((shared @ energy) ** 2).sum(axis=(1, 2)) / total
    return np.minimum(cosines, 1.0), np.minimum(shares, 1.0)


def chance_cosine(r1: int, r2: int, d: float) -> float:
    """Mean largest principal cosine of random ``r1``- and ``r2``-dimensional spaces of ``R^d``.

    Exact for ``min(r1, r2) = 1``, where the squared cosine is Beta(r/2, (d - r)/2); and for ``r1 +
    r2 > d``, where the spaces meet. Otherwise the squared cosine is Roy's largest root, whose
    logit is near a Tracy-Widom law (Johnstone, Annals of Statistics 2008, theorem 1).
    """
    p, q = min(r1, r2), max(r1, r2)
    if p + q > d or math.isinf(d):
        return 0.0 if math.isinf(d) else 1.0
    if p == 1:
        up, down = math.lgamma((q + 1) / 2) + math.lgamma(d / 2), math.lgamma((d + 1) / 2)
        return min(math.exp(up - down - math.lgamma(q / 2)), 1.0)
    gamma = 2 * math.asin(math.sqrt((p - 0.5) / (d - 1)))
    phi = 2 * math.asin(math.sqrt(min((q - 0.5) / (d - 1), 1.0)))
    both = math.sin(phi + gamma)
    if both <= 0:
        return 1.0
    centre = 2 * math.log(math.tan((phi + gamma) / 2))
    spread = (16 / (d - 1) ** 2 / (both**2 * math.sin(phi) * math.sin(gamma))) ** (1 / 3)
    logits = centre + spread * (TW_MEAN + TW_SD * np.array([0.0, math.sqrt(3), -math.sqrt(3)]))
    return float(np.array([4, 1, 1]) / 6 @ (1 / np.sqrt(1 + np.exp(-logits))))


def projection_share(values: Floats, rank: int) -> Floats:
    """``(d,)`` mean diagonal of the projection on ``rank`` random directions taken through ``C``.

    For Gaussian ``g (d, rank)`` and eigenvalues ``v`` of ``C``, the projection on ``C^(1/2) g`` is
    about ``v / (v + kappa)`` in the eigenbasis, with ``kappa`` such that it sums to ``rank``: the
    deterministic equivalent of random projections (Derezinski et al., NeurIPS 2020).
    """
    live = values > RANK * values.max(initial=0.0)
    if rank >= live.sum():
        return np.asarray(live, dtype=np.float64)
    low, high = 0.0, float(values.sum()) / rank
    for _ in range(100):
        kappa = (low + high) / 2
        over = (values[live] / (values[live] + kappa)).sum() > rank
        low, high = (kappa, high) if over else (low, kappa)
    return np.asarray(values / (values + high))
