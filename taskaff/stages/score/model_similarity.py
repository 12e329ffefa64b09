"""Model similarity (Wu, Zhang and Re, ICLR 2020, section 2.3 and A.2.1): are the heads alike?

The paper compares single-task models ``theta`` by ``|cos(theta_1, theta_2)|``, one label column
each, the sign being absorbed by the head. For more columns two readings, ours: the largest
principal cosine between the column spaces, and, directed, the share of the target model's energy
inside the source's column space. Each minus its level for random spaces of the same ranks, and each
in the plain metric and in that of the target's covariance ``C_t``, where inner products are those
of predictions on the target's rows and directions that hardly vary there do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.splits import moments
from taskaff.stages.score.subspaces import Heads, chance_cosine, overlaps, projection_share
from taskaff.stages.score.tables import for_tasks, pair_table

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

COSINE, SHARE = 0, 1

EXPLAIN_COSINE = (
    "How nearly the best single direction of the two tasks' linear models agrees{where}, above "
    "what random models would show: 0 is chance, the most is 1 minus the chance level; higher "
    "means that the tasks look for the same thing, which speaks for training them together."
)
EXPLAIN_SHARE = (
    "How much of the target's linear model the source's model already contains{where}, above what "
    "a random model would: 0 is chance, the most is 1 minus the chance level; higher means that "
    "the source knows what the target needs."
)
ON_ROWS = " when both predict the target's rows"


def model_similarity(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """Largest principal cosine of the two head spaces, minus chance; ``|cos|`` in ``extras``."""
    explain = EXPLAIN_COSINE.format(where="")
    return _table("model_similarity", COSINE, False, views, settings, explain)


def head_energy_share(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``|P_source theta_target|_F^2 / |theta_target|_F^2`` minus chance ``r_source / d``."""
    explain = EXPLAIN_SHARE.format(where="")
    return _table("head_energy_share", SHARE, False, views, settings, explain)


