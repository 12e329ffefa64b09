"""Covariance similarity: Wu, Zhang and Re, ICLR 2020, section 2.3, equation 6, as printed.

Reading of the paper's "99% of the singular values", ours: the fewest leading eigenvalues of
``G = X'X`` whose sum is at least 99 % of the trace. ``G`` is not centred, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.core.spectra import leading
from taskaff.stages.score.grams import frobenius_grams, on_every_core
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.tables import Why, for_tasks, pair_table, too_few_rows

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "How far two tasks' inputs occupy the same directions, from 0 (none in common) to 1; higher "
    "means more alike, but the value depends on the number of rows, is dominated by the average "
    "text, and a task compared with itself does not reach 1: read covariance_alignment beside it."
)


def covariance_similarity(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """Equation 6 for all pairs, with fold-jackknife intervals.

    ``||(U1 D1^1/2)' U2 D2^1/2||_F / (||U1 D1^1/2||_F ||U2 D2^1/2||_F)``, which is
    ``sqrt(<T1, T2>_F / (tr T1 tr T2))`` for the truncated ``T = U D U' (d, d)``.

    The replicates of the interval leave one fold out of the score without truncation and are
    scaled to the printed score: the effect of the truncation, ``score / untruncated score``, is
    held at its full-sample value.
    """
    truncated = truncate_all(views, settings)
    places = {id(view): i for i, view in enumerate(views)}

    def band(view: TaskView, a: int, b: int, out: Floats) -> None:
        out[0] = truncated[places[id(view)]][a:b, a:]

    inner = frobenius_grams(views, 1, band)[0]
    traces = np.array([np.trace(matrix) for matrix in truncated])
    value = _cosine(inner, traces)
    undefined = too_few_rows(views, settings) + for_tasks(
        [
            "" if t > 0 else f"every vector of {v.name!r} is zero"
            for v, t in zip(views, traces, strict=True)
        ]
    )
    ends, remarks = None, list[Why]()
    if settings.intervals:
        without = _untruncated_without_each_fold(views)
        replicates = value * without / without.mean(axis=0)
        ends = interval(value, replicates, settings.confidence, (0.0, 1.0))
        remarks = [(np.isfinite(value) & ~np.isfinite(ends[0]), NO_INTERVAL)]
    return pair_table(
        "covariance_similarity",
        value,
        ends,
        explain=EXPLAIN,
        undefined=undefined,
        remarks=remarks,
    )


def truncate_all(views: Sequence[TaskView], settings: ScoreSettings) -> list[Floats]:
    """Every task's truncated ``G``, one task a core.

    Those of the tasks in ``settings.around`` are cached with their views: such a task is scored
    against one other task at a time, and would be decomposed again for each.
    """

    def one(view: TaskView) -> Floats:
        key = settings.trace_share
        cached = _AROUND.setdefault(view, {}) if view.name in settings.around else {}
        if key not in cached:
            cached[key] = truncate(view.gram(), key)
        return cached[key]

    return list(on_every_core(one, views, 10.0 * len(views) * views[0].width ** 3))


_AROUND: WeakKeyDictionary[TaskView, dict[float, Floats]] = WeakKeyDictionary()
"""Truncated ``G`` of a view by share of the trace; freed with the view, that is with the run."""


def truncate(G: Floats, share: float) -> Floats:
    """Best approximation ``(d, d)`` of ``G`` by the fewest eigenvalues with ``share`` of the trace.

    A sum that misses the share by rounding alone counts as reaching it.
    """
    values, vectors = leading(G, share)
    root = vectors * np.sqrt(values)
    return np.asarray(root @ root.T)


def _cosine(inner: Floats, traces: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = inner / (traces[:, None] * traces[None, :])
    return np.sqrt(np.clip(ratio, 0.0, 1.0))


def _untruncated_without_each_fold(views: Sequence[TaskView]) -> Floats:
    """``(FOLDS, k, k)``: ``sqrt(<G1, G2> / (tr G1 tr G2))``, one fold left out of both tasks."""

    def band(view: TaskView, a: int, b: int, out: Floats) -> None:
        sums = view.signature.sxx[:, a:b, a:]
        np.subtract(sums.sum(axis=0), sums, out=out, casting="same_kind")

    traces = np.array([np.einsum("fii->f", view.signature.sxx) for view in views])
    left = traces.sum(axis=1, keepdims=True) - traces
    grams = frobenius_grams(views, FOLDS, band, np.float32)
    return np.stack([_cosine(gram, left[:, f]) for f, gram in enumerate(grams)])
