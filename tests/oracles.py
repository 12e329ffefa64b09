"""The published formulas as they stand, on rows, with loops: oracles for the fast versions.

Everything takes rows ``X (n, d)`` and, where folds matter, a fold number per row.
"""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
from scipy.optimize import minimize

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


def linear_cka(Z, Y):
    """Kornblith et al. (2019), by the kernels of all rows."""
    K, L = ((A - A.mean(axis=0)) @ (A - A.mean(axis=0)).T for A in (Z, Y))
    return (K * L).sum() / (np.linalg.norm(K) * np.linalg.norm(L))


def log_evidence(Z, y):
    """Largest log evidence a row of ``y`` given features ``Z``, by the covariance of all rows."""
    n = len(y)

    def negative(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(n) / beta + Z @ Z.T / alpha
        _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
        return 0.5 * (log_det + y @ np.linalg.solve(covariance, y)) / n

    return -minimize(negative, [0.0, 0.0], method="Nelder-Mead").fun


# ------------------------------------------------------------------- the predictor

UNIT = 0.02
"""Nats up to which gains are linear."""


def asinh(gain):
    """By the definition: ``log(x + sqrt(x^2 + 1))`` of the gain in units."""
    x = gain / UNIT
    return np.sign(x) * np.log(abs(x) + np.sqrt(x * x + 1))


def gain_error(row, rows, prior_seeds=4):
    """Standard error of one row's gain: its own variance over seeds, pooled with the usual one.

    The usual variance is the median of the target's known ones, else of all, else ``UNIT^2``; a
    variance is known where several seeds gave a standard error.
    """

    def variance(r):
        return r["stderr"] ** 2 * r["seeds"]

    known = [r for r in rows if r["seeds"] > 1 and r["stderr"] == r["stderr"]]
    of_target = [r for r in known if r["target"] == row["target"]]
    if of_target:
        usual = np.median([variance(r) for r in of_target])
    elif known:
        usual = np.median([variance(r) for r in known])
    else:
        usual = UNIT**2
    own = variance(row) if row in known else usual
    freedom = row["seeds"] - 1
    pooled = (freedom * own + prior_seeds * usual) / (freedom + prior_seeds)
    return np.sqrt(pooled / row["seeds"])


def row_weights(rows, setup_of):
    """Less for gains with large errors; the views of one measurement share its weight."""
    errors = [gain_error(r, rows) / np.sqrt(r["gain"] ** 2 + UNIT**2) for r in rows]

    def measured(r):
        return (r["source"], r["target"], setup_of(r))

    return errors, [
        1 / (1 + (e / np.median(errors)) ** 2) / sum(measured(o) == measured(r) for o in rows)
        for e, r in zip(errors, rows, strict=True)
    ]


def weighted_mean(values, weights):
    top = bottom = 0.0
    for value, weight in zip(values, weights, strict=True):
        top += weight * value
        bottom += weight
    return top / bottom


def target_effects(z, weight, target, setup, usual=1.0):
    """Mean ``z`` of a target in a set-up, with one more pair that has the set-up's mean."""
    found = []
    for t, s in zip(target, setup, strict=True):
        inside = [i for i in range(len(z)) if setup[i] == s]
        own = [i for i in inside if target[i] == t]
        common = weighted_mean([z[i] for i in inside], [weight[i] for i in inside])
        found.append(
            weighted_mean([*(z[i] for i in own), common], [*(weight[i] for i in own), usual])
        )
    return found


def less_group_means(x, weight, group):
    """Each value less the weighted mean of its group."""
    found = []
    for value, g in zip(x, group, strict=True):
        own = [i for i in range(len(x)) if group[i] == g]
        found.append(value - weighted_mean([x[i] for i in own], [weight[i] for i in own]))
    return np.array(found)


def ridge_of_differences(X, y, weight, group, penalty=100.0):
    """``(D' W D + penalty I)^-1 D' W y``; ``D``: rows less their group's mean, ``W`` of mean 1."""
    D = np.column_stack([less_group_means(x, weight, group) for x in X.T])
    W = np.diag(weight / np.mean(weight))
    return np.linalg.solve(D.T @ W @ D + penalty * np.eye(D.shape[1]), D.T @ W @ y)


def shrunk_residuals(residual, error, weight):
    """What residuals would be if every gain had the median error.

    The model's own variance is the mean square less what the errors make of it, at least a tenth.
    """
    total = weighted_mean([r**2 for r in residual], weight)
    own = max(total - weighted_mean([e**2 for e in error], weight), total / 10)
    typical = np.median(error) ** 2
    return np.array(
        [
            r * np.sqrt(own + typical) / np.sqrt(own + e**2)
            for r, e in zip(residual, error, strict=True)
        ]
    )


def weighted_quantile(values, weights, level):
    """Where the weight below, half the own one counted, is this share; linear in between."""
    pairs = sorted(zip(values, weights, strict=True))
    total, below, points = sum(weights), 0.0, []
    for value, weight in pairs:
        points.append(((below + weight / 2) / total, value))
        below += weight
    if level <= points[0][0]:
        return points[0][1]
    for (a, x), (b, y) in pairwise(points):
        if level <= b:
            return x + (y - x) * (level - a) / (b - a)
    return points[-1][1]


def rank(values):
    """Number of smaller values, plus half of the equal ones."""
    return [sum(o < v for o in values) + (sum(o == v for o in values) - 1) / 2 for v in values]


def rank_correlation(a, b):
    """Pearson's correlation of the ranks; NaN where one side does not vary."""
    if len(set(a)) < 2 or len(set(b)) < 2:
        return np.nan
    return np.corrcoef(rank(a), rank(b))[0, 1]


def rank_correlation_within(a, b, group, least=4):
    """Mean over groups of at least ``least`` of the rank correlation inside."""
    found = []
    for g in set(group):
        own = [i for i in range(len(a)) if group[i] == g]
        if len(own) >= least:
            found.append(rank_correlation([a[i] for i in own], [b[i] for i in own]))
    return np.nanmean(found)


def win_rate(score, event):
    """How often an event scores above a non-event; ties count half."""
    wins = [
        (a > b) + (a == b) / 2
        for a, x in zip(score, event, strict=True)
        for b, y in zip(score, event, strict=True)
        if x and not y
    ]
    return np.mean(wins) if wins else np.nan


def chance_below(limit, residuals):
    """``(k + 1/2) / (m + 1)`` of ``m`` residuals, the k-th of which has its middle at k - 1/2.

    Linear between two residuals; all ``m`` beyond the last and none before the first.
    """
    m = len(residuals)
    if limit < residuals[0]:
        return 0.5 / (m + 1)
    if limit > residuals[-1]:
        return (m + 0.5) / (m + 1)
    for k in range(m - 1):
        if residuals[k] <= limit < residuals[k + 1]:
            part = (limit - residuals[k]) / (residuals[k + 1] - residuals[k])
            return (k + 0.5 + part + 0.5) / (m + 1)
    return (m - 0.5 + 0.5) / (m + 1)


def h_score(C, between, n):
    """Chen et al. 2010, equation 23, and Ibrahim et al. 2022: both matrices shrunk."""
    q, trace = len(C), sum(np.diag(C))
    square = sum(x**2 for x in np.ravel(C))
    rho = ((1 - 2 / q) * square + trace**2) / ((n + 1 - 2 / q) * (square - trace**2 / q))
    rho = min(1.0, rho)
    shrunk = (1 - rho) * C + rho * trace / q * np.eye(q)
    return np.trace(np.linalg.inv(shrunk) @ ((1 - rho) * between))
