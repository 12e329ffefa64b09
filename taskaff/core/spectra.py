"""The leading eigenpairs of a task's ``G = X'X``, which equation 6 of Wu, Zhang and Re uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

ROUNDING = 1e-12
"""A sum that misses the share by less of it counts as reaching it."""


class Spectrum(NamedTuple):
    """The fewest leading eigenpairs of ``G (d, d)`` that hold some share of its trace."""

    values: Floats
    """``(q,)`` eigenvalues, descending, all positive."""
    vectors: Floats
    """``(d, q)`` eigenvectors, one a column."""


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
    return Spectrum(values[:count].copy(), np.ascontiguousarray(vectors[:, ::-1][:, :count]))


def similarity(one: Spectrum, other: Spectrum) -> float:
    """Equation 6 as printed, ``|(U1 D1^1/2)' U2 D2^1/2| / (|U1 D1^1/2| |U2 D2^1/2|)``; NaN of 0."""
    roots = [spectrum.vectors * np.sqrt(spectrum.values) for spectrum in (one, other)]
    size = float(np.linalg.norm(roots[0]) * np.linalg.norm(roots[1]))
    return float(np.linalg.norm(roots[0].T @ roots[1])) / size if size > 0 else float("nan")
