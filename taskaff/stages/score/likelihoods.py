"""Expected loss and gradient of a model ``softmax(x' B A + b)`` from a task's moments, no rows.

Rows of a class are taken as Gaussian about the mean of the class with one covariance ``W`` within
classes (linear discriminant analysis). Outputs are then Gaussian too, and with the usual
approximation of a logistic function's mean (MacKay 1992: divide by ``kappa = sqrt(1 + pi s^2/8)``)
loss and gradient of the cross-entropy are functions of class means, ``W`` and class shares alone;
by Stein's lemma the part of the gradient that is due to the spread within classes is ``W theta J``
with ``J`` the mean Jacobian of the softmax. For regressions they are exact.

Arrays carry a leading axis of ``N`` models (pairs times folds); ``d`` inputs, ``r`` capacity, ``c``
label columns. ``B (N, d, r)``, ``A (N, r, c)``, ``b (N, 1, c)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

KAPPA = np.pi / 8
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
FLOOR = 1e-3
"""Least variance of a row's residual. Adam divides by it: without any, a task that a model fits
exactly is circled around at full speed for ever."""


class Gradient(NamedTuple):
    """Mean gradient of ``B``, ``A``, ``b``, and the variance of a single row's, entry by entry."""

    B: Floats
    A: Floats
    b: Floats
    B_noise: Floats
    A_noise: Floats
    b_noise: Floats


class Likelihood(Protocol):
    """Moments of ``N`` tasks with one kind of labels, and the loss that they imply."""

    @property
    def columns(self) -> int:
        """``c``."""
        ...

    def marks(self) -> Floats:
        """``(N, c)``: a number for each label column that does not depend on its place."""
        ...

    def loss(self, B: Floats, A: Floats, b: Floats) -> Floats:
        """Expected loss ``(N,)`` of a row: nats, or label variances."""
        ...

    def gradient(self, B: Floats, A: Floats, b: Floats) -> Gradient:
        """Gradient of the expected loss."""
        ...


class _Stack:
    """Base of the three kinds: every field has the leading axis of models."""

    @classmethod
    def joined(cls, parts: Sequence[Any]) -> Self:
        """Several stacks as one."""
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _t(a: Floats) -> Floats:
    return np.swapaxes(a, -1, -2)


def direction(d: int) -> Floats:
    """A fixed direction, by which label columns are told apart whatever their order is."""
    return np.random.default_rng(0).standard_normal(d)


def _mean_softplus(mean: Floats, deviation: Floats) -> Floats:
    """Mean of ``log(1 + exp(a))`` over Gaussian ``a``, by Gauss and Hermite."""
    a = mean[..., None] + deviation[..., None] * NODES
    return np.asarray(np.logaddexp(0.0, a) @ WEIGHTS)


