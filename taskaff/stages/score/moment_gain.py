"""Moment gain: the probe's question, answered by training on signatures.

Ours. W define transfer by training: a source transfers positively if the target does better on its
held-out rows when both are trained. Here both runs are trained on the tasks' moments instead of
their rows (``moment_training``, ``likelihoods``), with the capacity, the rows, the updates and the
mixture of the planned training, from the same initial weights, and stopped where the held-out loss
over all folds is least. Noise of batches and draws, which a probe averages over seeds, is not in
it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from taskaff.core.records.score import MOST_CLASSES, PairTable
from taskaff.core.records.signature import FOLDS
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.fold_moments import held_out, training
from taskaff.stages.score.jackknife import NO_INTERVAL, interval
from taskaff.stages.score.moment_training import evaluation_updates, train
from taskaff.stages.score.ridge import reasons
from taskaff.stages.score.tables import for_tasks, pair_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats
    from taskaff.core.settings import Training
    from taskaff.stages.score.likelihoods import Likelihood
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "What the target's held-out loss would fall by if it were trained together with the source, "
    "in nats (label variances for regressions), found by following that training on the two "
    "signatures: above 0 the source helps, below 0 it hurts."
)

WIDEST = 32
"""Wider inputs are taken to the target's so many leading directions."""
TOGETHER = 16
"""Models that are stacked, times folds: enough to hide the cost of calls, few enough for the
processor's cache."""

Pair = tuple[int, int]
"""``(source, target)``."""


def moment_gain(
    views: Sequence[TaskView],
    settings: ScoreSettings,
    *,
    helpers: Collection[int] | None = None,
    targets: Collection[int] | None = None,
) -> PairTable:
    """``loss alone - loss together``, each at its own best evaluation.

    ``extras``: ``alone`` and ``together``, the two losses, and ``updates``, after how many the
    target alone is at its best. Other entries than those from ``helpers`` to ``targets`` (all by
    default) are left undefined.
    """
    missing = [
        why or _too_many(view) for why, view in zip(reasons(views, settings), views, strict=True)
    ]
    k = len(views)
    pairs = [
        pair
        for pair in _wanted(views, settings, missing)
        if (helpers is None or pair[0] in helpers) and (targets is None or pair[1] in targets)
    ]
    alone, together, rows = np.full((3, FOLDS, k, k), np.nan)
    updates = np.full((k, k), np.nan)
    # Products are small: threads would wait for one another.
    with threadpool_limits(1, user_api="blas"):
        for (s, t), own, helped in _losses(views, pairs, settings.training):
            alone[:, s, t], together[:, s, t], rows[:, s, t] = own.losses, helped.losses, views[t].n
            updates[s, t] = own.updates
    total = rows.sum(axis=0)
    drop = (alone - together) * rows
    value = drop.sum(axis=0) / total
    ends, remarks = None, []
    if settings.intervals:
        rest = total - rows
        left_out = np.divide(drop.sum(axis=0) - drop, rest, where=rest > 0, out=rest * np.nan)
        left_out[:, (rows == 0).any(axis=0)] = np.nan
        ends = interval(value, left_out, settings.confidence)
        remarks.append((~np.isfinite(ends[0]) & np.isfinite(value), NO_INTERVAL))
    return pair_table(
        "moment_gain",
        value,
        ends,
        explain=EXPLAIN,
        directed=True,
        undefined=for_tasks(missing),
        remarks=remarks,
        extras={
            "alone": (alone * rows).sum(axis=0) / total,
            "together": (together * rows).sum(axis=0) / total,
            "updates": updates,
        },
    )


def _too_many(view: TaskView) -> str:
    """Why a task's training is not followed, or nothing."""
    kind, columns = _shape(view)
    if kind != "classes" or columns <= MOST_CLASSES:
        return ""
    return f"{view.name!r} has more than {MOST_CLASSES} classes: its training is not followed"


def _wanted(
    views: Sequence[TaskView], settings: ScoreSettings, missing: Sequence[str]
) -> Iterator[Pair]:
    """Directed pairs of tasks that have a model, target by target."""
    usable = [i for i in range(len(views)) if not missing[i]]
    centres = {i for i in usable if not settings.around or views[i].name in settings.around}
    for t in usable:
        yield from ((s, t) for s in usable if s != t and (s in centres or t in centres))


class _Best(NamedTuple):
    """A target at the evaluation where its mean held-out loss is least."""

    losses: Floats
    """``(FOLDS,)``."""
    updates: int


