"""Closed-form cross-validation: what one held-out fold needs, from the sums of a signature.

With training moments ``C = V diag(v) V'`` and ``S`` (centred, divided by the training rows), the
ridge model of penalty ``mu`` is ``theta = V (P / (v + mu))`` with ``P = V'S``. Its squared error on
the held-out rows, about the training means, is a quadratic in ``1 / (v + mu)``: one
eigendecomposition serves every penalty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taskaff.stages.score.task_statistics import without_noise

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature

PENALTIES = 10.0 ** (np.arange(-10, 7) / 2.0)
"""``(L,)`` ridge penalties 1e-5 ... 1e3, in units of the mean eigenvalue (``Moments.scale``)."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Centred moments of some folds, divided by their rows; columns that are constant hold 0."""

    n: float
    x: Floats
    """``(d,)`` mean."""
    y: Floats
    """``(c,)`` mean."""
    C: Floats
    """``(d, d)`` covariance."""
    S: Floats
    """``(d, c)`` covariance of inputs and labels."""
    variance: float
    """Label variance, summed over the ``c`` columns."""

    @property
    def scale(self) -> float:
        """Mean eigenvalue: mean variance of the columns that vary; zero-padding leaves it alone."""
        live = self.C.diagonal()
        return float(live.sum() / max(int((live > 0).sum()), 1))


def moments(signature: TaskSignature, without: int | None = None) -> Moments:
    """Moments of all rows, or of all but one fold."""
    keep = np.array([fold != without for fold in range(len(signature.n))])
    n = float(max(signature.n[keep].sum(), 1))
    x, y = signature.sx[keep].sum(axis=0) / n, signature.sy[keep].sum(axis=0) / n
    xx = signature.sxx[keep].sum(axis=0) / n
    C = xx - np.outer(x, x)
    live = without_noise(C.diagonal(), xx.diagonal()) > 0
    C = C * live * live[:, None]
    S = (signature.sxy[keep].sum(axis=0) / n - np.outer(x, y)) * live[:, None]
    yy = np.asarray(np.einsum("fii->i", signature.syy[keep])) / n
    return Moments(n, x, y, C, S, float(without_noise(yy - y * y, yy).sum()))


def ridge(C: Floats, S: Floats, mu: float) -> Floats:
    """``(C + mu I)^-1 S``, or with ``mu = 0`` the smallest least-squares model ``C^+ S``."""
    if mu > 0:
        return np.asarray(np.linalg.solve(C + mu * np.eye(len(C)), S))
    return np.asarray(np.linalg.pinv(C, rcond=1e-12, hermitian=True) @ S)


@dataclass(frozen=True, eq=False)
class Split:
    """One fold held out: training eigenbasis, and the held-out sums turned into it."""

    fold: int
    train: Moments
    v: Floats
    """``(d,)`` eigenvalues of the training covariance, never negative."""
    V: Floats
    """``(d, d)`` eigenvectors, in columns."""
    P: Floats
    """``(d, c)`` ``V'S``."""
    n: float
    """Held-out rows."""
    H: Floats
    """``(d, d)`` held-out sum of ``x x'`` about the training means, turned."""
    Q: Floats
    """``(d, c)`` held-out sum of ``x y'``, likewise."""
    yy: float
    """Held-out sum of ``|y|^2`` about the training means."""

    @property
    def penalties(self) -> Floats:
        """``(L,)`` penalties ``mu`` in the units of ``C``."""
        return np.asarray(PENALTIES * self.train.scale)

    def shrinkage(self) -> Floats:
        """``(L, d)`` ``1 / (v + mu)``; zeros when no column varies."""
        total = self.v + self.penalties[:, None]
        return np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)

    def errors(self) -> Floats:
        """``(L,)`` held-out squared error of the ridge model, summed over rows and columns."""
        shrunk = self.shrinkage()
        linear = shrunk @ (self.P * self.Q).sum(axis=1)
        square = ((shrunk @ (self.H * (self.P @ self.P.T))) * shrunk).sum(axis=1)
        return np.asarray(self.yy - 2.0 * linear + square)

    def model(self, level: int) -> Floats:
        """``theta (d, c)`` at penalty number ``level``, in the original coordinates."""
        return np.asarray(self.V @ (self.shrinkage()[level][:, None] * self.P))


def held_out(
    signature: TaskSignature, fold: int, train: Moments
) -> tuple[float, Floats, Floats, float]:
    """``n`` and sums of ``x x' (d, d)``, ``x y' (d, c)``, ``|y|^2`` about the training means."""
    n = float(signature.n[fold])
    sx, sy = signature.sx[fold], signature.sy[fold]
    shift = np.outer(sx, train.x)
    xx = signature.sxx[fold] - shift - shift.T + n * np.outer(train.x, train.x)
    xy = signature.sxy[fold] - np.outer(sx, train.y) - np.outer(train.x, sy - n * train.y)
    yy = float(signature.syy[fold].trace() - 2.0 * sy @ train.y + n * train.y @ train.y)
    return n, xx, xy, yy


def splits(signature: TaskSignature) -> Iterator[Split]:
    """Every fold that has rows, held out in turn."""
    for fold in np.flatnonzero(signature.n):
        train = moments(signature, without=int(fold))
        v, V = np.linalg.eigh(train.C)
        n, xx, xy, yy = held_out(signature, int(fold), train)
        yield Split(
            fold=int(fold),
            train=train,
            v=np.maximum(v, 0.0),
            V=V,
            P=V.T @ train.S,
            n=n,
            H=V.T @ xx @ V,
            Q=V.T @ xy,
            yy=yy,
        )
