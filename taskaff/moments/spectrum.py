"""The spectrum that a stored signature carries: computed once, checked on every load.

Equation 6 needs an eigendecomposition of each task's ``G = X'X``. It takes far longer than
everything else that a comparison does with one task, and it is the same in every comparison.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.records import ScoreSettings, TaskSignature
from taskaff.spectra import leading

if TYPE_CHECKING:
    from taskaff.records import Floats

CLOSE = 1e-9
"""Of the scale of a product: far above rounding, and no score is changed by more."""

STEPS = 8
"""Of the power iteration that looks for a leading eigenvalue that was left out."""


def with_spectrum(signature: TaskSignature, share: float | None = None) -> TaskSignature:
    """The signature with the leading eigenpairs of ``G = X'X`` that equation 6 keeps.

    Parameters
    ----------
    signature : of width ``d``; returned as it is when it has them.
    share : of the trace; by default that of ``ScoreSettings``.
    """
    share = ScoreSettings().trace_share if share is None else share
    if signature.spectrum and signature.spectrum.share == share:
        return signature
    with np.errstate(over="ignore", invalid="ignore"):
        G = signature.sxx.sum(axis=0)
        if not np.isfinite(np.trace(G)):  # for save() to refuse
            return signature
    return replace(signature, spectrum=leading(G, share))


def wrong_spectrum(s: TaskSignature) -> str | None:
    """What contradicts ``sxx`` in the spectrum of a signature, whoever wrote it."""
    if s.spectrum is None:
        return None
    values, vectors = s.spectrum.values, s.spectrum.vectors
    q = values.size
    if values.shape != (q,) or vectors.shape != (s.width, q):
        return f"the spectrum has shapes {values.shape} and {vectors.shape}"
    if not (np.isfinite(values).all() and np.isfinite(vectors).all()):
        return "the spectrum holds a number that is not finite"
    if (values <= 0).any() or (np.diff(values) > 0).any():
        return "the eigenvalues are not positive and descending"
    if not _cut_at(s.spectrum.share, values, float(np.einsum("fii->", s.sxx))):
        return f"the eigenvalues do not hold {s.spectrum.share} of the trace"
    if q and not _leading_pairs(s.sxx.sum(axis=0), values, vectors):
        return "the spectrum is not that of the sums"
    return None


def _cut_at(share: float, values: Floats, trace: float) -> bool:
    """Whether these are enough eigenvalues for the share of the trace, and no more than that."""
    if not (0.0 < share <= 1.0):
        return False
    total, least = float(values.sum()), float(values.min(initial=np.inf)) if len(values) else 0.0
    return total >= share * trace * (1.0 - CLOSE) and total - least <= share * trace * (1.0 + CLOSE)


def _leading_pairs(G: Floats, values: Floats, vectors: Floats) -> bool:
    """Whether ``G V = V D`` and ``V'V = I``, and no larger eigenvalue was left out.

    Both identities are compared in two combinations of the columns, the last by some steps of a
    power iteration on what is left of ``G``: ``O(d q)`` each, far cheaper than a decomposition.
    """
    w = np.cos(np.outer(np.arange(len(values)), (1.0, 2.5)))
    x = vectors @ w
    close = CLOSE * np.sqrt(len(G))
    if np.abs(G @ x - vectors @ (values[:, None] * w)).max() > close * values[0]:
        return False
    if np.abs(vectors.T @ x - w).max() > close:
        return False
    y = np.cos(1.5 * np.arange(len(G)))
    largest = 0.0
    for _ in range(STEPS):
        y /= max(float(np.linalg.norm(y)), np.finfo(float).tiny)
        rest = G @ y - vectors @ (values * (vectors.T @ y))
        largest, y = float(y @ rest), rest
    return bool(largest <= values[-1] * (1.0 + CLOSE) + close * values[0])
