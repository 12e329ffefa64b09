"""Known scores that the prediction is compared with, beside ours: H-score, mean cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats


def h_score(C: Floats, between: Floats, n: int) -> float:
    """``tr(C_shrunk^-1 B)`` (Bao et al. 2019), shrunk as Ibrahim et al. (2022) ask for.

    ``C (q, q)`` is the covariance of the features and ``between (q, q)`` that of their class means
    (for regressions ``S S' / variance``). Shrinkage towards a multiple of the identity by the
    oracle-approximating rule (Chen et al. 2010), which needs no fourth moments and so no rows; the
    class means are shrunk by the same share.
    """
    q = len(C)
    trace, square = float(np.trace(C)), float((C**2).sum())
    if trace <= 0:
        return float("nan")
    top = (1 - 2 / q) * square + trace**2
    bottom = (n + 1 - 2 / q) * (square - trace**2 / q)
    rho = 1.0 if bottom <= 0 else min(1.0, top / bottom)
    shrunk = (1 - rho) * C + rho * trace / q * np.eye(q)
    return float((1 - rho) * np.trace(np.linalg.solve(shrunk, between)))


def cosine(a: Floats, b: Floats) -> float:
    """Cosine of two mean vectors: how alike the texts are on average."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else float("nan")
