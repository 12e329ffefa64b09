"""Statistics of one signature that scores share, computed once per comparison.

Only vectors of length ``d`` are stored. The ``d x d`` quantities are functions: at 1,000 tasks of
d = 384 one of them per task is 1.2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature

NOISE = 1e-12
"""A centred sum of squares below this share of the uncentred one is rounding, not variation."""


@dataclass(frozen=True, eq=False)
class TaskView:
    """A signature and quantities derived from it. All float64; nothing here is ever modified."""

    signature: TaskSignature

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.signature.name

    @property
    def width(self) -> int:
        """``d``."""
        return self.signature.width

    @property
    def rows(self) -> int:
        """``n`` over all folds."""
        return self.signature.rows

    @cached_property
    def n(self) -> Floats:
        """``(FOLDS,)`` rows of each fold, as floats."""
        return self.signature.n.astype(np.float64)

    @cached_property
    def dof(self) -> Floats:
        """``(FOLDS,)`` degrees of freedom of each fold's own scatter: ``max(n_f - 1, 0)``."""
        return np.maximum(self.n - 1.0, 0.0)

    @cached_property
    def mean(self) -> Floats:
        """``(d,)`` mean over all rows; zeros when there are none."""
        return np.asarray(self.signature.sx.sum(axis=0) / max(self.rows, 1))

    @cached_property
    def fold_means(self) -> Floats:
        """``(FOLDS, d)`` mean of each fold; zeros where a fold is empty."""
        return np.asarray(self.signature.sx / np.maximum(self.n, 1.0)[:, None])

    @cached_property
    def fold_variances(self) -> Floats:
        """``(FOLDS, d)`` diagonal of ``fold_scatter``; rounding noise of a constant column is 0."""
        squares = np.asarray(np.einsum("fii->fi", self.signature.sxx))
        return without_noise(squares - self.n[:, None] * self.fold_means**2, squares)

    @cached_property
    def variances(self) -> Floats:
        """``(d,)`` diagonal of ``covariance``; rounding noise of a constant column is 0."""
        squares = np.asarray(np.einsum("fii->i", self.signature.sxx))
        scatter = without_noise(squares - self.rows * self.mean**2, squares)
        return np.asarray(scatter / max(self.rows - 1, 1))

    def gram(self) -> Floats:
        """``G = X'X (d, d)``, uncentred, over all folds. Computed at each call."""
        return np.asarray(self.signature.sxx.sum(axis=0))

    def covariance(self) -> Floats:
        """``C (d, d)`` about the mean of all rows, divisor ``n - 1``. Computed at each call."""
        scatter = self.gram() - self.rows * np.outer(self.mean, self.mean)
        return np.asarray(scatter / max(self.rows - 1, 1))

    def fold_scatter(self) -> Floats:
        """``S (FOLDS, d, d)``: sums of squares and products about each fold's own mean."""
        means = self.fold_means
        return np.asarray(
            self.signature.sxx - self.n[:, None, None] * means[:, :, None] * means[:, None, :]
        )


def without_noise(centred: Floats, uncentred: Floats) -> Floats:
    """``centred`` with zeros where it is what rounding leaves of ``uncentred``, or negative."""
    return np.where(centred > NOISE * uncentred, centred, 0.0)
