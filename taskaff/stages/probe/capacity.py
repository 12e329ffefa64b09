"""Capacity mode: held-out loss against the shared module's width (W section 2.2, Table 1).

Too wide a module lets every task keep to itself, too narrow a one makes tasks interfere: W find the
best width of the joint model below the sum of the single-task ones. Each width is trained for all
tasks together and for each alone. Losses are relative to what the training rows' label
frequencies (or mean) lose on the same rows, so that tasks can be averaged: 1 is no better than
that. Every task has the same cap of its own updates, in the joint model and alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.recipe import parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import CapacitySweep, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.copies import copied
from taskaff.stages.probe.metrics import MAIN
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Key, Run, RunOutcome, Slot, SlotOutcome
from taskaff.stages.probe.splits import LEAST
from taskaff.stages.probe.training_data import constant_loss
from taskaff.stages.probe.verdict import t_interval
from taskaff.stages.probe.weighting import mean_weights, weigh

ALL = "all"
Model = str | int
"""``ALL``, or the number of the task that is trained alone."""
Best = dict[tuple[Key, int], SlotOutcome]
"""By ``(model, r, seed number)`` and slot: at the weight decay of least validation loss."""


def probe_capacity(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
    progress: Progress | None = None,
    *,
    store: Store | None = None,
) -> ProbeResult:
    """Sweep ``settings.capacities`` for all tasks together and for each alone.

    Raises
    ------
    UsageError : no task, no capacities, or some below 1.
    ProbeError : a task that cannot be trained on.
    """
    widths = tuple(sorted(set(settings.capacities)))
    if not tasks or not widths or widths[0] < 1:
        raise UsageError(f"nothing to sweep: {len(tasks)} data sets, capacities {widths}")
    if parse(settings.recipes[0]).together:
        raise UsageError("no capacity sweep with recipe together", hint="--recipe turns")
    prepared = prepare(tasks, settings, store)
    slots = [mix_slots(prepared, n) for n in range(len(settings.seeds))]
    runs = list(_runs(prepared, widths, slots))
    outcomes = prepared.train(runs, progress)
    return prepared.result(
        "capacity",
        capacity=tuple(_sweeps(prepared, widths, slots, _best(outcomes))),
        weights=mean_weights(prepared, runs, outcomes, (ALL,)),
    )


def mix_slots(prepared: Prepared, n: int) -> tuple[Slot, ...]:
    """Every task as a target, without training rows that another task is tested on.

    Raises
    ------
    ProbeError : a task of which too little is left, or whose training rows have one label.
    """
    slots = [prepared.target_slot(task, n) for task in range(len(prepared.tasks))]
    keep = prepared.settings.leaks == "keep"
    reduced = [slot if keep else _without_tested(prepared, slot, slots) for slot in slots]
    for task, slot in zip(prepared.tasks, reduced, strict=True):
        reason = f"only {len(slot.train)} training rows are left without leaked ones"
        reason = reason if len(slot.train) < LEAST else prepared.one_class(slot)
        if reason:
            raise ProbeError(reason, task=task.name, hint="leave this data set out")
    return tuple(reduced)


def full_rows(prepared: Prepared, slots: Sequence[Slot], n: int) -> list[float]:
    """Training rows of every slot's task in its files, without the part that is left out here."""
    counts = []
    for slot in slots:
        split = prepared.splits[slot.task][n]
        counts.append(split.full * len(slot.train) / max(len(split.train), 1))
    return counts


def _without_tested(prepared: Prepared, slot: Slot, slots: Sequence[Slot]) -> Slot:
    """The slot without training rows that other slots are tested on."""
    starts, tasks = prepared.data.starts, prepared.tasks
    rows = slot.train - starts[slot.task]
    shared = np.zeros(len(rows), bool)
    for other in slots:
        if other is not slot:
            tested = np.concatenate([other.validation, other.test]) - starts[other.task]
            shared |= copied(tasks[slot.task], rows, tasks[other.task], tested)
    return replace(slot, train=slot.train[~shared]) if shared.any() else slot


def mix_runs(prepared: Prepared, key: Key, slots: Sequence[Slot], r: int) -> list[Run]:
    """Tasks in one model, the vectors scaled by all their training rows, at every weight decay."""
    rows = full_rows(prepared, slots, key[-1])
    return prepared.runs(
        key,
        weigh(prepared, tuple(slots)),
        "+".join(prepared.ids[slot.task] for slot in slots),
        prepared.scale(slots),
        r=r,
        **prepared.timing(slots, prepared.recipe, rows),
    )


def _runs(
    prepared: Prepared, widths: Sequence[int], slots: Sequence[Sequence[Slot]]
) -> Iterator[Run]:
    for n, mix in enumerate(slots):
        for r in widths:
            for i, slot in enumerate(mix):
                yield from mix_runs(prepared, (i, r, n), (slot,), r)
            if len(mix) > 1:
                yield from mix_runs(prepared, (ALL, r, n), mix, r)


def _best(outcomes: Sequence[RunOutcome]) -> Best:
    best: Best = {}
    for outcome in outcomes:
        for s, slot in enumerate(outcome.slots):
            assert slot is not None
            at = outcome.key[:-1], s
            known = best.get(at)
            if known is None or not slot.validation_loss >= known.validation_loss:
                best[at] = slot
    return best


def _sweeps(
    prepared: Prepared, widths: tuple[int, ...], slots: Sequence[Sequence[Slot]], best: Best
) -> Iterator[CapacitySweep]:
    k = len(prepared.tasks)
    constants = [[constant_loss(prepared.data, slot) for slot in mix] for mix in slots]
    models: list[tuple[str, list[tuple[Model, int, int]]]] = [
        (prepared.tasks[i].name, [(i, 0, i)]) for i in range(k)
    ]
    if k > 1:
        models.insert(0, (ALL, [(ALL, i, i) for i in range(k)]))
    for name, members in models:
        loss, metric = zip(
            *(_point(prepared, best, constants, members, r) for r in widths), strict=True
        )
        of_each = {
            prepared.tasks[member[2]].name: tuple(
                _point(prepared, best, constants, [member], r)[1] for r in widths
            )
            for member in members
            if name == ALL
        }
        chosen, least = choose(widths, loss)
        yield CapacitySweep(name, widths, loss, metric, chosen, least, of_each)


def _point(
    prepared: Prepared,
    best: Best,
    constants: Sequence[Sequence[float]],
    members: Sequence[tuple[Model, int, int]],
    r: int,
) -> tuple[Interval, Interval]:
    """Over seeds: means over tasks of relative loss and of each task's main metric."""
    losses, values = [], []
    for n in range(len(prepared.settings.seeds)):
        chosen = [(best[(model, r, n), s], i) for model, s, i in members]
        losses.append(float(np.mean([o.test_loss / constants[n][i] for o, i in chosen])))
        mains = [o.metrics[MAIN[prepared.tasks[i].schema.kind]] for o, i in chosen]
        values.append(float(np.mean(mains)))
    level = prepared.settings.confidence
    return t_interval(losses, level), t_interval(values, level)


def choose(widths: Sequence[int], loss: Sequence[Interval]) -> tuple[int | None, int | None]:
    """Smallest width within one standard error of the least loss, and that of the least loss."""
    known = [(r, point) for r, point in zip(widths, loss, strict=True) if point.mean is not None]
    if not known:
        return None, None
    best, least = min(known, key=lambda at: cast(float, at[1].mean))
    limit = cast(float, least.mean) + (least.stderr or 0.0)
    return min(r for r, point in known if cast(float, point.mean) <= limit), best
