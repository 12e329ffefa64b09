"""Controls of the pairs: what is left when the source knows nothing, or is the target itself.

* ``permuted source`` against ``alone``: the source's rows, batches and initial weights, its labels
  permuted among its training rows. What is left of a gain is regularisation, not knowledge.
* ``mtl`` against ``permuted source``: the gain that the source's labels are responsible for.
* ``self`` against ``alone``: the target trained with others of its own training rows, under a head
  of their own. What more of the same data gives this way; it should not be negative.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.probe import PairOutcome, Progress
from taskaff.stages.probe.comparison import Arms, best_decay, compare_arms
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.seeding import stream
from taskaff.stages.probe.splits import LEAST

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints

PERMUTED, SELF = "permuted source", "self"


def control_pairs(
    prepared: Prepared,
    runs: Sequence[Run],
    arms: Arms,
    wanted: Collection[tuple[int, int]],
    progress: Progress | None = None,
) -> tuple[PairOutcome, ...]:
    """Outcomes of the controls.

    Parameters
    ----------
    runs : of the pairs' own arms; a control is one of them with another source.
    arms : what these gave.
    """
    extra = [permuted_run(run) for run in runs if run.key[0] == "mtl"]
    alone = [run for run in runs if run.key[0] == "stl"]
    others = {(run.key[2], run.key[3]): own_rows(prepared, *run.key[2:4]) for run in alone}
    extra += [
        _with_itself(prepared, run, others[run.key[2], run.key[3]])
        for run in alone
        if len(others[run.key[2], run.key[3]]) >= LEAST
    ]
    outcomes = prepared.train(extra, progress)
    unusable = dict(arms.unusable)
    for (target, n), rows in others.items():
        if len(rows) < LEAST:
            unusable[SELF, target, target, n] = (
                f"only {len(rows)} training rows beside those of the target; "
                "a smaller --target-rows leaves more"
            )
    for kind, source, target, n in list(arms.unusable):
        if kind == "mtl":
            unusable[PERMUTED, source, target, n] = unusable[kind, source, target, n]
    both = replace(arms, best=arms.best | best_decay(outcomes), unusable=unusable, shares={})
    return tuple(_read(prepared, both, wanted))


def own_rows(prepared: Prepared, task: int, n: int) -> Ints:
    """Training rows of a task that are not those of the target, nor equal to one of them."""
    split, hashes = prepared.splits[task][n], prepared.tasks[task].hashes
    free = ~np.isin(hashes[split.pool], hashes[split.train])
    return split.pool[free][: prepared.settings.source_rows]


def permuted(slot: Slot, seed: int) -> Slot:
    """Slot with the rows and batches of another, whose labels are permuted."""
    order = stream(seed, "permuted", slot.stream).permutation(len(slot.train))
    return replace(slot, labels=slot.train[order])


def permuted_run(run: Run) -> Run:
    """A run of a pair whose source has its labels permuted."""
    target, source = run.slots
    return replace(run, key=(PERMUTED, *run.key[1:]), slots=(target, permuted(source, run.seed)))


def _with_itself(prepared: Prepared, run: Run, rows: Ints) -> Run:
    (target,) = run.slots
    slots = target, prepared.source_slot(target.task, rows)
    key = (SELF, target.task, *run.key[2:])
    full = prepared.splits[target.task][run.key[3]].full
    return replace(
        run, key=key, slots=slots, **prepared.timing(slots, prepared.recipe, [full, full], 1)
    )


def _read(prepared: Prepared, arms: Arms, wanted: Collection[tuple[int, int]]) -> list[PairOutcome]:
    outcomes = []

    def read(source: int, target: int, base: str, arm: str) -> None:
        one = ("stl", -1, target) if base == "alone" else (base, source, target)
        keys = one, (arm, source, target)
        outcomes.append(compare_arms(prepared, arms, (source, target), keys, (base, arm)))

    for source, target in wanted:
        read(source, target, "alone", PERMUTED)
        read(source, target, PERMUTED, "mtl")
    for target in sorted({target for _, target in wanted}):
        read(target, target, "alone", SELF)
    return outcomes
