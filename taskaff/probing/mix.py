"""Mix mode, the question of a gate: does adding the last task to the mix of the others help?

With ``M`` all tasks but the last, ``c``: for each member ``m`` the mix with ``c`` against the mix
without it, both judged on ``m``; for ``c`` the mix with it against ``c`` alone. Every task is
trained on as many rows as a target (``target_rows``) and is judged; training rows that any other
task is judged by are taken out, of all arms alike. All arms of a seed have the same splits, rows,
batches of each task, initial weights and scale; each task is stopped, and chooses its weight decay,
by its own validation rows. A task has the same cap of its own updates in every arm.

With the recipe ``together``, for tasks on the same inputs, the first task's split is that of all,
and every update has a batch of all tasks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from taskaff.errors import ProbeError, UsageError
from taskaff.probing.bank import constant_loss
from taskaff.probing.capacity import full_rows, mix_slots
from taskaff.probing.metrics import MAIN
from taskaff.probing.prepare import Prepared, describe, prepare
from taskaff.probing.reading import Arms, Judged, Key, compare, least, paired
from taskaff.probing.records import (
    PairOutcome,
    ProbeResult,
    ProbeSettings,
    Progress,
    Run,
    RunOutcome,
    SeedGain,
    Slot,
)
from taskaff.probing.weighting import TOGETHER, mean_weights, same_inputs, weigh
from taskaff.records import TaskVectors
from taskaff.store import Store

ALL = "all"
"""Target of the outcome over all tasks."""

NOTE = (
    "overall: mean over tasks of each task's gain as a share of the held-out loss of a constant "
    "(label frequencies or mean); its losses, and the margin, are in that unit"
)


def probe_mix(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings | None = None,
    progress: Progress | None = None,
    *,
    store: Store | None = None,
) -> ProbeResult:
    """Measure what adding the last task gives to each of the others, to itself, and overall.

    Raises
    ------
    UsageError : fewer than two tasks, or settings that make no sense.
    ProbeError : a task that cannot be trained on; recipe together and inputs that differ.
    """
    if len(tasks) < 2:
        raise UsageError(f"a mix and a task to add need two data sets, not {len(tasks)}")
    settings = settings or ProbeSettings()
    started = time.perf_counter()
    prepared = prepare(tasks, settings, store)
    members = _same_rows if prepared.recipe.together else mix_slots
    mixes = [members(prepared, n) for n in range(len(settings.seeds))]
    runs = [run for n, slots in enumerate(mixes) for run in _runs(prepared, n, slots)]
    planned = time.perf_counter()
    outcomes = prepared.train(runs, progress)
    ended = time.perf_counter()
    constants = {
        (n, slot.task): constant_loss(prepared.bank, slot)
        for n, slots in enumerate(mixes)
        for slot in slots
    }
    arms = Arms(
        _best(runs, outcomes),
        removed=_removed(prepared, mixes),
        constants=constants,
        rows={} if prepared.recipe.together else prepared.finite(),
    )
    return ProbeResult(
        mode="mix",
        tasks=describe(prepared),
        pairs=tuple(_read(prepared, mixes, arms)),
        settings=settings,
        rule=prepared.recipe.rule,
        runs=len(runs),
        notes=(NOTE,),
        timings={"plan": planned - started, "train": ended - planned},
        weights=mean_weights(prepared, runs, outcomes, ("with", "without")),
    )


# --------------------------------------------------------------------- plan


def _runs(prepared: Prepared, n: int, slots: tuple[Slot, ...]) -> Iterator[Run]:
    """The mix without the last task, with it, and that task alone, at every weight decay."""
    settings = prepared.settings
    scale = prepared.scale(slots)
    arms = {"without": slots[:-1], "with": slots, "alone": slots[-1:]}
    for arm, members in arms.items():
        weighed = weigh(prepared, members)
        newcomer = len(members) - 1 if arm == "with" else None
        rows = full_rows(prepared, members, n)
        timing = prepared.timing(members, prepared.recipe, rows, newcomer)
        for decay in settings.weight_decay:
            yield Run(
                key=(arm, n, decay),
                seed=settings.seeds[n],
                slots=weighed,
                stream="+".join(prepared.ids),
                trunk=settings.trunk,
                r=settings.r,
                batch=settings.batch,
                lr=settings.lr,
                weight_decay=decay,
                scale=scale,
                uncertain=settings.weights == "uncertainty" and len(members) > 1,
                **timing,
            )


def _same_rows(prepared: Prepared, n: int) -> tuple[Slot, ...]:
    """Every task as a target on the rows of the first: one split, one sequence of batches.

    Raises
    ------
    ProbeError : inputs that differ, or training rows of one label.
    """
    first = prepared.target_slot(0, n)
    own = [part - prepared.bank.starts[0] for part in (first.train, first.validation, first.test)]
    slots = [first]
    for number, task in enumerate(prepared.tasks[1:], 1):
        parts = (same_inputs(task, prepared.tasks[0], rows, *TOGETHER) for rows in own)
        train, validation, test = (prepared.rows(number, rows) for rows in parts)
        slots.append(Slot(number, train, validation, test, stream=first.stream))
    for slot, task in zip(slots, prepared.tasks, strict=True):
        if reason := prepared.one_class(slot):
            raise ProbeError(reason, task=task.name, hint="leave this data set out")
    return tuple(slots)


def _removed(prepared: Prepared, mixes: Sequence[Sequence[Slot]]) -> Mapping[Key, int]:
    """Rows taken out of all tasks together because another one is judged by them."""
    found: dict[Key, int] = {}
    for n, slots in enumerate(mixes):
        full = [len(split[n].train) for split in prepared.splits]
        out = sum(full) - sum(len(slot.train) for slot in slots)
        found |= {("with", n, task): out for task in range(len(slots))}
    return found


# ------------------------------------------------------------------ reading


def _best(runs: Sequence[Run], outcomes: Sequence[RunOutcome]) -> dict[Key, Judged]:
    """By ``(arm, seed number, task)``."""
    return least(
        ((*run.key[:2], slot.task), run.key[2], found)
        for run, outcome in zip(runs, outcomes, strict=True)
        for slot, found in zip(run.slots, outcome.slots, strict=True)
        if found is not None
    )


def _read(prepared: Prepared, mixes: Sequence[Sequence[Slot]], arms: Arms) -> Iterator[PairOutcome]:
    """The members, the added task, and all of them."""
    settings, tasks = prepared.settings, prepared.tasks
    last = len(tasks) - 1
    found = []
    for i, task in enumerate(tasks):
        base, against = ("alone", "alone") if i == last else ("without", "mix without")
        keys: list[tuple[Key, Key]] = [
            ((base, n, i), ("with", n, i)) for n in range(len(settings.seeds))
        ]
        names = tasks[last].name, task.name
        found.append(compare(settings, task.schema.kind, names, arms, keys, (against, "mix")))
    yield from found
    constants = {
        seed: [arms.constants[n, slot.task] for slot in mixes[n]]
        for n, seed in enumerate(settings.seeds)
    }
    yield _overall(prepared, found, constants)


def _overall(
    prepared: Prepared, found: Sequence[PairOutcome], constants: Mapping[int, Sequence[float]]
) -> PairOutcome:
    """Mean over tasks, each task's losses relative to that of a constant.

    Not relative to its own: a task that is nearly solved would decide the mean alone.
    """
    settings, tasks = prepared.settings, prepared.tasks
    kinds = {MAIN[task.schema.kind] for task in tasks}
    metric = kinds.pop() if len(kinds) == 1 else "mean of main metrics"
    same = zip(*(pair.seeds for pair in found), strict=True)
    seeds = [_mean(gains, constants[gains[0].seed]) for gains in same]
    unusable = [pair.verdict.reason for pair in found if pair.gain.mean is None]
    names = tasks[-1].name, ALL
    return paired(settings, names, metric, seeds, unusable, ("mix without", "mix"))


def _mean(same: Sequence[SeedGain], constants: Sequence[float]) -> SeedGain:
    return replace(
        same[0],
        stl_loss=_relative([s.stl_loss for s in same], constants),
        mtl_loss=_relative([s.mtl_loss for s in same], constants),
        stl_metric=float(np.mean([s.stl_metric for s in same])),
        mtl_metric=float(np.mean([s.mtl_metric for s in same])),
        constant_loss=1.0,
    )


def _relative(losses: Sequence[float], constants: Sequence[float]) -> float:
    shares = [x / c if c > 0 else float("nan") for x, c in zip(losses, constants, strict=True)]
    return float(np.mean(shares))
