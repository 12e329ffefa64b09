"""Pairs mode: every directed pair, trained together against the target trained alone.

W's definition: a source transfers positively if training both improves the target on its held-out
rows over training the target alone. Both arms of a comparison have the same split, initial weights
and target batches; both are evaluated on one fine grid, stopped on their own best validation loss,
and choose their weight decay there, so that regularisation does not pass for knowledge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.recipe import Recipe, parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.aligned import NOT_ALIGNED, align_pairs
from taskaff.stages.probe.comparison import Arms, best_decay, compare_arms
from taskaff.stages.probe.controls import control_pairs
from taskaff.stages.probe.engine import Observer
from taskaff.stages.probe.predicted import truths
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.schedule import source_share
from taskaff.stages.probe.splits import LEAST, without_leaks
from taskaff.stages.probe.training_data import constant_loss
from taskaff.stages.probe.verdict import t_interval
from taskaff.stages.probe.weighting import TOGETHER, mean_weights, same_inputs, weigh

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints

Arm = tuple[str, int, int, int]
"""``(arm, source, target, seed number)``; the single-task arm ``stl`` has source -1."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Runs to train, and what is known of each arm without training."""

    runs: tuple[Run, ...]
    removed: Mapping[Arm, int]
    """Source rows taken out (arm ``mtl``) or left in although shared (arm ``leaky``)."""
    unusable: Mapping[Arm, str]
    """Arms that cannot be trained, and why."""


def probe_pairs(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
    progress: Progress | None = None,
    *,
    wanted: Collection[tuple[int, int]] | None = None,
    observer: Observer | None = None,
    store: Store | None = None,
) -> ProbeResult:
    """Measure transfer for directed pairs ``(source, target)`` of the tasks; all by default.

    Raises
    ------
    UsageError : fewer than two tasks, or settings that make no sense.
    ProbeError : a task that cannot be trained on at all.
    """
    if len(tasks) < 2:
        raise UsageError(f"a pair needs two data sets, not {len(tasks)}")
    prepared = prepare(tasks, settings, store)
    if wanted is None:
        wanted = list(permutations(range(len(tasks)), 2))
    plan = plan_pairs(prepared, wanted)
    outcomes = prepared.train(plan.runs, progress, observer)
    shares = {run.key[:-1]: source_share(run) for run in plan.runs if len(run.slots) > 1}
    constants = {
        run.key[2:4]: constant_loss(prepared.data, run.slots[0])
        for run in plan.runs
        if run.key[0] == "stl" and run.key[4] == settings.weight_decay[0]
    }
    arms = Arms(
        best_decay(outcomes),
        plan.unusable,
        plan.removed,
        constants,
        shares,
        prepared.finite(),
        truths(prepared),
    )
    aligned, reports = NOT_ALIGNED
    controls: tuple[PairOutcome, ...] = ()
    if settings.align:
        aligned, reports = align_pairs(prepared, plan.runs, outcomes, arms, wanted, progress)
    if settings.controls:
        controls = control_pairs(prepared, plan.runs, arms, wanted, progress)
    return prepared.result(
        "pairs",
        pairs=(*read_pairs(prepared, arms, wanted), *aligned, *controls),
        alignment=reports,
        weights=mean_weights(prepared, plan.runs, outcomes, ("mtl",), backwards=True),
    )


def plan_pairs(prepared: Prepared, wanted: Collection[tuple[int, int]]) -> Plan:
    """The single-task arm of every target once, and a run of each pair; all seeds and decays."""
    runs: list[Run] = []
    removed: dict[Arm, int] = {}
    unusable: dict[Arm, str] = {}
    targets = sorted({target for _, target in wanted})
    for n, target in product(range(len(prepared.settings.seeds)), targets):
        slot = prepared.target_slot(target, n)
        scale = prepared.scale([slot])
        reason = prepared.one_class(slot)
        if reason:
            unusable["stl", -1, target, n] = reason
            continue
        runs += _runs(prepared, ("stl", -1, target, n), (slot,), scale)
        for source in sorted(s for s, t in wanted if t == target):
            for arm, recipe, rows, shared in _sources(prepared, source, target, n):
                key = (arm, source, target, n)
                removed[key] = shared
                if len(rows) < LEAST:
                    unusable[key] = f"only {len(rows)} source rows are left without leaked ones"
                    continue
                other = _source_slot(prepared, source, rows, slot, recipe)
                runs += _runs(prepared, key, (slot, other), scale, recipe, shared)
    return Plan(tuple(runs), removed, unusable)