def _kappa(variance: Floats) -> Floats:
    return np.asarray(np.sqrt(1.0 + KAPPA * np.maximum(variance, 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class Classes(_Stack):
    """Cross-entropy of ``c`` classes."""

    share: Floats
    """``(N, c)``."""
    mean: Floats
    """``(N, c, d)``."""
    within: Floats
    """``(N, d, d)`` covariance within classes."""
    square: Floats
    """``(N, d, 1)`` mean square of each input."""

    @property
    def columns(self) -> int:
        """``c``."""
        return int(self.share.shape[1])

    def marks(self) -> Floats:
        """Where the mean of each class lies in one direction."""
        return self.mean @ direction(self.mean.shape[2])

    def _outputs(self, B: Floats, A: Floats, b: Floats) -> tuple[Floats, ...]:
        WB = self.within @ B
        S = _t(B) @ WB
        h = self.mean @ B
        m = h @ A + b
        SA = S @ A
        # Mean variance of the difference of two classes' outputs.
        own = np.einsum("nrc,nrc,nc->n", A, SA, self.share)
        common = (A @ self.share[:, :, None])[..., 0]
        both = np.einsum("nr,nrs,ns->n", common, S, common)
        distinct = np.maximum(1.0 - (self.share**2).sum(axis=1), 1e-6)
        k = _kappa(2.0 * (own - both) / distinct)[:, None, None]
        z = m / k
        e = np.exp(z - z.max(axis=2, keepdims=True))
        return WB, S, h, m, k, e / e.sum(axis=2, keepdims=True)

    def loss(self, B: Floats, A: Floats, b: Floats) -> Floats:
        """Mean of ``log(1 + exp(.))`` of how far the other classes' outputs are above the own."""
        _, _, _, m, k, _ = self._outputs(B, A, b)
        spread = (k**2 - 1.0) / KAPPA  # of a difference of two outputs; of one, half of it
        one = _kappa(spread / 2.0)
        at = np.arange(self.columns)
        own = m[:, at, at]
        others = m / one
        others[:, at, at] = -np.inf
        top = others.max(axis=2, keepdims=True)
        rest = one * (top + np.log(np.exp(others - top).sum(axis=2, keepdims=True)))
        each = _mean_softplus(rest[..., 0] - own, np.sqrt(spread[..., 0]))
        return np.asarray((each * self.share).sum(axis=1))

    def gradient(self, B: Floats, A: Floats, b: Floats) -> Gradient:
        """Gradient of the expected loss, by the formula at the head of the module."""
        WB, S, h, _, k, p = self._outputs(B, A, b)
        share = self.share[:, :, None]
        at = np.arange(self.columns)
        e = p.copy()
        e[:, at, at] -= 1.0
        weighted = e * share
        pw = p * share
        AJ = (A * pw.sum(axis=1)[:, None, :] - (A @ _t(p)) @ pw) / k
        eA = e @ _t(A)
        spread = p * (1.0 - p) * (1.0 - 1.0 / k) + FLOOR
        e2 = (e**2 + spread) * share
        h2 = h**2 + np.einsum("nrr->nr", S)[:, None, :]
        back = (eA**2 * share).sum(axis=1) + ((A**2) @ (spread * share).sum(axis=1)[..., None])[
            ..., 0
        ]
        return Gradient(
            _t(self.mean) @ (eA * share) + WB @ (AJ @ _t(A)),
            _t(h) @ weighted + S @ AJ,
            weighted.sum(axis=1, keepdims=True),
            self.square * back[:, None, :],
            _t(h2) @ e2,
            e2.sum(axis=1, keepdims=True),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Labels(_Stack):
    """Logistic loss of ``c`` labels, averaged over labels; each label is two classes."""

    share: Floats
    """``(N, 2, c)`` shares of rows without and with the label."""
    mean: Floats
    """``(N, 2, c, d)``."""
    gram: Floats
    """``(N, d, d)`` mean of ``x x'``."""
    square: Floats
    """``(N, d, 1)``."""

    @property
    def columns(self) -> int:
        """``c``."""
        return int(self.share.shape[2])

    def marks(self) -> Floats:
        """Where the mean of the rows with each label lies in one direction."""
        return self.mean[:, 1] @ direction(self.mean.shape[3])

    def _outputs(self, B: Floats, A: Floats, b: Floats) -> tuple[Floats, ...]:
        GB = self.gram @ B
        h = self.mean @ B[:, None]  # (N, 2, c, r)
        m = np.einsum("nycr,nrc->nyc", h, A)
        square = np.einsum("nrc,nrc->nc", A, (_t(B) @ GB) @ A)
        k = _kappa(square - (self.share * m**2).sum(axis=1))[:, None, :]
        return GB, h, m + b, k

    def loss(self, B: Floats, A: Floats, b: Floats) -> Floats:
        """Mean of ``log(1 + exp(m))`` without the label, of ``log(1 + exp(-m))`` with it."""
        _, _, m, k = self._outputs(B, A, b)
        away = np.array([1.0, -1.0])[:, None] * m
        each = _mean_softplus(away, np.sqrt((k**2 - 1.0) / KAPPA))
        return np.asarray((each * self.share).sum(axis=1).mean(axis=1))

    def gradient(self, B: Floats, A: Floats, b: Floats) -> Gradient:
        """Gradient of the expected loss, by the formula at the head of the module, over ``c``."""
        GB, h, m, k = self._outputs(B, A, b)
        c = self.columns
        p = 1.0 / (1.0 + np.exp(-m / k))
        e = (p - np.array([0.0, 1.0])[:, None]) * self.share / c  # (N, 2, c)
        slope = (p * (1.0 - p) / k * self.share).sum(axis=1) / c  # (N, c)
        S = _t(B) @ GB
        seen = np.einsum("nycr,nrc->nyc", h, A) * self.share
        means = np.einsum("nycr,nyc->ncr", h, seen)
        gA = np.einsum("nycr,nyc->nrc", h, e) + slope[:, None, :] * (S @ A - _t(means))
        # W theta = G theta - sum_y share mean (mean' theta), in the d inputs.
        gB = GB @ ((A * slope[:, None, :]) @ _t(A))
        pull = np.einsum("nycd,nyc->ncd", self.mean, e - seen * slope[:, None, :])
        gB += _t(pull) @ _t(A)
        residual = (p - np.array([0.0, 1.0])[:, None]) ** 2
        noise = (residual + p * (1.0 - p) * (1.0 - 1.0 / k) + FLOOR) / c**2
        e2 = (noise * self.share).sum(axis=1)[:, None, :]
        return Gradient(
            gB,
            gA,
            e.sum(axis=1)[:, None, :],
            self.square * ((A**2) @ _t(e2))[..., 0][:, None, :],
            np.einsum("nrr->nr", S)[..., None] * e2,
            e2,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Values(_Stack):
    """Squared error of ``c`` standardised targets, averaged over them: exact."""

    gram: Floats
    """``(N, d, d)`` mean of ``x x'``."""
    cross: Floats
    """``(N, d, c)`` mean of ``x y'``."""
    x: Floats
    """``(N, 1, d)``."""
    y: Floats
    """``(N, 1, c)``."""
    yy: Floats
    """``(N, 1, c)`` mean of ``y^2``."""

    @property
    def columns(self) -> int:
        """``c``."""
        return int(self.y.shape[2])

    def marks(self) -> Floats:
        """Covariance of each target with the inputs, in one direction."""
        return _t(self.cross) @ direction(self.cross.shape[1])

    def loss(self, B: Floats, A: Floats, b: Floats) -> Floats:
        """``E (x' theta + b - y)^2``."""
        return np.asarray(self._errors(B @ A, b).mean(axis=(1, 2)))

    def _errors(self, theta: Floats, b: Floats) -> Floats:
        bent = (theta * (self.gram @ theta - 2.0 * self.cross)).sum(axis=1, keepdims=True)
        errors = bent + self.yy + b * (b - 2.0 * self.y + 2.0 * self.x @ theta)
        return np.asarray(np.maximum(errors, 0.0))

    def gradient(self, B: Floats, A: Floats, b: Floats) -> Gradient:
        """Gradient of the mean squared error."""
        c = self.columns
        GB = self.gram @ B
        theta = B @ A
        slope = (GB @ A - self.cross + _t(self.x) @ b) * (2.0 / c)
        e2 = (self._errors(theta, b) + FLOOR) * (4.0 / c**2)
        return Gradient(
            slope @ _t(A),
            _t(B) @ slope,
            (self.x @ theta + b - self.y) * (2.0 / c),
            np.einsum("ndd->nd", self.gram)[..., None] * ((A**2) @ _t(e2))[..., 0][:, None, :],
            np.einsum("ndr,ndr->nr", B, GB)[..., None] * e2,
            e2,
        )
