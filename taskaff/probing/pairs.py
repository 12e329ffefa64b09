"""Pairs mode: every directed pair, trained together against the target trained alone.

W's definition: a source transfers positively if training both improves the target on its held-out
rows over training the target alone. Both arms of a comparison have the same split, initial weights
and target batches; both are looked at on one fine grid, stopped on their own best validation loss,
and choose their weight decay there, so that regularisation does not pass for knowledge.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np

from taskaff.errors import ProbeError, UsageError
from taskaff.probing.batches import RULES
from taskaff.probing.engine import train
from taskaff.probing.metrics import MAIN
from taskaff.probing.prepare import Prepared, describe, prepare
from taskaff.probing.records import (
    Interval,
    PairOutcome,
    ProbeResult,
    ProbeSettings,
    Progress,
    Run,
    RunOutcome,
    SeedGain,
    Slot,
    SlotOutcome,
)
from taskaff.probing.splits import LEAST, without_leaks
from taskaff.probing.verdict import decide, t_interval
from taskaff.records import TaskVectors

if TYPE_CHECKING:
    from taskaff.probing.records import Ints

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
    settings: ProbeSettings | None = None,
    progress: Progress | None = None,
    *,
    wanted: Collection[tuple[int, int]] | None = None,
) -> ProbeResult:
    """Measure transfer for directed pairs ``(source, target)`` of the tasks; all by default.

    Raises
    ------
    UsageError : fewer than two tasks, or settings that make no sense.
    ProbeError : a task that cannot be trained on at all.
    """
    if len(tasks) < 2:
        raise UsageError(f"a pair needs two data sets, not {len(tasks)}")
    settings = settings or ProbeSettings()
    started = time.perf_counter()
    prepared = prepare(tasks, settings)
    if wanted is None:
        wanted = list(permutations(range(len(tasks)), 2))
    plan = plan_pairs(prepared, wanted)
    planned = time.perf_counter()
    outcomes = train(
        prepared.bank,
        plan.runs,
        memory=settings.memory,
        chunk_runs=settings.chunk_runs,
        progress=progress,
    )
    ended = time.perf_counter()
    return ProbeResult(
        mode="pairs",
        tasks=describe(prepared),
        pairs=read_pairs(prepared, plan, outcomes, wanted),
        settings=settings,
        sampling_rule=RULES[settings.sampling],
        runs=len(plan.runs),
        timings={"plan": planned - started, "train": ended - planned},
    )


# --------------------------------------------------------------------- plan


def plan_pairs(prepared: Prepared, wanted: Collection[tuple[int, int]]) -> Plan:
    """The single-task arm of every target once, and a run of each pair; all seeds and decays."""
    runs: list[Run] = []
    removed: dict[Arm, int] = {}
    unusable: dict[Arm, str] = {}
    targets = sorted({target for _, target in wanted})
    for n, target in product(range(len(prepared.settings.seeds)), targets):
        slot = prepared.target_slot(target, n)
        scale = prepared.scale(slot)
        reason = prepared.one_class(slot)
        if reason:
            unusable["stl", -1, target, n] = reason
            continue
        runs += _runs(prepared, ("stl", -1, target, n), (slot,), scale)
        for source in sorted(s for s, t in wanted if t == target):
            for arm, rows, shared in _sources(prepared, source, target, n):
                key = (arm, source, target, n)
                removed[key] = shared
                if len(rows) < LEAST:
                    unusable[key] = f"only {len(rows)} source rows are left without leaked ones"
                    continue
                other = _source_slot(prepared, source, rows, slot)
                runs += _runs(prepared, key, (slot, other), scale)
    return Plan(tuple(runs), removed, unusable)


def _sources(
    prepared: Prepared, source: int, target: int, n: int
) -> Iterator[tuple[str, Ints, int]]:
    """Source rows of each arm that the settings ask for, with the number of shared rows."""
    settings, tasks = prepared.settings, prepared.tasks
    split, other = prepared.splits[source][n], prepared.splits[target][n]
    if settings.sampling == "joint":
        yield "mtl", _same_inputs(tasks[source], tasks[target], other.train), 0
        return
    clean, shared = without_leaks(tasks[source], split, tasks[target], other, settings)
    if settings.leaks == "keep":
        yield "mtl", split.source, shared
        return
    yield "mtl", clean, shared
    if settings.leaks == "both" and shared:
        yield "leaky", split.source, shared


def _same_inputs(source: TaskVectors, target: TaskVectors, rows: Ints) -> Ints:
    """The source's rows with the inputs of the target's, in the same order."""
    order = np.argsort(source.hashes, kind="stable")
    wanted = target.hashes[rows]
    at = np.searchsorted(source.hashes[order], wanted).clip(max=source.rows - 1)
    found: Ints = order[at]
    if (source.hashes[found] != wanted).any():
        raise ProbeError(
            f"joint sampling needs the same inputs, but rows of {target.name} are not in it",
            task=source.name,
            hint="use --sampling mixed",
        )
    return found


def _source_slot(prepared: Prepared, source: int, rows: Ints, target: Slot) -> Slot:
    slot = prepared.source_slot(source, rows)
    if prepared.settings.sampling != "joint":
        return slot
    return replace(slot, stream=target.stream)  # the same rows in every batch


def _runs(prepared: Prepared, arm: Arm, slots: tuple[Slot, ...], scale: float) -> list[Run]:
    settings = prepared.settings
    return [
        Run(
            key=(*arm, decay),
            seed=settings.seeds[arm[3]],
            slots=slots,
            stream=prepared.ids[arm[2]],
            trunk=settings.trunk,
            r=settings.r,
            steps=prepared.steps(slots),
            batch=settings.batch,
            lr=settings.lr,
            weight_decay=decay,
            sampling=settings.sampling,
            scale=scale,
        )
        for decay in settings.weight_decay
    ]


# ------------------------------------------------------------------ reading


def read_pairs(
    prepared: Prepared,
    plan: Plan,
    outcomes: Sequence[RunOutcome],
    wanted: Collection[tuple[int, int]],
) -> tuple[PairOutcome, ...]:
    """Gains and verdicts of the wanted pairs."""
    best = _best_decay(outcomes)
    return tuple(_read_pair(prepared, plan, best, source, target) for source, target in wanted)


def _best_decay(outcomes: Sequence[RunOutcome]) -> dict[Arm, tuple[SlotOutcome, float]]:
    """Each arm's run with the least validation loss; a diverged one only when all of them are."""
    best: dict[Arm, tuple[SlotOutcome, float]] = {}
    for outcome in outcomes:
        arm, decay, found = outcome.key[:4], outcome.key[4], outcome.slots[0]
        assert found is not None
        known = best.get(arm)
        if known is None or known[0].diverged or found.validation_loss < known[0].validation_loss:
            best[arm] = (found, decay)
    return best


