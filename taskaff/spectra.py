"""The leading eigenpairs of a task's ``G = X'X``: what equation 6 of Wu, Zhang and Re keeps.

Computed when a signature is saved, or else when it is compared: both must cut at the same place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskaff.records import Spectrum

if TYPE_CHECKING:
    from taskaff.records import Floats

ROUNDING = 1e-12
"""A sum that misses the share by less of it counts as reaching it."""


def leading(G: Floats, share: float) -> Spectrum:
    """The fewest leading eigenpairs of symmetric ``G (d, d)`` with ``share`` of its trace.

    Returns
    -------
    ``q`` eigenvalues, descending and positive, and their vectors ``(d, q)``; none of zero ``G``.
    """
    values, vectors = np.linalg.eigh(G)
    values = np.maximum(values[::-1], 0.0)
    reached = np.cumsum(values) >= share * values.sum() * (1.0 - ROUNDING)
    count = min(int(np.argmax(reached)) + 1, int((values > 0).sum()))
    return Spectrum(share, values[:count].copy(), np.ascontiguousarray(vectors[:, ::-1][:, :count]))


def similarity(one: Spectrum, other: Spectrum) -> float:
    """Equation 6 as printed, ``|(U1 D1^1/2)' U2 D2^1/2| / (|U1 D1^1/2| |U2 D2^1/2|)``; NaN of 0."""
    roots = [spectrum.vectors * np.sqrt(spectrum.values) for spectrum in (one, other)]
    size = float(np.linalg.norm(roots[0]) * np.linalg.norm(roots[1]))
    return float(np.linalg.norm(roots[0].T @ roots[1])) / size if size > 0 else float("nan")
