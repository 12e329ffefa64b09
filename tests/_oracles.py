"""The published formulas as they stand, on rows, with loops: oracles for the fast versions.

Everything takes rows ``X (n, d)`` and, where folds matter, a fold number per row.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

FOLDS = 4
T3_90 = 2.3533634348018264
"""Two-sided 90 % quantile of Student's t with 3 degrees of freedom (any printed table: 2.353)."""


def equation_6(X1, X2, share=0.99):
    """Wu, Zhang and Re, equation 6, by full singular value decompositions of the rows."""
    halves = []
    for X in (X1, X2):
        _, s, vt = np.linalg.svd(X, full_matrices=False)
        eigenvalues = s**2
        rank = 1
        while eigenvalues[:rank].sum() < share * eigenvalues.sum() * (1 - 1e-12):
            rank += 1
        halves.append(vt[:rank].T * s[:rank])
    U1, U2 = halves
    return np.linalg.norm(U1.T @ U2) / (np.linalg.norm(U1) * np.linalg.norm(U2))


def jackknife_90(value, replicates, low=-np.inf, high=np.inf):
    replicates = np.array(replicates)
    spread = sum((r - replicates.mean()) ** 2 for r in replicates)
    reach = T3_90 * np.sqrt((FOLDS - 1) / FOLDS * spread)
    return max(low, value - reach), min(high, value + reach)


def similarity_interval(X1, f1, X2, f2):
    whole = equation_6(X1, X2)
    plain = [equation_6(X1[f1 != h], X2[f2 != h], share=1.0) for h in range(FOLDS)]
    return jackknife_90(whole, [whole * p / np.mean(plain) for p in plain], 0.0, 1.0)


def scatter(X):
    """Sum of the outer products of the rows about their mean."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for x in X - (X.mean(axis=0) if len(X) else 0.0):
        total += np.outer(x, x)
    return total


def cross_fold(X1, f1, X2, f2, folds):
    """Mean inner product of covariances of different folds."""
    top = bottom = 0.0
    for f, g in permutations(folds, 2):
        A, B = X1[f1 == f], X2[f2 == g]
        if len(A) > 1 and len(B) > 1:
            top += (scatter(A) * scatter(B)).sum()
            bottom += (len(A) - 1) * (len(B) - 1)
    return top / bottom


def alignment(X1, f1, X2, f2, folds=range(FOLDS)):
    norms = cross_fold(X1, f1, X1, f1, folds) * cross_fold(X2, f2, X2, f2, folds)
    return cross_fold(X1, f1, X2, f2, folds) / np.sqrt(norms)


def alignment_interval(X1, f1, X2, f2):
    left = [[g for g in range(FOLDS) if g != h] for h in range(FOLDS)]
    value = np.clip(alignment(X1, f1, X2, f2), 0.0, 1.0)
    return jackknife_90(value, [alignment(X1, f1, X2, f2, folds) for folds in left], 0.0, 1.0)


def squared_shift(X1, f1, X2, f2, folds=range(FOLDS)):
    variance = (X1.var(axis=0, ddof=1) + X2.var(axis=0, ddof=1)) / 2.0
    top = bottom = 0.0
    for f, g in permutations(folds, 2):
        parts = [(X1[f1 == h], X2[f2 == h]) for h in (f, g)]
        if not all(len(A) and len(B) for A, B in parts):
            continue
        weight = np.prod([len(A) * len(B) / (len(A) + len(B)) for A, B in parts])
        deltas = [B.mean(axis=0) - A.mean(axis=0) for A, B in parts]
        top += weight * (deltas[0] * deltas[1] / variance).sum()
        bottom += weight * X1.shape[1]
    return top / bottom


def shift_interval(X1, f1, X2, f2):
    left = [[g for g in range(FOLDS) if g != h] for h in range(FOLDS)]
    whole = squared_shift(X1, f1, X2, f2)
    ends = jackknife_90(whole, [squared_shift(X1, f1, X2, f2, folds) for folds in left], 0.0)
    return np.sqrt(ends)