def _read_pair(
    prepared: Prepared,
    plan: Plan,
    best: Mapping[Arm, tuple[SlotOutcome, float]],
    source: int,
    target: int,
) -> PairOutcome:
    settings, schema = prepared.settings, prepared.tasks[target].schema
    metric = MAIN[schema.kind]
    seeds, unusable, leaky = [], [], []
    for n, seed in enumerate(settings.seeds):
        alone, key = ("stl", -1, target, n), ("mtl", source, target, n)
        reason = plan.unusable.get(alone) or plan.unusable.get(key)
        if reason:
            unusable.append(reason)
            continue
        stl, mtl = best[alone], best[key]
        unusable += _divergence(stl[0], mtl[0], prepared, source, target)
        seeds.append(_seed_gain(seed, metric, stl, mtl, plan.removed[key]))
        with_leaks = best.get(("leaky", source, target, n), mtl)
        leaky.append(stl[0].test_loss - with_leaks[0].test_loss)
    gain = t_interval([s.gain for s in seeds], settings.confidence)
    losses = [s.stl_loss for s in seeds]
    loss = float(np.mean(losses)) if losses and np.isfinite(losses).all() else None
    margin = settings.margin * (loss or 0.0 if settings.margin_unit == "relative" else 1.0)
    return PairOutcome(
        source=prepared.tasks[source].name,
        target=prepared.tasks[target].name,
        gain=gain if not unusable else Interval(None, n=gain.n),
        metric=metric,
        metric_gain=t_interval([s.metric_gain for s in seeds], settings.confidence),
        verdict=decide(gain, margin, unusable),
        stl_loss=loss,
        leaked=float(np.mean([s.removed for s in seeds])) if seeds else 0.0,
        seeds=tuple(seeds),
        gain_with_leaks=_with_leaks(settings, leaky),
    )


def _with_leaks(settings: ProbeSettings, gains: Sequence[float]) -> Interval | None:
    return t_interval(gains, settings.confidence) if settings.leaks == "both" else None


def _divergence(
    stl: SlotOutcome, mtl: SlotOutcome, prepared: Prepared, source: int, target: int
) -> list[str]:
    names = prepared.tasks[target].name, prepared.tasks[source].name
    arms = ((stl, f"{names[0]} alone"), (mtl, f"{names[0]} with {names[1]}"))
    return [f"diverged: {arm}: {run.diverged}" for run, arm in arms if run.diverged]


def _seed_gain(
    seed: int,
    metric: str,
    stl: tuple[SlotOutcome, float],
    mtl: tuple[SlotOutcome, float],
    removed: int,
) -> SeedGain:
    return SeedGain(
        seed,
        stl[0].test_loss,
        mtl[0].test_loss,
        stl[0].metrics[metric],
        mtl[0].metrics[metric],
        removed,
        (stl[1], mtl[1]),
    )