def _losses(
    views: Sequence[TaskView], pairs: Sequence[Pair], plan: Training
) -> Iterator[tuple[Pair, _Best, _Best]]:
    """Train the target of each pair alone and with the source.

    What is alike in shape is stacked: first targets by themselves, then pairs.
    """
    target = lru_cache(maxsize=64)(lambda t, live: _target(views[t], _columns(live), plan))
    of_pair = {pair: (_live(views[pair[0]]) | _live(views[pair[1]])).tobytes() for pair in pairs}
    alone = list(dict.fromkeys((t, live) for (_, t), live in of_pair.items()))
    own: dict[tuple[int, bytes], _Best] = {}
    for some in _parts(alone, lambda each: (_shape(views[each[0]]), each[1])):
        own |= zip(some, _train([target(*each) for each in some], plan), strict=True)
    for part in _parts(pairs, lambda p: (_shape(views[p[1]]), _shape(views[p[0]]), of_pair[p])):
        targets = [target(t, of_pair[s, t]) for s, t in part]
        helped = _train(targets, plan, [views[s] for s, _ in part])
        for pair, best in zip(part, helped, strict=True):
            yield pair, own[pair[1], of_pair[pair]], best


Item = TypeVar("Item")


def _parts(items: Sequence[Item], key: Callable[[Item], object]) -> Iterator[list[Item]]:
    """At most ``TOGETHER`` of one key at a time, in their order."""
    groups: dict[object, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    for group in groups.values():
        for first in range(0, len(group), TOGETHER):
            yield group[first : first + TOGETHER]


def _shape(view: TaskView) -> tuple[str, int]:
    """Label kind and columns: what must agree to be stacked."""
    return view.signature.schema.kind, int(view.signature.sy.shape[1])


def _live(view: TaskView) -> NDArray[np.bool_]:
    """``(d,)`` columns that are not empty."""
    return np.asarray(np.einsum("fdd->d", view.signature.sxx) > 0)


def _columns(live: bytes) -> NDArray[np.bool_]:
    return np.frombuffer(live, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """Moments of a target: those it is trained on and those it is evaluated on."""

    view: TaskView
    basis: Floats
    """``(d, q)`` that inputs are taken through."""
    scale: float
    trained: Likelihood
    held: Likelihood


def _target(view: TaskView, live: NDArray[np.bool_], plan: Training) -> _Target:
    basis, scale = _basis(view, live)
    trained, sums = training(view.signature, basis, scale, plan.target_rows)
    return _Target(view, basis, scale, trained, held_out(view.signature, basis, scale, sums))


def _basis(view: TaskView, live: NDArray[np.bool_]) -> tuple[Floats, float]:
    """``(d, q)`` columns in use or the target's leading directions, and the factor to unit size."""
    gram = np.asarray(view.signature.sxx.sum(axis=0))
    q = int(live.sum())
    scale = float(np.sqrt(view.rows * q / max(np.trace(gram), 1e-300)))
    if q <= WIDEST:
        return np.eye(len(live))[:, live], scale
    vectors = np.linalg.eigh(gram)[1]
    return np.asarray(vectors[:, ::-1][:, :WIDEST]), scale


def _train(
    targets: Sequence[_Target], plan: Training, sources: Sequence[TaskView] = ()
) -> list[_Best]:
    """Train each target, alone or with its source, and take its best evaluation."""
    trained, held = (
        type(parts[0]).joined(parts)  # type: ignore[attr-defined]
        for parts in ([t.trained for t in targets], [t.held for t in targets])
    )
    start = np.tile(_start(targets[0].basis.shape[1], plan.r), (len(targets), 1, 1))
    other, share = None, None
    if sources:
        of_sources = [
            training(s.signature, t.basis, t.scale)[0]
            for t, s in zip(targets, sources, strict=True)
        ]
        other = type(of_sources[0]).joined(of_sources)  # type: ignore[attr-defined]
        parts = [_share(t.view, s, plan) for t, s in zip(targets, sources, strict=True)]
        share = np.repeat(parts, FOLDS)[:, None, None]
    path = train(trained, held, start, plan, other, share)
    at = evaluation_updates(plan.updates)
    return [
        _best(path[:, n * FOLDS : (n + 1) * FOLDS], t.view.n / t.view.rows, at)
        for n, t in enumerate(targets)
    ]


def _start(d: int, r: int) -> Floats:
    """``(FOLDS, d, r)`` uniform in ``±1/sqrt(d)``, as the probe starts; one draw a fold."""
    draws = [np.random.default_rng(fold).uniform(-1.0, 1.0, (d, r)) for fold in range(FOLDS)]
    return np.asarray(np.stack(draws) / np.sqrt(d))


def _share(target: TaskView, source: TaskView, plan: Training) -> float:
    """Share of the updates that are the target's, 0 to 1."""
    if plan.equal:
        return 0.5
    batches = [
        -(-min(view.rows, rows) // plan.batch)
        for view, rows in ((target, plan.target_rows), (source, plan.source_rows))
    ]
    return batches[0] / sum(batches)


def _best(path: Floats, weight: Floats, at: Sequence[int]) -> _Best:
    least = int(np.argmin(path @ weight))
    return _Best(path[least], at[least])
