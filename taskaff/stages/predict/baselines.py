"""Known scores that the prediction is compared with: LogME, H-score, mean-embedding cosine.

Both are given the outputs ``Z = X theta_s (n, q)`` of the source's linear model on the target's
rows as features, since the vectors themselves are the same for every source. They are functions of
sums, like every score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

RANK = 1e-10
"""Eigenvalues below this share of the largest are no directions."""


def logme(C: Floats, S: Floats, variances: Floats, n: int, steps: int = 50) -> float:
    """Mean log evidence a row and label column of Bayesian linear regression (You et al. 2021).

    Parameters
    ----------
    C : ``(q, q)`` covariance of the features, divided by ``n``.
    S : ``(q, c)`` covariance of features and label columns, likewise.
    variances : ``(c,)`` of the label columns.
    n : rows.
    steps : maximum number of fixed-point steps (MacKay) for prior and noise precision.

    The evidence holds ``log |alpha I + beta Z'Z|``, whose ``q - rank`` directions without data
    give ``(q - rank) log alpha`` and cancel as many of the prior's ``q log alpha``. Usual code sums
    over the singular values alone and keeps all ``q`` of the prior's: with fewer rows than
    features, or dependent features (as the class columns here), its evidence then changes with
    features that carry nothing.
    """
    values, vectors = np.linalg.eigh(C)
    significant = values > RANK * max(float(values.max(initial=0.0)), 1e-300)
    s, rotated = n * values[significant], n * (vectors[:, significant].T @ S)
    evidences = [
        _evidence(s, rotated[:, j], n * float(variances[j]), n, steps)
        for j in range(S.shape[1])
        if variances[j] > 0
    ]
    return float(np.mean(evidences)) if evidences else float("nan")


def _evidence(s: Floats, b: Floats, yy: float, n: int, steps: int) -> float:
    """Largest log evidence a row; ``s`` eigenvalues of ``Z'Z``, ``b`` of ``Z'y`` in their basis."""
    alpha, beta = 1.0, n / max(yy, 1e-300)
    rank = len(s)
    for _ in range(steps):
        before = alpha, beta
        m = beta * b / (alpha + beta * s)
        gamma = float((beta * s / (alpha + beta * s)).sum())
        residual = max(yy - 2 * float(m @ b) + float(s @ m**2), 1e-12 * yy)
        alpha = max(gamma, 1e-12) / max(float(m @ m), 1e-12)
        beta = max(n - gamma, 1e-3) / residual
        if np.allclose(before, (alpha, beta), rtol=1e-4):
            break
    m = beta * b / (alpha + beta * s)
    residual = yy - 2 * float(m @ b) + float(s @ m**2)
    log_det = float(np.log(alpha + beta * s).sum())
    # (q log alpha) of the prior and ((q - rank) log alpha) of the determinant leave rank log alpha.
    log_terms = n * np.log(beta / (2 * np.pi)) + rank * np.log(alpha) - log_det
    return float(log_terms - beta * residual - alpha * float(m @ m)) / (2 * n)


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
