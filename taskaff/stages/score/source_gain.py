"""Source gain: does the source's linear model help the target's, on rows that neither has seen?

Ours. The target's ridge regression is fitted with and without the outputs ``z = theta_s' x`` of the
source's model as extra inputs, and the drop of its cross-validated squared error is given relative
to the target's label variance. No row is needed: ``z`` is linear in ``x``, so that with ``W`` its
standardised directions the extra inputs only change the penalty from ``mu |b|^2`` to
``mu b' (I + W W')^-1 b``, whose solution is, with ``R = (C + mu I)^-1``,

    beta = R S + mu R W (I + W' C R W)^-1 W' R S.

Held-out fold ``f`` of the target meets the source's model fitted without *its* fold ``f``. A row's
fold is a function of its content, so that rows shared by the two tasks cannot leak into the gain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.splits import PENALTIES, Split, splits
from taskaff.stages.score.tables import for_tasks, pair_table

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "How much of the target's labels, as a share of their variance, a linear model predicts "
    "better on unseen rows when it may also use what the source's model says: above 0 the source "
    "knows something that the target's own rows do not show, 0 or less means that it adds nothing."
)

SAME = 1e-12
"""Directions below this share of the largest squared one add nothing to ``W W'``."""


def source_gain(
    views: Sequence[TaskView],
    settings: ScoreSettings,
    *,
    helpers: Collection[int] | None = None,
    targets: Collection[int] | None = None,
) -> PairTable:
    """``(error without - error with) / label variance``, each at its own best penalty.

    ``extras``: ``error_without`` and ``error_with``, both relative to the label variance. Other
    entries than those from ``helpers`` to ``targets`` (all by default) are left undefined.
    """
    missing = reasons(views, settings)
    k = len(views)
    usable = [i for i in range(k) if not missing[i]]
    without, with_, rows = np.full((3, FOLDS, k, k), np.nan)
    centres = {i for i in usable if not settings.around or views[i].name in settings.around}
    for t in (i for i in usable if targets is None or i in targets):
        sources = usable if t in centres else [s for s in usable if s in centres]
        sources = [s for s in sources if helpers is None or s in helpers]
        base, gained, held = _target(views[t], [model(views[s]).without for s in sources])
        variance = model(views[t]).variance
        without[:, usable, t] = base[:, None] / variance
        with_[:, sources, t] = gained / variance
        rows[:, :, t] = held[:, None]
    drop, total = without - with_, rows.sum(axis=0)
    ends = None
    remarks = []
    if settings.intervals:
        rest = total - rows
        left_out = np.divide(drop.sum(axis=0) - drop, rest, where=rest > 0, out=rest * np.nan)
        left_out[:, (rows == 0).any(axis=0)] = np.nan
        ends = interval(drop.sum(axis=0) / total, left_out, settings.confidence)
        remarks.append((~np.isfinite(ends[0]) & np.isfinite(total), NO_INTERVAL))
    return pair_table(
        "source_gain",
        drop.sum(axis=0) / total,
        ends,
        explain=EXPLAIN,
        directed=True,
        undefined=for_tasks(missing),
        remarks=remarks,
        extras={
            "error_without": without.sum(axis=0) / total,
            "error_with": with_.sum(axis=0) / total,
        },
    )


def _target(view: TaskView, sources: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Held-out squared errors of one target: ``(FOLDS,)`` alone, ``(FOLDS, k)`` with each source.

    ``sources`` are the ``(FOLDS, d, c)`` models of ``Ridge.without``. The third result is the rows
    of each fold; an empty fold has none and no error.
    """
    alone = np.zeros((FOLDS, len(PENALTIES)))
    helped = np.zeros((FOLDS, len(PENALTIES), len(sources)))
    for split in splits(view.signature):
        alone[split.fold] = split.errors()
        helped[split.fold] = alone[split.fold][:, None]
        for members in _same_width(sources):
            thetas = np.stack([sources[s][split.fold] for s in members])
            helped[split.fold][:, members] += _change(split, directions(split, thetas))
    best_alone = int(np.argmin(alone.sum(axis=0)))
    best = np.argmin(helped.sum(axis=0), axis=0)
    chosen = np.take_along_axis(helped, best[None, None, :], axis=1)[:, 0]
    return alone[:, best_alone], chosen, view.n


def _same_width(sources: Sequence[Floats]) -> list[list[int]]:
    widths = [source.shape[2] for source in sources]
    return [[i for i, w in enumerate(widths) if w == width] for width in sorted(set(widths))]


def directions(split: Split, thetas: Floats) -> Floats:
    """``W' (g, r, d)`` of ``g`` sources ``(g, d, c)`` of equal width, in the split's eigenbasis.

    Each output is scaled to the variance of all the target's inputs together: a direction that the
    ridge could otherwise only follow at the price of a large weight becomes as cheap as all of
    the input. An output that is constant on the target is dropped. Since only ``W W'`` matters, the
    outputs are then turned to their principal directions and the empty ones left out, so that two
    opposite columns of a binary task cost no more than one.
    """
    turned = np.swapaxes(thetas, 1, 2) @ split.V
    variance = (turned**2) @ split.v
    total = split.v.sum() * (turned**2).sum(axis=2)
    live = variance > SAME * total
    scale = np.sqrt(np.divide(split.v.sum(), variance, where=live, out=np.zeros_like(variance)))
    W = turned * scale[:, :, None]
    size, vectors = np.linalg.eigh(W @ np.swapaxes(W, 1, 2))
    used = int((size > SAME * size.max(axis=1, keepdims=True, initial=0.0)).sum(axis=1).max())
    return np.asarray(np.swapaxes(vectors[:, :, -used:] if used else vectors[:, :, :0], 1, 2) @ W)


def _change(split: Split, W: Floats) -> Floats:
    """``(L, g)`` change of the held-out squared error for each penalty and source."""
    g, r, d = W.shape
    out = np.zeros((len(PENALTIES), g))
    if not r:
        return out
    flat = W.reshape(g * r, d)
    eye = np.eye(r)
    for level, (mu, R) in enumerate(zip(split.penalties, split.shrinkage(), strict=True)):
        alone = R[:, None] * split.P
        RW = flat * R
        inner = eye + (RW * split.v).reshape(g, r, d) @ np.swapaxes(W, 1, 2)
        b = mu * np.linalg.solve(inner, (flat @ alone).reshape(g, r, -1))
        linear = (RW @ (split.H @ alone - split.Q)).reshape(g, r, -1)
        square = (RW @ split.H).reshape(g, r, d) @ np.swapaxes(RW.reshape(g, r, d), 1, 2)
        out[level] = (b * (2.0 * linear + square @ b)).sum(axis=(1, 2))
    return out
