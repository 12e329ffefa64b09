"""Column spaces of linear models, and how near two random ones are.

The *head space* of a task is the span of the columns of its ``theta``: one dimension for binary
labels, up to ``c - 1`` for ``c`` classes. Even unrelated spaces overlap by chance, the more so the
more columns they have; a score is read against that level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

RANK = 1e-9
"""Singular values below this share of the largest one are rounding (two one-hot columns)."""

DRAWS = 512
"""Random matrices for a chance level, divided by their size: larger ones vary less."""


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
        groups = []
        for rank in sorted(set(self.ranks) - {0}):
            tasks = [i for i, r in enumerate(self.ranks) if r == rank]
            columns = np.array([self.starts[i] for i in tasks])[:, None] + np.arange(rank)
            groups.append((tasks, columns))
        return groups


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


@lru_cache(maxsize=4096)
def chance_cosine(r1: int, r2: int, d: float) -> float:
    """Mean largest principal cosine of random ``r1``- and ``r2``-dimensional spaces of ``R^d``.

    Spaces with ``r1 + r2 > d`` meet: 1. With ``p = min(r1, r2) = 1`` the squared cosine is
    Beta(q/2, (d - q)/2), whose mean root is exact. Otherwise the squared cosines are a Jacobi
    ensemble, the squared singular values of a random bidiagonal matrix (Edelman and Sutton,
    Foundations of Computational Mathematics 2008, beta = 1); the mean over a fixed draw of
    ``DRAWS / p`` such matrices is good to about 0.01. ``d`` need not be an integer.
    """
    p, q = min(r1, r2), max(r1, r2)
    if math.isinf(d):
        return 0.0
    if p + q > d and (p > 1 or q >= d):
        return 1.0
    if p == 1:
        up, down = math.lgamma((q + 1) / 2) + math.lgamma(d / 2), math.lgamma((d + 1) / 2)
        return min(math.exp(up - down - math.lgamma(q / 2)), 1.0)
    rng = np.random.default_rng(0)
    draws, i = max(DRAWS // p, 16), np.arange(p, 0, -1)
    c = rng.beta((q - p + i) / 2, (d - q - p + i) / 2, (draws, p))
    e = rng.beta(i[1:] / 2, (d - 2 * p + 1 + i[1:]) / 2, (draws, p - 1))
    B = np.zeros((draws, p, p))
    row, low = np.arange(p), np.arange(p - 1)
    B[:, row, row] = np.sqrt(c * np.concatenate((np.ones((draws, 1)), 1.0 - e), axis=1))
    B[:, low, low + 1] = -np.sqrt((1.0 - c[:, :-1]) * e)
    return float(np.linalg.norm(B, ord=2, axis=(1, 2)).mean())


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
