"""Moment gain: the probe's question, answered by training on signatures.

Ours. W define transfer by training: a source transfers positively if the target does better on its
held-out rows when both are trained. Here both arms are trained on the tasks' moments instead of
their rows (``dynamics``, ``likelihoods``), with the capacity, the rows, the updates and the mixture
of the planned training, from the same initial weights, and stopped where the held-out loss over all
folds is least. Noise of batches and draws, which a probe averages over seeds, is not in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.parallel import ordered_map
from taskaff.records import FOLDS, PairTable, ScoreSettings
from taskaff.scoring.dynamics import train
from taskaff.scoring.folded import held_out, training
from taskaff.scoring.jackknife import NO_INTERVAL, interval
from taskaff.scoring.ridge import reasons
from taskaff.scoring.tables import for_tasks, pair_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.records import Floats, Training
    from taskaff.scoring.views import TaskView

EXPLAIN = (
    "What the target's held-out loss would fall by if it were trained together with the source, "
    "in nats (label variances for regressions), found by following that training on the two "
    "signatures: above 0 the source helps, below 0 it is in the way."
)

WIDEST = 128
"""Wider inputs are taken to the target's so many leading directions."""
TOGETHER = 8
"""Sources that are stacked: enough to hide the cost of calls, few enough for the cache."""


def moment_gain(
    views: Sequence[TaskView],
    settings: ScoreSettings,
    *,
    helpers: Collection[int] | None = None,
    targets: Collection[int] | None = None,
) -> PairTable:
    """``loss alone - loss together``, each at its own best look.

    ``extras``: ``alone`` and ``together``, the two losses. Other entries than those from
    ``helpers`` to ``targets`` (all by default) are left undefined.
    """
    missing = reasons(views, settings)
    k = len(views)
    usable = [i for i in range(k) if not missing[i]]
    wanted = list(_wanted(views, settings, usable, helpers, targets))
    pairs = sum(len(sources) for _, sources in wanted)
    many = pairs > settings.most_trained and "moment_gain" not in settings.scores
    alone, together, rows = np.full((3, FOLDS, k, k), np.nan)
    work = [] if many else wanted
    for (t, sources), (own, losses) in zip(
        work,
        ordered_map(lambda each: _target(views, *each, settings.training), work),
        strict=True,
    ):
        alone[:, sources, t], together[:, sources, t] = own[:, None], losses
        rows[:, :, t] = views[t].n[:, None]
    drop, total = alone - together, rows.sum(axis=0)
    value = (drop * rows).sum(axis=0) / total
    ends, remarks = None, []
    if settings.intervals:
        rest = total - rows
        left_out = np.divide(
            (drop * rows).sum(axis=0) - drop * rows, rest, where=rest > 0, out=rest * np.nan
        )
        left_out[:, (rows == 0).any(axis=0)] = np.nan
        ends = interval(value, left_out, settings.confidence)
        remarks.append((~np.isfinite(ends[0]) & np.isfinite(value), NO_INTERVAL))
    undefined = for_tasks(missing)
    if many:
        why = (
            f"{pairs:,} directed pairs are more than {settings.most_trained:,}: ask for "
            "moment_gain by name"
        )
        undefined.append((~np.isfinite(value), why))
    weighted = {"alone": alone, "together": together}
    return pair_table(
        "moment_gain",
        value,
        ends,
        explain=EXPLAIN,
        directed=True,
        undefined=undefined,
        remarks=remarks,
        extras={name: (part * rows).sum(axis=0) / total for name, part in weighted.items()},
    )


def _wanted(
    views: Sequence[TaskView],
    settings: ScoreSettings,
    usable: Sequence[int],
    helpers: Collection[int] | None,
    targets: Collection[int] | None,
) -> Iterator[tuple[int, list[int]]]:
    """Each target with its sources."""
    centres = {i for i in usable if not settings.around or views[i].name in settings.around}
    for t in usable:
        sources = [
            s
            for s in usable
            if s != t and (s in centres or t in centres) and (helpers is None or s in helpers)
        ]
        if sources and (targets is None or t in targets):
            yield t, sources