def model_similarity_metric(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``model_similarity`` of ``C_t^(1/2) theta``, directed because ``C_t`` is the target's."""
    explain = EXPLAIN_COSINE.format(where=ON_ROWS)
    return _table("model_similarity_metric", COSINE, True, views, settings, explain)


def head_energy_share_metric(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``head_energy_share`` of ``C_t^(1/2) theta``."""
    explain = EXPLAIN_SHARE.format(where=ON_ROWS)
    return _table("head_energy_share_metric", SHARE, True, views, settings, explain)


def _table(
    name: str,
    which: int,
    metric: bool,
    views: Sequence[TaskView],
    settings: ScoreSettings,
    explain: str,
) -> PairTable:
    missing = reasons(views, settings)
    raw = _measure(views, missing, which, metric, None)
    thetas = _thetas(views, missing, None)
    if metric:
        chance = _metric_chance(views, thetas, which)
    else:
        chance = _plain_chance(views, Heads.of(thetas).ranks, which)
    undefined, remarks = for_tasks(missing), []
    ends = None
    if settings.intervals:
        folds = [_measure(views, missing, which, metric, fold) for fold in range(FOLDS)]
        low, high = interval(raw, np.stack(folds), settings.confidence, (0.0, 1.0))
        ends = (low - chance, high - chance)
        remarks.append((np.isfinite(raw) & ~np.isfinite(low), NO_INTERVAL))
    meet = np.isfinite(raw) & (chance > 1.0 - 1e-12)
    remarks.append((meet, "says nothing: random models of so many columns always meet"))
    return pair_table(
        name,
        raw - chance,
        ends,
        explain=explain,
        directed=metric or which == SHARE,
        undefined=undefined,
        remarks=remarks,
        extras={"measured": raw, "chance": chance},
    )


def _thetas(views: Sequence[TaskView], missing: Sequence[str], fold: int | None) -> list[Floats]:
    """Every task's model, fitted on all rows or without a fold; no columns where undefined."""
    thetas = []
    for view, why in zip(views, missing, strict=True):
        if why:
            thetas.append(np.zeros((view.width, 0)))
        else:
            thetas.append(model(view).theta if fold is None else model(view).without[fold])
    return thetas


def _measure(
    views: Sequence[TaskView],
    missing: Sequence[str],
    which: int,
    metric: bool,
    fold: int | None,
) -> Floats:
    """``(k, k)`` cosines or shares, uncorrected, on all rows or without a fold of every task."""
    thetas = _thetas(views, missing, fold)
    heads = Heads.of(thetas)
    measures = np.full((len(views), len(views)), np.nan)
    for t, view in enumerate(views):
        if heads.ranks[t]:
            C = moments(view.signature, without=fold).C if metric else None
            measures[:, t] = overlaps(heads, thetas[t], t, C)[which]
    return measures


def _plain_chance(views: Sequence[TaskView], ranks: Sequence[int], which: int) -> Floats:
    """``(k, k)`` level of random spaces of the same ranks.

    A column that is constant in a task (zero-padding) has no weight in its model. With ``d_s`` and
    ``d_t`` varying columns, ``m`` of them in both, two random models have a mean squared cosine of
    ``m / (d_s d_t)``: they meet as if in ``d_s d_t / m`` dimensions.
    """
    live = np.array([view.variances > 0 for view in views], dtype=np.float64)
    both = live @ live.T
    levels = np.full((len(ranks), len(ranks)), np.nan)
    for s, t in _pairs(ranks):
        d = both[s, s] * both[t, t] / both[s, t] if both[s, t] else math.inf
        cosine = chance_cosine(ranks[s], ranks[t], d)
        levels[s, t] = cosine if which == COSINE else min(ranks[s] / d, 1.0)
    return levels


def _metric_chance(views: Sequence[TaskView], thetas: Sequence[Floats], which: int) -> Floats:
    """``(k, k)`` level of random models through ``C_t^(1/2)``: they crowd where the target varies.

    Their mean share of the target's space replaces ``r_source / d``; a cosine is then read as in
    a space of so many dimensions, which is an approximation.
    """
    heads = Heads.of(thetas)
    levels = np.full((len(views), len(views)), np.nan)
    for t in (t for t, rank in enumerate(heads.ranks) if rank):
        seen = _seen(views[t], thetas[t], heads.one(t))
        for rank in set(heads.ranks) - {0}:
            inside = seen.inside(rank)
            level = float(inside @ seen.energy / seen.energy.sum())
            if which == COSINE:
                d = rank * heads.ranks[t] / max(float(inside @ seen.own), 1e-300)
                d = max(d, min(rank + heads.ranks[t], int(np.count_nonzero(inside))))
                level = chance_cosine(rank, heads.ranks[t], d)
            levels[[r == rank for r in heads.ranks], t] = level
    return levels


@dataclass(frozen=True, eq=False)
class _Seen:
    """What random models are compared with: a target's model, direction by direction of ``C_t``."""

    v: Floats
    """``(d,)`` eigenvalues, never negative."""
    energy: Floats
    """``(d,)`` of the model."""
    own: Floats
    """``(d,)`` of an orthonormal basis of its space."""
    shares: dict[int, Floats]

    def inside(self, rank: int) -> Floats:
        """``(d,)`` share of each direction in a random space of ``rank`` dimensions."""
        if rank not in self.shares:
            self.shares[rank] = projection_share(self.v, rank)
        return self.shares[rank]


_SEEN: WeakKeyDictionary[TaskView, _Seen] = WeakKeyDictionary()


def _seen(view: TaskView, theta: Floats, basis: Floats) -> _Seen:
    """Energy of a target's model by direction of ``C_t``; computed once a view."""
    seen = _SEEN.get(view)
    if seen is None:
        v, V = np.linalg.eigh(moments(view.signature).C)
        v = np.maximum(v, 0.0)
        through = np.sqrt(v)[:, None] * V.T
        energy = ((through @ theta) ** 2).sum(axis=1)
        own = (np.linalg.qr(through @ basis)[0] ** 2).sum(axis=1)
        seen = _SEEN[view] = _Seen(v, energy, own, {})
    return seen


def _pairs(ranks: Sequence[int]) -> Iterator[tuple[int, int]]:
    yield from ((s, t) for s in range(len(ranks)) for t in range(len(ranks)) if ranks[s] * ranks[t])
