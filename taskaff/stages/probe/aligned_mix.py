"""Alignment matrices in a mix of any number of tasks (W Algorithm 1, its setting for GLUE).

Two stages, as for pairs (``aligned``). From the best evaluation of each task in the complete mix,
at the weight decay that it chose there: ``align``, its ``A_i`` and ``R_i`` trained in turns. While
``B`` is fixed nothing that moves is shared, so that a run has this one task; with
``align_train="joint"`` all tasks, each with its ``R``, and ``B`` move. It is compared with

* ``mix``: the same number of further updates of the task, in the mix without ``R``;
* ``align control``: the task alone with an ``R`` of its own, which has as many parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from taskaff.core.records.probe import AlignmentReport, PairOutcome, Progress
from taskaff.stages.probe.aligned import AlignedOutcomes, report_of, still, turn, with_alignment
from taskaff.stages.probe.comparison import Arms, Key, compare, least
from taskaff.stages.probe.model import shared_part
from taskaff.stages.probe.overall import overall
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Run, RunOutcome

if TYPE_CHECKING:
    from taskaff.stages.probe.records import State

MIX, ALIGN, CONTROL = "mix", "align", "align control"

SECOND = {"with": (MIX, ALIGN), "alone": (CONTROL,)}
"""A first stage to its second ones."""

States = Mapping[Key, "tuple[Run, State, int]"]
"""By arm, seed number, task and decay: an aligned run, its weights, and the task's slot."""


def align_mix(
    prepared: Prepared,
    runs: Sequence[Run],
    outcomes: Sequence[RunOutcome],
    first: Arms,
    progress: Progress | None = None,
) -> AlignedOutcomes:
    """Outcomes of ``align``, by task and over all, reports of each two tasks, and runs trained.

    ``runs`` and ``outcomes`` are those of the first stage, with their states, and ``first`` what
    was read from them.
    """
    started = list(_second_stage(prepared, runs, outcomes, first))
    tuned = prepared.train(started, progress)
    units = [
        (run, s, slot)
        for run, outcome in zip(started, tuned, strict=True)
        for s, slot in enumerate(outcome.slots)
        if slot is not None
    ]
    best = least((run.key[:3], run.key[3], slot) for run, _, slot in units)
    states: States = {run.key: (run, slot.state, s) for run, s, slot in units if slot.state}
    arms = replace(first, best=best, unusable=_unusable(first))
    pairs = [pair for against in (MIX, CONTROL) for pair in _compared(prepared, arms, against)]
    return tuple(pairs), tuple(_reports(prepared, arms, states)), len(started)


# --------------------------------------------------------------------- plan


def _second_stage(
    prepared: Prepared, runs: Sequence[Run], outcomes: Sequence[RunOutcome], first: Arms
) -> Iterator[Run]:
    for run, outcome in zip(runs, outcomes, strict=True):
        arm, n, decay, _ = run.key
        for s, slot in enumerate(outcome.slots):
            task = run.slots[s].task
            if slot is None or slot.state is None or slot.diverged:
                continue
            if first.best[arm, n, task][1] == decay:
                on = replace(run, initial=slot.state, keep_state=False)
                yield from _again(prepared, on, s, arm)


def _again(prepared: Prepared, run: Run, s: int, arm: str) -> Iterator[Run]:
    """The second stages of one task, at every weight decay."""
    complete, alone = _tested_on(run, s), _alone(run, s)
    for decay in prepared.settings.weight_decay:
        for word in SECOND[arm]:
            key = (word, run.key[1], run.slots[s].task, decay)
            if word == MIX:
                yield replace(complete, key=key, weight_decay=decay)
                continue
            one = complete if prepared.settings.align_train == "joint" else alone
            on = replace(one, key=key, weight_decay=decay, keep_state=word == ALIGN)
            yield with_alignment(on, prepared, still(prepared))


def _tested_on(run: Run, s: int) -> Run:
    """The run with further batches, evaluated on one task only."""
    slots = [replace(slot, stream=f"{slot.stream}/more", tested=False) for slot in run.slots]
    slots[s] = replace(slots[s], tested=True)
    return replace(run, slots=tuple(slots))


def _alone(run: Run, s: int) -> Run:
    """Run of that task alone, from its head and the shared module."""
    state = run.initial or {}
    own = {**shared_part(state), "A0": state[f"A{s}"]}
    slot = replace(run.slots[s], stream=f"{run.slots[s].stream}/more", weight=1.0)
    return replace(run, slots=(slot,), initial=own, shares=(), together=False, uncertain=False)


def _unusable(first: Arms) -> dict[Key, str]:
    """Reasons of tasks that diverged in the first stage, which have no second one."""
    return {
        (word, *key[1:]): f"diverged: {slot.diverged}"
        for key, (slot, _) in first.best.items()
        if slot.diverged
        for word in SECOND.get(key[0], ())
    }


# ------------------------------------------------------------------ reading


def _compared(prepared: Prepared, arms: Arms, against: str) -> Iterator[PairOutcome]:
    """``align`` against one arm, for every task and over all."""
    settings, tasks = prepared.settings, prepared.tasks
    outcomes = []
    for i, task in enumerate(tasks):
        keys: list[tuple[Key, Key]] = [
            ((against, n, i), (ALIGN, n, i)) for n in range(len(settings.seeds))
        ]
        names = tasks[-1].name, task.name
        outcomes.append(compare(settings, task.schema.kind, names, arms, keys, (against, ALIGN)))
    yield from outcomes
    yield overall(prepared, outcomes, arms.constants)


def _reports(prepared: Prepared, arms: Arms, states: States) -> Iterator[AlignmentReport]:
    """Reports on each two tasks, each with the ``R`` of its own checkpoint."""
    for i, j in combinations(range(len(prepared.tasks)), 2):
        turned = []
        for n in range(len(prepared.settings.seeds)):
            keys = (ALIGN, n, i), (ALIGN, n, j)
            if all(key not in arms.unusable and not arms.best[key][0].diverged for key in keys):
                one, other = (states[(*key, arms.best[key][1])] for key in keys)
                pair = [
                    turn(prepared, run, state, run.slots[s].test, s)
                    for run, state, s in (one, other)
                ]
                turned.append((pair[0], pair[1]))
        yield report_of(prepared, i, j, turned)
