"""One result from the results of disjoint seeds.

Every interval is one over seeds, and mean, standard error and number of seeds of the parts give
those of all seeds exactly, so that nothing but the results has to be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from scipy.special import stdtrit

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import (
    CapacitySweep,
    PairOutcome,
    ProbeResult,
    ProbeTask,
    TransferenceRow,
)
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.capacity import choose
from taskaff.stages.probe.finite import widened
from taskaff.stages.probe.transference_rows import transference_row
from taskaff.stages.probe.verdict import blindness, decide, t_interval

T = TypeVar("T")


def pool(parts: Sequence[Interval], confidence: float) -> Interval:
    """The t interval over the seeds of all parts; a part without a mean leaves none."""
    n = sum(part.n for part in parts)
    means = [part.mean for part in parts if part.mean is not None]
    if len(means) < len(parts) or not n:
        return Interval(None, n=n)
    sizes = np.array([part.n for part in parts], dtype=np.float64)
    mean = float(sizes @ means / n)
    if n < 2:
        return Interval(mean, n=n)
    errors = np.array([part.stderr or 0.0 for part in parts])
    squares = (sizes - 1) * sizes * errors**2 + sizes * (np.array(means) - mean) ** 2
    stderr = float(np.sqrt(squares.sum() / (n - 1) / n))
    reach = float(stdtrit(n - 1, 0.5 + confidence / 2)) * stderr
    return Interval(mean, mean - reach, mean + reach, stderr, n)


def merge(parts: Sequence[ProbeResult], settings: ProbeSettings, confidence: float) -> ProbeResult:
    """All seeds together; ``settings`` become those of the result, ``confidence`` the level."""
    first = parts[0]
    rows = {name: [row for part in parts for row in getattr(part, name)] for name in _ROWS}
    return replace(
        first,
        tasks=tuple(_task(same) for same in zip(*(part.tasks for part in parts), strict=True)),
        pairs=tuple(
            _pair(group, settings, confidence) for group in _grouped(rows["pairs"], _pair_key)
        ),
        alignment=tuple(
            replace(
                _pooled(group, confidence),
                matrices=tuple(each for row in group for each in row.matrices),
            )
            for group in _grouped(rows["alignment"], lambda row: (row.source, row.target, row.form))
        ),
        capacity=tuple(
            _sweep(group, confidence) for group in _grouped(rows["capacity"], lambda row: row.model)
        ),
        transference=tuple(
            _transference(group, settings, confidence)
            for group in _grouped(
                rows["transference"], lambda row: (row.source, row.target, row.run)
            )
        ),
        weights=_weights(parts),
        settings=settings,
        runs=sum(part.runs for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        timings=_summed([part.timings for part in parts]),
    )


_ROWS = ("pairs", "alignment", "capacity", "transference")


def _pair_key(pair: PairOutcome) -> tuple[str, str, str, str, str]:
    return pair.source, pair.target, pair.arm, pair.against, pair.recipe


def margin_of(stl_loss: float | None, settings: ProbeSettings) -> float:
    """The margin in the unit of the loss."""
    return settings.margin * (stl_loss or 0.0 if settings.margin_unit == "relative" else 1.0)


def _grouped(rows: Iterable[T], key: Callable[[Any], Hashable]) -> list[list[T]]:
    """Rows with equal keys together, in the order of their first."""
    groups: dict[Hashable, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.values())


def _pooled(rows: Sequence[T], confidence: float) -> T:
    """The first row, with every interval in it pooled."""
    changes: dict[str, Any] = {}
    for field in fields(rows[0]):  # type: ignore[arg-type]
        values = [getattr(row, field.name) for row in rows]
        if all(isinstance(value, Interval) for value in values):
            changes[field.name] = pool(values, confidence)
    return replace(rows[0], **changes)  # type: ignore[type-var]


def _pair(parts: Sequence[PairOutcome], settings: ProbeSettings, confidence: float) -> PairOutcome:
    seeds = tuple(seed for part in parts for seed in part.seeds)
    unusable = [part.verdict.reason for part in parts if part.gain.mean is None]
    losses = [seed.stl_loss for seed in seeds]
    loss = float(np.mean(losses)) if losses and np.isfinite(losses).all() else None
    pooled, margin = _pooled(parts, confidence), margin_of(loss, settings)
    pooled = replace(pooled, gain=widened(pooled.gain, seeds, confidence))
    return replace(
        pooled,
        metric_gain=t_interval([seed.metric_gain for seed in seeds], confidence),
        verdict=decide(pooled.gain, margin, unusable, blindness(seeds, margin)),
        stl_loss=loss,
        leaked=float(np.mean([seed.removed for seed in seeds])) if seeds else 0.0,
        seeds=seeds,
        at_cap=sum(part.at_cap for part in parts),
        share=_mean_share(parts),
    )


def _mean_share(parts: Sequence[PairOutcome]) -> float | None:
    """Mean share over the seeds of all parts; None where no part has one."""
    known = [(part.share, len(part.seeds)) for part in parts if part.share is not None]
    if not sum(n for _, n in known):
        return None
    return float(np.average([share for share, _ in known], weights=[n for _, n in known]))


def _sweep(parts: Sequence[CapacitySweep], confidence: float) -> CapacitySweep:
    def pooled(curves: Iterable[Sequence[Interval]]) -> tuple[Interval, ...]:
        return tuple(pool(same, confidence) for same in zip(*curves, strict=True))

    loss, metric = pooled(part.loss for part in parts), pooled(part.metric for part in parts)
    by_task = {
        name: pooled(part.task_metrics[name] for part in parts) for name in parts[0].task_metrics
    }
    chosen, best = choose(parts[0].capacities, loss)
    sweep = replace(parts[0], loss=loss, metric=metric, chosen=chosen, best=best)
    return replace(sweep, task_metrics=by_task)


def _transference(
    parts: Sequence[TransferenceRow], settings: ProbeSettings, confidence: float
) -> TransferenceRow:
    first, measured = parts[0], [seed for part in parts for seed in part.measured]
    return transference_row(first.source, first.target, measured, first.run, settings, confidence)


def _task(parts: Sequence[ProbeTask]) -> ProbeTask:
    """Rows per role are the largest over the seeds."""
    roles = ("train", "source", "validation", "test")
    return replace(parts[0], **{role: max(getattr(p, role) for p in parts) for role in roles})


def _weights(parts: Sequence[ProbeResult]) -> Mapping[str, Mapping[str, float]]:
    """Means over seeds."""
    weights_of: dict[str, dict[str, list[tuple[float, int]]]] = {}
    for part in parts:
        for mix, weights in part.weights.items():
            for task, weight in weights.items():
                seen = (weight, len(part.settings.seeds))
                weights_of.setdefault(mix, {}).setdefault(task, []).append(seen)
    return {
        mix: {
            task: float(np.average([w for w, _ in seen], weights=[n for _, n in seen]))
            for task, seen in weights.items()
        }
        for mix, weights in weights_of.items()
    }


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}
