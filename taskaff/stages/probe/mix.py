"""Mix mode, the question of a gate: does adding the last task to the mix of the others help?

With ``M`` all tasks but the last, ``c``: for each member ``m`` the mix with ``c`` against the mix
without it, both tested on ``m``; for ``c`` the mix with it against ``c`` alone. Every task is
trained on as many rows as a target (``target_rows``) and is tested; training rows that any other
task is tested on are taken out, of all arms alike. All arms of a seed have the same splits, rows,
batches of each task, initial weights and scale; each task is stopped, and chooses its weight decay,
by its own validation rows. A task has the same cap of its own updates in every arm.

With the recipe ``together``, for tasks on the same inputs, the first task's split is that of all,
and every update has a batch of all tasks. Alignment is in ``aligned_mix``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.aligned import AlignedOutcomes
from taskaff.stages.probe.aligned_mix import align_mix
from taskaff.stages.probe.capacity import full_rows, mix_slots
from taskaff.stages.probe.comparison import Arms, Chosen, Key, compare, least
from taskaff.stages.probe.overall import NOTE, overall
from taskaff.stages.probe.predicted import truths
from taskaff.stages.probe.prepare import Prepared, describe, prepare
from taskaff.stages.probe.records import Run, RunOutcome, Slot
from taskaff.stages.probe.training_data import constant_loss
from taskaff.stages.probe.weighting import TOGETHER, mean_weights, same_inputs, weigh

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes


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
    constants = {
        (n, slot.task): constant_loss(prepared.data, slot)
        for n, slots in enumerate(mixes)
        for slot in slots
    }
    arms = Arms(
        _best(runs, outcomes),
        removed=_removed(prepared, mixes),
        constants=constants,
        rows={} if prepared.recipe.together else _finite(prepared),
        truths=truths(prepared, {(n, s.task): s for n, mix in enumerate(mixes) for s in mix}),
    )
    more: AlignedOutcomes = ((), (), 0)
    if settings.align:
        more = align_mix(prepared, runs, outcomes, arms, progress)
    ended = time.perf_counter()
    return ProbeResult(
        mode="mix",
        tasks=describe(prepared),
        pairs=(*_read(prepared, arms), *more[0]),
        settings=settings,
        rule=prepared.recipe.rule,
        runs=len(runs) + more[2],
        notes=(NOTE,),
        timings={"plan": planned - started, "train": ended - planned},
        alignment=more[1],
        weights=mean_weights(prepared, runs, outcomes, ("with", "without")),
    )


# --------------------------------------------------------------------- plan


def _runs(prepared: Prepared, n: int, slots: tuple[Slot, ...]) -> Iterator[Run]:
    """The mix without the last task, with it, and that task alone, at every weight decay.

    With alignment every task alone, for the control.
    """
    settings = prepared.settings
    scale = prepared.scale(slots)
    single = slots if settings.align else slots[-1:]
    arms = [("without", slots[:-1]), ("with", slots), *(("alone", (slot,)) for slot in single)]
    for arm, members in arms:
        weighed = weigh(prepared, members)
        newcomer = len(members) - 1 if arm == "with" else None
        rows = full_rows(prepared, members, n)
        timing = prepared.timing(members, prepared.recipe, rows, newcomer)
        for decay in settings.weight_decay:
            yield Run(
                key=(arm, n, decay, members[-1].task),
                seed=settings.seeds[n],
                slots=weighed,
                stream="+".join(prepared.ids),
                trunk=settings.trunk,
                r=settings.r,
                batch=settings.batch,
                lr=settings.lr,
                weight_decay=decay,
                scale=scale,
                keep_state=settings.align and arm != "without",
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
    own = [part - prepared.data.starts[0] for part in (first.train, first.validation, first.test)]
    slots = [first]
    for number, task in enumerate(prepared.tasks[1:], 1):
        parts = (same_inputs(task, prepared.tasks[0], rows, *TOGETHER) for rows in own)
        train, validation, test = (prepared.rows(number, rows) for rows in parts)
        slots.append(Slot(number, train, validation, test, stream=first.stream))
    for slot, task in zip(slots, prepared.tasks, strict=True):
        if reason := prepared.one_class(slot):
            raise ProbeError(reason, task=task.name, hint="leave this data set out")
    return tuple(slots)


def _finite(prepared: Prepared) -> dict[tuple[int, int], tuple[Hashes, int, float]]:
    """Test rows by seed number and task, as the keys of arms end here."""
    return {(n, task): rows for (task, n), rows in prepared.finite().items()}


def _removed(prepared: Prepared, mixes: Sequence[Sequence[Slot]]) -> Mapping[Key, int]:
    """Rows taken out of all tasks together because another one is tested on them."""
    counts: dict[Key, int] = {}
    for n, slots in enumerate(mixes):
        full = [len(split[n].train) for split in prepared.splits]
        out = sum(full) - sum(len(slot.train) for slot in slots)
        counts |= {("with", n, task): out for task in range(len(slots))}
    return counts


# ------------------------------------------------------------------ reading


def _best(runs: Sequence[Run], outcomes: Sequence[RunOutcome]) -> dict[Key, Chosen]:
    """By ``(arm, seed number, task)``."""
    return least(
        ((*run.key[:2], slot.task), run.key[2], outcome_of_slot)
        for run, outcome in zip(runs, outcomes, strict=True)
        for slot, outcome_of_slot in zip(run.slots, outcome.slots, strict=True)
        if outcome_of_slot is not None
    )


def _read(prepared: Prepared, arms: Arms) -> Iterator[PairOutcome]:
    """The members, the added task, and all of them."""
    settings, tasks = prepared.settings, prepared.tasks
    last = len(tasks) - 1
    outcomes = []
    for i, task in enumerate(tasks):
        base, against = ("alone", "alone") if i == last else ("without", "mix without")
        keys: list[tuple[Key, Key]] = [
            ((base, n, i), ("with", n, i)) for n in range(len(settings.seeds))
        ]
        names = tasks[last].name, task.name
        outcomes.append(compare(settings, task.schema.kind, names, arms, keys, (against, "mix")))
    yield from outcomes
    yield overall(prepared, outcomes, arms.constants)
