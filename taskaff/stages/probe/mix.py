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

from collections.abc import Iterator, Sequence

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.aligned import NOT_ALIGNED
from taskaff.stages.probe.aligned_mix import align_mix
from taskaff.stages.probe.capacity import full_rows, mix_slots
from taskaff.stages.probe.comparison import OVERALL, Arms, compare_arms, least, overall
from taskaff.stages.probe.predicted import truths
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import constant_loss
from taskaff.stages.probe.weighting import TOGETHER, mean_weights, same_inputs, weigh


def probe_mix(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
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
    prepared = prepare(tasks, settings, store)
    members = _same_rows if prepared.recipe.together else mix_slots
    mixes = [members(prepared, n) for n in range(len(settings.seeds))]
    runs = [run for n, slots in enumerate(mixes) for run in _runs(prepared, n, slots)]
    outcomes = prepared.train(runs, progress)
    slots = {(slot.task, n): slot for n, mix in enumerate(mixes) for slot in mix}
    arms = Arms(
        least(
            ((run.key[0], slot.task, run.key[-2]), run.key[-1], outcome_of_slot)
            for run, outcome in zip(runs, outcomes, strict=True)
            for slot, outcome_of_slot in zip(run.slots, outcome.slots, strict=True)
            if outcome_of_slot is not None
        ),
        removed={("with", *key): _removed(prepared, mixes[key[1]], key[1]) for key in slots},
        constants={key: constant_loss(prepared.data, slot) for key, slot in slots.items()},
        rows={} if prepared.recipe.together else prepared.finite(),
        truths=truths(prepared, slots),
    )
    aligned, reports = NOT_ALIGNED
    if settings.align:
        aligned, reports = align_mix(prepared, runs, outcomes, arms, progress)
    return prepared.result(
        "mix",
        pairs=(*_read(prepared, arms), *aligned),
        notes=(OVERALL,),
        alignment=reports,
        weights=mean_weights(prepared, runs, outcomes, ("with", "without")),
    )


def _runs(prepared: Prepared, n: int, slots: tuple[Slot, ...]) -> Iterator[Run]:
    """The mix without the last task, with it, and that task alone, at every weight decay.

    With alignment every task alone, for the control.
    """
    align = prepared.settings.align
    single = slots if align else slots[-1:]
    arms = [("without", slots[:-1]), ("with", slots), *(("alone", (slot,)) for slot in single)]
    for arm, members in arms:
        newcomer = len(members) - 1 if arm == "with" else None
        rows = full_rows(prepared, members, n)
        yield from prepared.runs(
            (arm, members[-1].task, n),
            weigh(prepared, members),
            "+".join(prepared.ids),
            prepared.scale(slots),
            keep_state=align and arm != "without",
            **prepared.timing(members, prepared.recipe, rows, newcomer),
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


def _removed(prepared: Prepared, slots: Sequence[Slot], n: int) -> int:
    """Rows taken out of all tasks together because another one is tested on them."""
    full = sum(len(splits[n].train) for splits in prepared.splits)
    return full - sum(len(slot.train) for slot in slots)


def _read(prepared: Prepared, arms: Arms) -> Iterator[PairOutcome]:
    """The members, the added task, and all of them."""
    last = len(prepared.tasks) - 1
    outcomes = []
    for i in range(last + 1):
        base, against = ("alone", "alone") if i == last else ("without", "mix without")
        keys = (base, i), ("with", i)
        outcomes.append(compare_arms(prepared, arms, (last, i), keys, (against, "mix")))
    yield from outcomes
    yield overall(prepared, outcomes)
