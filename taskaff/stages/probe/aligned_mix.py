"""Alignment matrices in a mix of any number of tasks (W Algorithm 1, its setting for GLUE).

Two stages, as for pairs (``aligned``). From the best evaluation of each task in the complete mix,
at the weight decay that it chose there: ``align``, its ``A_i`` and ``R_i`` trained in turns. While
``B`` is fixed nothing that moves is shared, so that a run has this one task; with
``align_train="joint"`` all tasks, each with its ``R``, and ``B`` move. It is compared with

* ``mix``: the same number of further updates of the task, in the mix without ``R``;
* ``align control``: the task alone with an ``R`` of its own, which has as many parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from taskaff.core.records.probe import PairOutcome, Progress
from taskaff.stages.probe.aligned import (
    AlignedOutcomes,
    report_of,
    still,
    unusable_again,
    with_alignment,
)
from taskaff.stages.probe.comparison import Arms, compare_arms, least, overall
from taskaff.stages.probe.model import shared_part
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Run, RunOutcome

MIX, ALIGN, CONTROL = "mix", "align", "align control"

SECOND = {"with": (MIX, ALIGN), "alone": (CONTROL,)}
"""A first stage to its second ones."""


def align_mix(
    prepared: Prepared,
    runs: Sequence[Run],
    outcomes: Sequence[RunOutcome],
    first: Arms,
    progress: Progress | None = None,
) -> AlignedOutcomes:
    """Outcomes of ``align``, by task and over all, and reports of each two tasks.

    ``runs`` and ``outcomes`` are those of the first stage, with their states, and ``first`` what
    was read from them.
    """
    started = list(_second_stage(prepared, runs, outcomes, first))
    tuned = prepared.train(started, progress)
    slots = [(o.key, slot) for o in tuned for slot in o.slots if slot is not None]
    best = least((key[:-1], key[-1], slot) for key, slot in slots)
    arms = replace(first, best=best, unusable=unusable_again(first, SECOND))
    states = {run.key: (run, o.state) for run, o in zip(started, tuned, strict=True) if o.state}
    pairs = [pair for against in (MIX, CONTROL) for pair in _compared(prepared, arms, against)]
    numbers = combinations(range(len(prepared.tasks)), 2)
    reports = [
        report_of(prepared, arms, states, (i, j), (ALIGN, i), (ALIGN, j)) for i, j in numbers
    ]
    return tuple(pairs), tuple(reports)


def _second_stage(
    prepared: Prepared, runs: Sequence[Run], outcomes: Sequence[RunOutcome], first: Arms
) -> Iterator[Run]:
    for run, outcome in zip(runs, outcomes, strict=True):
        arm, _, n, decay = run.key
        for s, slot in enumerate(outcome.slots):
            task = run.slots[s].task
            if slot is None or slot.state is None or slot.diverged:
                continue
            if first.best[arm, task, n][1] == decay:
                on = replace(run, initial=slot.state, keep_state=False)
                yield from _again(prepared, on, s, arm)


def _again(prepared: Prepared, run: Run, s: int, arm: str) -> Iterator[Run]:
    """The second stages of one task, at every weight decay."""
    more = [replace(slot, stream=f"{slot.stream}/more", tested=False) for slot in run.slots]
    more[s] = replace(more[s], tested=True)
    complete, state = replace(run, slots=tuple(more)), run.initial or {}
    alone = replace(
        run,
        slots=(replace(more[s], weight=1.0),),
        initial={**shared_part(state), "A0": state[f"A{s}"]},
        shares=(),
        together=False,
        uncertain=False,
    )
    one = complete if prepared.settings.align_train == "joint" else alone
    for decay in prepared.settings.weight_decay:
        for word in SECOND[arm]:
            key = (word, run.slots[s].task, run.key[-2], decay)
            if word == MIX:
                yield replace(complete, key=key, weight_decay=decay)
                continue
            on = replace(one, key=key, weight_decay=decay, keep_state=word == ALIGN)
            yield with_alignment(on, prepared, still(prepared))


def _compared(prepared: Prepared, arms: Arms, against: str) -> Iterator[PairOutcome]:
    """``align`` against one arm, for every task and over all."""
    last = len(prepared.tasks) - 1
    outcomes = [
        compare_arms(prepared, arms, (last, i), ((against, i), (ALIGN, i)), (against, ALIGN))
        for i in range(last + 1)
    ]
    yield from outcomes
    yield overall(prepared, outcomes)
