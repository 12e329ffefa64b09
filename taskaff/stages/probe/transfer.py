"""Transfer mode: train on the source, then fine-tune on the target (W section 3.1, Figure 5b).

The source's model is trained on its rows, without those that the target has, and stopped on
validation rows that the target is not tested on. The target starts from its shared module, with a
new head, and moves all of it: ``fine-tuned``, against the target ``alone`` from random weights.
``fine-tuned with R`` adds an alignment matrix for the target (W Algorithm 1): each batch gives a
step on everything else and then one on ``R``. Head, batches and cap of the target are the same in
all arms. The source has no ``R``: in the report of an alignment it is the identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.aligned import report_of, with_alignment
from taskaff.stages.probe.comparison import Arms, best_decay, compare_arms
from taskaff.stages.probe.copies import copied
from taskaff.stages.probe.model import shared_part
from taskaff.stages.probe.predicted import truths
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Key, Run, RunOutcome, Slot
from taskaff.stages.probe.splits import LEAST, without_leaks
from taskaff.stages.probe.trunks import TRUNKS

TUNED, TURNED = "fine-tuned", "fine-tuned with R"
RULE = "first the source alone, then the target alone from the source's shared module"


@dataclass(slots=True, eq=False)
class _Plan:
    """Runs of the first stage (keys ``(arm, source, target, seed number, decay)``)."""

    runs: list[Run]
    unusable: dict[Key, str]
    removed: dict[Key, int]


def probe_transfer(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
    progress: Progress | None = None,
    *,
    store: Store | None = None,
) -> ProbeResult:
    """Measure, for every directed pair, what starting from the source's model gives the target.

    Raises
    ------
    UsageError : fewer than two tasks, or settings that make no sense.
    ProbeError : a task that cannot be trained on at all.
    """
    if len(tasks) < 2:
        raise UsageError(f"a pair needs two data sets, not {len(tasks)}")
    if not TRUNKS[settings.trunk].moves:
        raise UsageError(
            "nothing of a frozen transformer can be handed on", hint="--trunk transformer"
        )
    prepared = prepare(tasks, settings, store)
    targets = settings.targets or tuple(task.name for task in tasks)
    wanted = [(s, t) for s, t in permutations(range(len(tasks)), 2) if tasks[t].name in targets]
    plan = _plan(prepared, wanted)
    first = prepared.train(plan.runs, progress)
    second = list(_tuning(prepared, plan, first))
    outcomes = prepared.train(second, progress)
    arms = Arms(
        best_decay([*first, *outcomes]),
        plan.unusable,
        plan.removed,
        rows=prepared.finite(),
        truths=truths(prepared),
    )
    states = {run.key: (run, o.state) for run, o in zip(second, outcomes, strict=True) if o.state}
    reports = [
        report_of(prepared, arms, states, (s, t), (TURNED, s, t), (TURNED, s, t)) for s, t in wanted
    ]
    return prepared.result(
        "transfer",
        pairs=tuple(pair for s, t in wanted for pair in _read(prepared, arms, s, t)),
        rule=RULE,
        alignment=tuple(reports),
    )


def _plan(prepared: Prepared, wanted: Sequence[tuple[int, int]]) -> _Plan:
    """Every target alone, and the source of every pair, at all seeds and decays."""
    plan = _Plan([], {}, {})
    targets = sorted({target for _, target in wanted})
    for n, target in product(range(len(prepared.settings.seeds)), targets):
        slot = prepared.target_slot(target, n)
        sources = [s for s, t in wanted if t == target]
        reason = prepared.one_class(slot)
        if reason:
            plan.unusable[("alone", -1, target, n)] = reason
            plan.unusable |= {
                (arm, s, target, n): reason for s in sources for arm in (TUNED, TURNED)
            }
            continue
        plan.runs += _runs(prepared, ("alone", -1, target, n), slot, slot)
        for source in sources:
            _plan_source(prepared, plan, source, slot, n)
    return plan


def _plan_source(prepared: Prepared, plan: _Plan, source: int, target: Slot, n: int) -> None:
    settings, tasks = prepared.settings, prepared.tasks
    split, other = prepared.splits[source][n], prepared.splits[target.task][n]
    rows, shared = split.source, 0
    validation = split.validation
    clean, shared = without_leaks(tasks[source], split, tasks[target.task], other, settings)
    if settings.leaks != "keep":
        rows = clean
        tested = np.concatenate([other.validation, other.test])
        validation = validation[~copied(tasks[source], validation, tasks[target.task], tested)]
    arms = [(arm, source, target.task, n) for arm in (TUNED, TURNED)]
    plan.removed |= dict.fromkeys(arms, shared)
    if min(len(rows), len(validation)) < LEAST:
        reason = f"only {len(rows)} source rows and {len(validation)} to stop by are left"
        plan.unusable |= dict.fromkeys(arms, f"{reason} without leaked ones")
        return
    held = prepared.rows(source, validation)
    slot = replace(prepared.source_slot(source, rows), validation=held, test=held, tested=True)
    reason = prepared.one_class(slot)
    if reason:
        plan.unusable |= dict.fromkeys(arms, reason.replace("target", "source"))
        return
    plan.runs += [
        replace(run, keep_state=True)
        for run in _runs(prepared, ("source", source, target.task, n), slot, target)
    ]


def _runs(prepared: Prepared, key: Key, slot: Slot, target: Slot) -> list[Run]:
    timing, scale = prepared.timing((slot,)), prepared.scale([target])
    return prepared.runs(key, (slot,), prepared.ids[target.task], scale, **timing)


def _tuning(prepared: Prepared, plan: _Plan, outcomes: Sequence[RunOutcome]) -> Iterator[Run]:
    """The second stage, from the best source model of every pair and seed."""
    best = best_decay(outcomes)
    outcome_of: Mapping[Key, RunOutcome] = {outcome.key: outcome for outcome in outcomes}
    alone = {run.key: run for run in plan.runs if run.key[0] == "alone"}
    for key, (slot, decay) in best.items():
        arm, source, target, n = key
        if arm != "source":
            continue
        if slot.diverged:
            reason = f"diverged: {prepared.tasks[source].name} alone: {slot.diverged}"
            plan.unusable |= {(a, source, target, n): reason for a in (TUNED, TURNED)}
            continue
        trunk = shared_part(outcome_of[(*key, decay)].state or {})
        for again in prepared.settings.weight_decay:
            run = alone["alone", -1, target, n, again]
            tuned = replace(run, key=(TUNED, source, target, n, again), initial=trunk)
            yield tuned
            turned = replace(tuned, key=(TURNED, source, target, n, again), keep_state=True)
            yield with_alignment(turned, prepared, frozenset())


def _read(prepared: Prepared, arms: Arms, source: int, target: int) -> Iterator[PairOutcome]:
    tuned, turned = (TUNED, source, target), (TURNED, source, target)
    for keys, words in (
        ((("alone", -1, target), tuned), ("alone", TUNED)),
        ((tuned, turned), (TUNED, TURNED)),
    ):
        yield compare_arms(prepared, arms, (source, target), keys, words)
