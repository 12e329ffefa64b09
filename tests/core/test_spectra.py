"""Equation 6's truncation: the fewest leading eigenpairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaff.core.spectra import leading


def naive(G, share):
    """Eigenvalues one by one, from the largest, until the share is reached."""
    values, vectors = np.linalg.eigh(G)
    kept = []
    for at in np.argsort(values)[::-1]:
        if values[kept].sum() >= share * np.trace(G) * (1 - 1e-12):
            break
        kept.append(at)
    return values[kept], (vectors[:, kept] * values[kept]) @ vectors[:, kept].T


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 8), st.floats(0.05, 1.0))
@settings(deadline=None)
def test_it_is_the_fewest_leading_eigenpairs(seed, n, d, share):
    X = np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(2.0, 0.2, d)
    found = leading(X.T @ X, share)
    values, truncated = naive(X.T @ X, share)
    scale = values[0]
    # A share of 1 of a singular matrix: how many of the last eigenvalues are zero is rounding.
    q = min(len(values), len(found.values))
    np.testing.assert_allclose(found.values[:q], values[:q], atol=1e-12 * scale)
    assert max(found.values[q:].sum(), values[q:].sum()) <= 1e-9 * scale
    product = (found.vectors * found.values) @ found.vectors.T
    np.testing.assert_allclose(product, truncated, atol=1e-9 * scale)


def test_zero_has_none():
    assert leading(np.zeros((3, 3)), 0.99).values.shape == (0,)