def _target(
    views: Sequence[TaskView], t: int, sources: Sequence[int], plan: Training
) -> tuple[Floats, Floats]:
    """Losses of one target: ``(FOLDS,)`` alone, ``(FOLDS, sources)`` with each source."""
    view, weight = views[t], views[t].n / views[t].rows
    losses = np.empty((FOLDS, len(sources)))
    own = np.full(FOLDS, np.nan)
    for live, members in _alike(views, view, sources):
        basis, scale = _basis(view, live)
        trained, found = training(view.signature, basis, scale, plan.target_rows)
        held = held_out(view.signature, basis, scale, found)
        start = _start(basis.shape[1], plan.r)
        own = _best(train(trained, held, start, plan), weight)
        for first in range(0, len(members), TOGETHER):
            part = members[first : first + TOGETHER]
            stacks = [training(views[sources[m]].signature, basis, scale)[0] for m in part]
            share = np.repeat([_share(view, views[sources[m]], plan) for m in part], FOLDS)
            path = train(
                trained.repeated(len(part)),
                held.repeated(len(part)),
                np.tile(start, (len(part), 1, 1)),
                plan,
                type(stacks[0]).joined(stacks),  # type: ignore[attr-defined]
                share[:, None, None],
            )
            for n, m in enumerate(part):
                losses[:, m] = _best(path[:, n * FOLDS : (n + 1) * FOLDS], weight)
    return own, losses


def _alike(
    views: Sequence[TaskView], target: TaskView, sources: Sequence[int]
) -> Iterator[tuple[NDArray[np.bool_], list[int]]]:
    """Places of the sources that stack: one label kind and width, the same columns in use."""
    groups: dict[object, tuple[NDArray[np.bool_], list[int]]] = {}
    for place, s in enumerate(sources):
        schema = views[s].signature.schema
        live = _live(target) | _live(views[s])
        key = (schema.kind, views[s].signature.sy.shape[1], live.tobytes())
        groups.setdefault(key, (live, []))[1].append(place)
    yield from groups.values()


def _live(view: TaskView) -> NDArray[np.bool_]:
    return np.asarray(np.einsum("fdd->d", view.signature.sxx) > 0)


def _basis(view: TaskView, live: NDArray[np.bool_]) -> tuple[Floats, float]:
    """``(d, q)`` columns in use or the target's leading directions, and the factor to unit size."""
    gram = np.asarray(view.signature.sxx.sum(axis=0))
    q = int(live.sum())
    scale = float(np.sqrt(view.rows * q / max(np.trace(gram), 1e-300)))
    if q <= WIDEST:
        return np.eye(len(live))[:, live], scale
    vectors = np.linalg.eigh(gram)[1]
    return np.asarray(vectors[:, ::-1][:, :WIDEST]), scale


def _start(d: int, r: int) -> Floats:
    """``(FOLDS, d, r)`` uniform in ``±1/sqrt(d)``, as the probe starts; one draw a fold."""
    draws = [np.random.default_rng(fold).uniform(-1.0, 1.0, (d, r)) for fold in range(FOLDS)]
    return np.asarray(np.stack(draws) / np.sqrt(d))


def _share(target: TaskView, source: TaskView, plan: Training) -> float:
    """The target's part of the updates."""
    if plan.equal:
        return 0.5
    batches = [
        -(-min(view.rows, rows) // plan.batch)
        for view, rows in ((target, plan.target_rows), (source, plan.source_rows))
    ]
    return batches[0] / sum(batches)


def _best(path: Floats, weight: Floats) -> Floats:
    """``(FOLDS,)`` losses at the look whose mean over rows is least."""
    return np.asarray(path[np.argmin(path @ weight)])
