"""Metrics on held-out rows by label kind, for many runs at once, in float64.

Undefined ones (one class present, a constant prediction) are NaN, but for Matthews' coefficient,
which is 0 there by convention. Larger is better, except for ``log_loss``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax, softmax
from scipy.stats import rankdata

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints

MAIN = {"classes": "accuracy", "multilabel": "auc", "regression": "spearman"}
"""The metric that a pair's result shows: W's choice for classes and regression (B.3)."""


def metrics(kind: int, outputs: np.ndarray, codes: Ints, values: np.ndarray) -> dict[str, Floats]:
    """Each metric ``(m,)`` of outputs ``(m, n, c)``; ``kind`` as in ``data.KINDS``."""
    out = outputs.astype(np.float64)
    with np.errstate(all="ignore"):
        if kind == 0:
            return class_metrics(out, codes)
        if kind == 1:
            return multilabel_metrics(out, values.astype(np.float64))
        return regression_metrics(out, values.astype(np.float64))


def class_metrics(out: Floats, codes: Ints) -> dict[str, Floats]:
    """Accuracy, macro-F1, Matthews' coefficient, log-loss; AUC with two classes."""
    m, n, c = out.shape
    flat = codes * c + out.argmax(-1) + np.arange(m)[:, None] * c * c
    table = np.bincount(flat.ravel(), minlength=m * c * c).reshape(m, c, c).astype(np.float64)
    values = {
        "accuracy": np.trace(table, axis1=1, axis2=2) / n,
        "macro_f1": _macro_f1(table),
        "matthews": _matthews(table),
        "log_loss": -log_softmax(out, axis=-1)[:, np.arange(n), codes].mean(-1),
    }
    if c == 2:
        values["auc"] = _auc(softmax(out, axis=-1)[..., 1], codes == 1)
    return values


def multilabel_metrics(out: Floats, Y: Floats) -> dict[str, Floats]:
    """Means over labels of accuracy, F1 and AUC (where both values occur), and log-loss."""
    hit, said = Y > 0.5, out > 0
    both = (said & hit).sum(1)
    f1 = 2 * both / np.maximum(said.sum(1) + hit.sum(0), 1)
    mixed = np.flatnonzero(hit.any(0) & ~hit.all(0))
    aucs = [_auc(out[..., j], hit[:, j]) for j in mixed]
    return {
        "auc": np.mean(aucs, axis=0) if aucs else np.full(len(out), np.nan),
        "accuracy": (said == hit).mean((1, 2)),
        "macro_f1": f1.mean(-1),
        "log_loss": (np.logaddexp(0, out) - out * Y).mean((1, 2)),
    }


def regression_metrics(out: Floats, Y: Floats) -> dict[str, Floats]:
    """Means over targets of Spearman, Pearson and R²."""
    ranked = rankdata(out, axis=1), rankdata(Y, axis=0)
    spread = np.square(Y - Y.mean(0)).mean(0)
    r2 = 1 - np.square(out - Y).mean(1) / np.where(spread > 0, spread, np.nan)
    return {
        "spearman": _pearson(*ranked).mean(-1),
        "pearson": _pearson(out, Y).mean(-1),
        "r2": r2.mean(-1),
    }


def _macro_f1(table: Floats) -> Floats:
    """Over the classes that occur in the rows or the predictions, as scikit-learn does."""
    hits, total = np.diagonal(table, axis1=1, axis2=2), table.sum(1) + table.sum(2)
    f1 = 2 * hits / np.where(total > 0, total, np.nan)
    mean: Floats = np.nanmean(f1, axis=-1)
    return mean


def _matthews(table: Floats) -> Floats:
    truth, said, n = table.sum(2), table.sum(1), table.sum((1, 2))
    covariance = np.trace(table, axis1=1, axis2=2) * n - (truth * said).sum(-1)
    spread = (n**2 - (said**2).sum(-1)) * (n**2 - (truth**2).sum(-1))
    return np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1)), 0.0)


def _auc(score: Floats, positive: np.ndarray) -> Floats:
    """Area under the ROC curve by ranks (Mann and Whitney), ties counted half; ``score (m, n)``."""
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return np.full(len(score), np.nan)
    ranks = rankdata(score, axis=1)[:, positive].sum(1)
    area: Floats = (ranks - ones * (ones + 1) / 2) / (ones * zeros)
    return area


def _pearson(a: Floats, b: Floats) -> Floats:
    """Correlations ``(m, c)`` of ``a (m, n, c)`` with ``b (n, c)``; NaN for a constant."""
    a, b = a - a.mean(1, keepdims=True), b - b.mean(0)
    size = np.sqrt(np.square(a).sum(1) * np.square(b).sum(0))
    correlation: Floats = (a * b).sum(1) / np.where(size > 0, size, np.nan)
    return correlation
