"""Facts of one task that predictions read beside its scores: labels, difficulty, spread.

Numbers that a signature gives at once, under stable names; NaN where they are undefined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.ridge import model, reason
from taskaff.stages.score.task_statistics import TaskView


def facts(view: TaskView, settings: ScoreSettings) -> Mapping[str, float]:
    """Facts of one task.

    ``constant_loss`` is the loss of a constant prediction in the probe's unit: the entropy of the
    labels (classes, nats), the mean entropy of the columns (multi-label), 1 (regression, label
    variances). ``top_share`` is the share of the commonest class. ``ridge_error`` is the
    cross-validated squared error of the task's linear model over the label variance, ``penalty``
    the log10 of the penalty that was chosen. ``dimensions`` is the participation ratio
    ``tr(C)^2 / |C|_F^2``; ``mean_share`` the share of ``G``'s trace that the mean text holds;
    ``spread`` the log10 of the mean variance of a column.
    """
    model_facts = dict.fromkeys(("ridge_error", "penalty"), math.nan)
    if not reason(view, settings):
        fitted = model(view)
        model_facts = {"ridge_error": fitted.error, "penalty": math.log10(fitted.penalty)}
    return {**_labels(view), **model_facts, **_inputs(view)}


def _labels(view: TaskView) -> dict[str, float]:
    signature, rows = view.signature, view.rows
    share = signature.sy.sum(axis=0) / max(rows, 1)
    kind = signature.schema.kind
    if not rows or not len(share) or kind == "none":
        return {"constant_loss": math.nan, "top_share": math.nan}
    if kind == "regression":
        return {"constant_loss": 1.0, "top_share": math.nan}
    if kind == "multilabel":
        entropy = _plogp(share) + _plogp(1.0 - share)
        return {"constant_loss": float(entropy.mean()), "top_share": float(share.max())}
    return {"constant_loss": float(_plogp(share).sum()), "top_share": float(share.max())}


def _plogp(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 0.0, 1.0)
    return np.asarray(-p * np.log(p, out=np.zeros_like(p), where=p > 0))


def _inputs(view: TaskView) -> dict[str, float]:
    names = ("dimensions", "mean_share", "spread")
    variances = view.variances
    total, live = float(variances.sum()), int((variances > 0).sum())
    if not live:
        return dict.fromkeys(names, math.nan)
    square = float((view.covariance() ** 2).sum())
    trace = float(np.einsum("fii->", view.signature.sxx))
    return {
        "dimensions": total**2 / square,
        "mean_share": view.rows * float(view.mean @ view.mean) / trace,
        "spread": math.log10(total / live),
    }
