"""The fitted predictor, as plain arrays: what a pair's gain will be, and how sure that is.

Gains are heavy-tailed and differ in size by task, so the model works on ``z = asinh(gain / UNIT)``:
linear near zero, logarithmic far out. Its answer is a distribution: a centre, a local scale from a
forest, and the shape of the standardised residuals of pairs whose data sets were in no training
fold (a conformal predictive distribution). The centre is a mean of two opinions. One is learned
from the atlas: the effect of the target, which a forest tells from what is known of the target
alone, plus the effects of the source and of the pair, which a forest and a ridge regression tell
from everything. The other follows the training itself (``features.FOLLOWED``); of it the atlas
tells the scale, and how far it is off in a set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.stages.predict import design_matrix, features
from taskaff.stages.predict.forest import Forest, from_arrays

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

UNIT = 0.02
"""Nats (or label variances) around which gains turn from linear to logarithmic."""

FIELDS = (
    *("typical", "low", "high", "mean", "deviation", "weights", "mix", "followed", "residuals"),
    *("encoders", "trunks"),
)

FOLLOWED = design_matrix.NAMES.index(features.FOLLOWED)

FORESTS = ("target", "centre", "level", "spread")

WIDER = 1.25
"""Factor of the scale for each column that is outside of the atlas's range, at most ``WIDEST``."""
WIDEST = 2.5


def squash(gain: Floats) -> Floats:
    """``asinh(gain / UNIT)``."""
    return np.arcsinh(np.asarray(gain) / UNIT)


def stretch(z: Floats) -> Floats:
    """The inverse of ``squash``."""
    return np.sinh(np.asarray(z)) * UNIT


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Everything that a prediction needs; ``q`` columns of ``design_matrix.NAMES``."""

    target: Forest
    """Forest of the usual source's effect on a target."""
    centre: Forest
    """Forest of the effect of this source beyond the usual one's."""
    level: Forest
    """Forest of the error of a scaled ``FOLLOWED``, from the set-up alone."""
    spread: Forest
    """Forest of the logarithm of the local scale."""
    typical: Floats
    """``(q,)`` median of each column, which also replaces an undefined value."""
    low: Floats
    high: Floats
    """``(q,)`` range of each column in the atlas."""
    mean: Floats
    deviation: Floats
    weights: Floats
    """``(q,)`` ridge regression on standardised columns, of the same as ``centre``."""
    mix: Floats
    """``(1,)`` share of the forest against the ridge regression."""
    followed: Floats
    """``(2,)`` what the squashed ``FOLLOWED`` is multiplied by, and its share of the centre."""
    residuals: Floats
    """``(m,)`` standardised residuals, ascending."""
    encoders: np.ndarray
    trunks: np.ndarray
    """What the atlas was measured with."""

    def filled(self, X: Floats) -> Floats:
        """``X`` with typical values for undefined ones."""
        return np.where(np.isfinite(X), X, self.typical)

    def z(self, X: Floats) -> Floats:
        """``(n,)`` centre of the distribution of ``z`` for ``X (n, q)``."""
        gain = X[:, FOLLOWED]
        X = self.filled(X)
        standard = np.clip((X - self.mean) / self.deviation, -4.0, 4.0)
        share = float(self.mix[0])
        own = share * self.centre(X) + (1.0 - share) * (standard @ self.weights)
        learned = self.target(X) + own
        slope, part = self.followed.tolist()
        followed = slope * squash(X[:, FOLLOWED]) + self.level(X)
        return np.where(np.isfinite(gain), learned + part * (followed - learned), learned)

    def scale(self, X: Floats) -> Floats:
        """``(n,)`` local scale of the residuals of ``z``, in the range of the atlas."""
        return np.asarray(np.exp(self.spread(self.filled(X))))

    def outside(self, x: Floats) -> list[str]:
        """Columns of one row ``(q,)`` that are undefined or beyond the atlas's range."""
        # An atlas stores rounded numbers.
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        slack = 0.02 * (self.high - self.low) + 0.002 * size + 1e-6
        inside = (x >= self.low - slack) & (x <= self.high + slack)
        return [design_matrix.NAMES[n] for n in np.flatnonzero(~inside)]


def wider(number: int) -> float:
    """Factor of the scale for a pair with so many columns outside of the atlas's range."""
    return float(min(WIDER**number, WIDEST))


def save(model: Model, path: Path) -> None:
    """Write the arrays as ``.npz``."""
    arrays = {name: getattr(model, name) for name in FIELDS}
    for name in FORESTS:
        arrays |= getattr(model, name).arrays(f"{name}_")
    with path.open("wb") as file:
        np.savez(file, **arrays)


def load(path: Path) -> Model:
    """Read what ``save`` wrote; ``allow_pickle`` is off, so that nothing can run."""
    with np.load(path, allow_pickle=False) as arrays:
        return from_mapping({name: arrays[name] for name in arrays.files})


def from_mapping(arrays: Mapping[str, np.ndarray]) -> Model:
    """A model from its arrays."""
    fields: dict[str, Any] = {name: arrays[name] for name in FIELDS}
    fields |= {name: from_arrays(arrays, f"{name}_") for name in FORESTS}
    return Model(**fields)
