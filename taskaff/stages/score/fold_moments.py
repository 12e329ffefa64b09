"""Moments of a signature's folds, on which ``likelihoods`` trains and evaluates a model.

Fold ``f`` evaluates what the others train. A target that has more rows than it would be trained
with is thinned: its moments are turned into those of so many rows by adding what so few rows would
be off by, drawn once for all tasks. Its held-out moments stay those of all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.signature import FOLDS
from taskaff.stages.score.likelihoods import Classes, Labels, Likelihood, Values, direction
from taskaff.stages.score.task_statistics import without_noise

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Over rows: ``n``, ``x (d,)``, ``xx (d, d)``, ``xy (d, c)``, ``y (c,)``, ``yy (c, c)``."""

    n: float
    x: Floats
    xx: Floats
    xy: Floats
    y: Floats
    yy: Floats


def sums(signature: TaskSignature, folds: list[int], basis: Floats, scale: float) -> Sums:
    """Sums of some folds, inputs taken through ``basis (d, q)`` and multiplied by ``scale``."""
    U = basis * scale
    return Sums(
        max(float(signature.n[folds].sum()), 1.0),
        signature.sx[folds].sum(axis=0) @ U,
        U.T @ signature.sxx[folds].sum(axis=0) @ U,
        U.T @ signature.sxy[folds].sum(axis=0),
        signature.sy[folds].sum(axis=0),
        signature.syy[folds].sum(axis=0),
    )


def training(
    signature: TaskSignature, basis: Floats, scale: float, rows: int | None = None
) -> tuple[Likelihood, list[Sums]]:
    """Moments that each fold's model trains on: all other folds, thinned to ``rows``."""
    folds = []
    for fold in range(FOLDS):
        others = [f for f in range(FOLDS) if f != fold]
        total = sums(signature, others, basis, scale)
        if rows is not None and total.n > rows:
            total = thinned(total, rows, signature.schema.kind, np.random.default_rng(fold))
        folds.append(total)
    return likelihood(folds, folds, signature.schema.kind), folds


def held_out(
    signature: TaskSignature, basis: Floats, scale: float, trained: list[Sums]
) -> Likelihood:
    """Moments that each fold evaluates; regressions in the units of their training rows."""
    folds = [sums(signature, [fold], basis, scale) for fold in range(FOLDS)]
    return likelihood(folds, trained, signature.schema.kind)


def likelihood(folds: list[Sums], trained: list[Sums], kind: str) -> Likelihood:
    """Stack the sums of folds into the likelihood of a label kind."""
    if kind == "classes":
        return Classes.joined([_classes(s) for s in folds])
    if kind == "multilabel":
        return Labels.joined([_labels(s) for s in folds])
    return Values.joined([_values(s, t) for s, t in zip(folds, trained, strict=True)])


def _classes(s: Sums) -> Classes:
    mean = (s.xy / np.maximum(s.y, 1e-300)).T * (s.y > 0)[:, None]
    share = s.y / s.n
    within = s.xx / s.n - (mean.T * share) @ mean
    square = np.diagonal(s.xx)[:, None] / s.n
    return Classes(share[None], mean[None], within[None], square[None])


def _labels(s: Sums) -> Labels:
    share = np.stack([1.0 - s.y / s.n, s.y / s.n])
    total = np.stack([s.x[:, None] - s.xy, s.xy]) / s.n  # (2, d, c)
    mean = np.swapaxes(total, 1, 2) / np.maximum(share, 1e-300)[:, :, None]
    mean *= (share > 0)[:, :, None]
    square = np.diagonal(s.xx)[:, None] / s.n
    return Labels(share[None], mean[None], s.xx[None] / s.n, square[None])


def _values(s: Sums, trained: Sums) -> Values:
    y, yy = s.y / s.n, np.diagonal(s.yy) / s.n
    centre = trained.y / trained.n
    square = np.diagonal(trained.yy) / trained.n
    variance = without_noise(square - centre**2, square)
    size = np.where(variance > 0, np.sqrt(np.maximum(variance, 1e-300)), 1.0)
    x = s.x / s.n
    return Values(
        s.xx[None] / s.n,
        ((s.xy / s.n - np.outer(x, centre)) / size)[None],
        x[None, None],
        ((y - centre) / size)[None, None],
        ((yy - 2.0 * centre * y + centre**2) / size**2)[None, None],
    )


def thinned(s: Sums, rows: int, kind: str, generator: np.random.Generator) -> Sums:
    """Sums of ``rows`` rows, as if drawn from Gaussians with the moments of ``s``.

    Classes keep their shares, rounded to whole rows, and one covariance within classes.
    """
    if kind == "classes":
        return _thinned_classes(s, rows, generator)
    d = len(s.x)
    mean = np.concatenate([s.x, s.y]) / s.n
    joint = np.block([[s.xx, s.xy], [s.xy.T, s.yy]]) / s.n - np.outer(mean, mean)
    draws = generator.standard_normal((rows, len(mean)))
    draws[:, d + np.argsort(direction(d) @ joint[:d, d:])] = draws[:, d:].copy()
    drawn = draws @ _root(joint) + mean
    X, Y = drawn[:, :d], drawn[:, d:]
    if kind == "multilabel":  # the labels' own shares stay
        y, yy = s.y * rows / s.n, s.yy * rows / s.n
        return Sums(float(rows), X.sum(axis=0), X.T @ X, X.T @ Y, y, yy)
    return Sums(float(rows), X.sum(axis=0), X.T @ X, X.T @ Y, Y.sum(axis=0), Y.T @ Y)


def _thinned_classes(s: Sums, rows: int, generator: np.random.Generator) -> Sums:
    of_classes = _classes(s)
    counts = np.round(s.y * rows / s.n)
    n = float(counts.sum()) or 1.0
    root = _root(of_classes.within[0])
    c, d = of_classes.mean[0].shape
    off = np.empty((c, d))
    off[np.argsort(of_classes.mean[0] @ direction(d))] = generator.standard_normal((c, d))
    off /= np.sqrt(np.maximum(counts, 1.0))[:, None]
    mean = (of_classes.mean[0] + off @ root) * (counts > 0)[:, None]
    inner = generator.standard_normal((max(int(n) - int((counts > 0).sum()), 1), d)) @ root
    xx = inner.T @ inner + (mean.T * counts) @ mean
    return Sums(n, counts @ mean, xx, mean.T * counts, counts, np.diag(counts))


def _root(covariance: Floats) -> Floats:
    """A symmetric root, by which standard normal rows get this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
