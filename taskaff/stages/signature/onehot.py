"""One-hot labels: their sum of products follows from their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats


def diagonals(sy: Floats) -> Floats:
    """``(FOLDS, c, c)`` sums of y y' of one-hot labels from ``sy (FOLDS, c)``."""
    out = np.zeros((*sy.shape, sy.shape[1]))
    np.einsum("fii->fi", out)[...] = sy
    return out