def arm_of(prepared: Prepared, recipe: str) -> str:
    """The arm that is trained by a recipe; the first one is ``mtl``."""
    return "mtl" if recipe == prepared.settings.recipes[0] else f"mtl {recipe}"


def _sources(
    prepared: Prepared, source: int, target: int, n: int
) -> Iterator[tuple[str, Recipe, Ints, int]]:
    """Source rows of each arm that the settings ask for, with the number of shared rows."""
    settings, tasks = prepared.settings, prepared.tasks
    split, other = prepared.splits[source][n], prepared.splits[target][n]
    clean, shared = without_leaks(tasks[source], split, tasks[target], other, settings)
    for name in settings.recipes:
        recipe, arm = parse(name), arm_of(prepared, name)
        if recipe.together:
            same = same_inputs(tasks[source], tasks[target], other.train, *TOGETHER)
            yield arm, recipe, same, 0
        else:
            yield arm, recipe, split.source if settings.leaks == "keep" else clean, shared
    if settings.leaks == "both" and shared and not prepared.recipe.together:
        yield "leaky", prepared.recipe, split.source, shared


def _source_slot(prepared: Prepared, source: int, rows: Ints, target: Slot, recipe: Recipe) -> Slot:
    slot = prepared.source_slot(source, rows)
    if not recipe.together:
        return slot
    return replace(slot, stream=target.stream)  # the same rows in every batch


def _runs(
    prepared: Prepared,
    arm: Arm,
    slots: tuple[Slot, ...],
    scale: float,
    recipe: Recipe | None = None,
    shared: int = 0,
) -> list[Run]:
    full = _full(prepared, slots, arm, shared) if recipe else ()
    return prepared.runs(
        arm,
        weigh(prepared, slots),
        prepared.ids[arm[2]],
        scale,
        source_until=prepared.settings.source_until,
        keep_state=prepared.settings.align,
        **prepared.timing(slots, recipe, full, 1),
    )


def _full(prepared: Prepared, slots: Sequence[Slot], arm: Arm, shared: int) -> list[float]:
    """Training rows in the files of target and source, without the shared ones taken out."""
    target, source = (prepared.splits[slot.task][arm[3]] for slot in slots)
    left = 1.0 - shared / max(len(source.pool), 1) if prepared.settings.leaks != "keep" else 1.0
    return [target.full, source.full * left]


def read_pairs(
    prepared: Prepared, arms: Arms, wanted: Collection[tuple[int, int]]
) -> tuple[PairOutcome, ...]:
    """Gains and verdicts of the wanted pairs."""
    return tuple(
        _read_pair(prepared, arms, source, target, recipe)
        for recipe in prepared.settings.recipes
        for source, target in wanted
    )


def _read_pair(
    prepared: Prepared, arms: Arms, source: int, target: int, recipe: str
) -> PairOutcome:
    settings, arm = prepared.settings, arm_of(prepared, recipe)
    base, other = ("stl", -1, target), (arm, source, target)
    outcome = compare_arms(prepared, arms, (source, target), (base, other), ("alone", "mtl"))
    keys = [((*base, n), (*other, n)) for n in range(len(settings.seeds))]
    shares = [arms.shares[key] for _, key in keys if key in arms.shares]
    share = float(np.mean(shares)) if shares else None
    outcome = replace(outcome, recipe=recipe, share=share)
    if settings.leaks != "both" or arm != "mtl":
        return outcome
    known = [(alone, key) for alone, key in keys if alone in arms.best and key in arms.best]
    gains = [
        arms.best[alone][0].test_loss
        - arms.best.get(("leaky", *key[1:]), arms.best[key])[0].test_loss
        for alone, key in known
    ]
    return replace(outcome, gain_with_leaks=t_interval(gains, settings.confidence))
