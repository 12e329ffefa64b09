"""From tasks to what every mode plans with: the training data, identities, splits and scales."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.recipe import Recipe, parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import ProbeResult, ProbeTask, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.batches import batch_count
from taskaff.stages.probe.checks import check_settings, check_task
from taskaff.stages.probe.engine import Observer, train
from taskaff.stages.probe.records import Key, Run, RunOutcome, Slot
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.probe.splits import Split, split_task
from taskaff.stages.probe.training_data import (
    KINDS,
    TrainingData,
    chosen_device,
    make_training_data,
)
from taskaff.stages.probe.trunks import fine_tuned

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes, Ints


@dataclass(slots=True, eq=False)
class Prepared:
    """Checked tasks, their splits ``[task][seed number]``, the shared matrix, and what was spent.

    The keys of runs end with the seed number and the weight decay.
    """

    tasks: tuple[TaskVectors, ...]
    ids: tuple[str, ...]
    splits: tuple[tuple[Split, ...], ...]
    data: TrainingData
    settings: ProbeSettings
    store: Store | None = None
    """Keeps the outcomes of fine-tuned runs."""
    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    trained: int = 0
    """Runs so far."""

    @property
    def width(self) -> int:
        """``d`` of the vectors that an alignment matrix multiplies."""
        tokens = self.data.tokens
        return tokens.d if tokens else self.data.d

    def train(
        self,
        runs: Sequence[Run],
        progress: Progress | None = None,
        observer: Observer | None = None,
    ) -> list[RunOutcome]:
        """Outcomes in the order of the runs, by the settings' limits."""
        if self.settings.keep_outputs:
            runs = [replace(run, keep_outputs=True) for run in runs]
        begun = time.perf_counter()
        self.timings.setdefault("plan", begun - self.started)
        outcomes = train(
            self.data,
            runs,
            memory=self.settings.memory,
            chunk_runs=self.settings.chunk_runs,
            progress=progress,
            observer=observer,
            store=self.store,
        )
        spent = time.perf_counter() - begun
        self.timings["train"] = self.timings.get("train", 0.0) + spent
        self.trained += len(runs)
        return outcomes

    def result(self, mode: str, **parts: Any) -> ProbeResult:
        """What a mode measured, with what every mode says."""
        tasks = tuple(
            ProbeTask(
                task.name,
                task.rows,
                task.schema.kind,
                task.schema.width,
                max(len(split.train) for split in splits),
                max(len(split.source) for split in splits),
                max(len(split.validation) for split in splits),
                max(len(split.test) for split in splits),
            )
            for task, splits in zip(self.tasks, self.splits, strict=True)
        )
        rule, runs = self.recipe.rule, self.trained
        result = ProbeResult(mode, tasks, (), self.settings, rule, runs, timings=self.timings)
        return replace(result, **parts)

    def runs(
        self, key: Key, slots: tuple[Slot, ...], stream: str, scale: float, **more: Any
    ) -> list[Run]:
        """A run of an arm, whose ``key`` ends with the seed number, at every weight decay."""
        settings = self.settings
        return [
            Run(
                key=(*key, decay),
                seed=settings.seeds[key[-1]],
                slots=slots,
                stream=stream,
                batch=settings.batch,
                lr=settings.lr,
                weight_decay=decay,
                scale=scale,
                uncertain=settings.weights == "uncertainty" and len(slots) > 1,
                **{"trunk": settings.trunk, "r": settings.r} | more,
            )
            for decay in settings.weight_decay
        ]

    def rows(self, task: int, local: Ints) -> Ints:
        """Numbers in the shared matrix of a task's rows."""
        return local + self.data.starts[task]

    def target_slot(self, task: int, seed: int) -> Slot:
        """The task as a target; one object for all runs, so that they share its batches."""
        split = self.splits[task][seed]
        train, validation, test = (
            self.rows(task, part) for part in (split.train, split.validation, split.test)
        )
        return Slot(task, train, validation, test, stream=f"{self.ids[task]}/target")

    def source_slot(self, task: int, local: Ints) -> Slot:
        """Rows of the task as a source: trained on, not tested."""
        none = np.empty(0, dtype=np.int64)
        train = self.rows(task, local)
        return Slot(task, train, none, none, stream=f"{self.ids[task]}/source", tested=False)

    def scale(self, slots: Sequence[Slot]) -> float:
        """Factor of the vectors in a run, by the training rows of the tasks that it is about.

        Trunks that are fine-tuned take their tokens' vectors as they are.
        """
        if self.settings.scale != "target" or self.data.tokens is not None:
            return 1.0
        rows = [slot.train for slot in slots]
        return 1.0 / self.data.rms(rows[0] if len(rows) == 1 else np.concatenate(rows))

    @property
    def recipe(self) -> Recipe:
        """The recipe that decides."""
        return parse(self.settings.recipes[0])

    def timing(
        self,
        slots: Sequence[Slot],
        recipe: Recipe | None = None,
        rows: Sequence[float] = (),
        newcomer: int | None = None,
    ) -> dict[str, Any]:
        """The fields of a run that say how long it is trained, and which task when.

        Parameters
        ----------
        recipe : None for a task alone.
        rows : training rows of each task in its files; with ``epochs`` those of the run count.
        newcomer : number of the slot that a recipe with a share is about.
        """
        settings = self.settings
        if settings.epochs is not None:
            rows = [batch_count(len(slot.train), settings.batch) for slot in slots]
        shared = recipe is not None and len(slots) > 1
        return {
            "updates": settings.updates,
            "patience": settings.patience if settings.epochs is None else 0.0,
            "epochs": settings.epochs,
            "shares": recipe.shares(rows, newcomer) if recipe and shared else (),
            "together": bool(recipe and shared and recipe.together),
        }

    def finite(self) -> dict[tuple[int, int], tuple[Hashes, int, float]]:
        """What ``Arms.rows`` holds: of every target and seed number, what finite rows mean."""
        return {
            (task, n): (
                self.tasks[task].hashes[split.test],
                split.test_pool,
                len(split.train) / max(len(split.pool), 1),
            )
            for task, splits in enumerate(self.splits)
            for n, split in enumerate(splits)
        }

    def one_class(self, target: Slot) -> str:
        """Why the target cannot be learned from its training rows, or nothing."""
        data, rows = self.data, target.train
        kind = KINDS[data.kinds[target.task]]
        labels = data.codes[rows] if kind == "classes" else data.values[rows]
        if bool((labels == labels[0]).all()):
            return f"all {len(rows)} training rows of the target have the same label"
        return ""


def prepare(
    tasks: Sequence[TaskVectors], settings: ProbeSettings, store: Store | None = None
) -> Prepared:
    """Check and split the tasks.

    Raises
    ------
    UsageError : settings that make no sense.
    ProbeError : widths that differ, vectors that are not finite, labels missing or of one value,
        too few rows.
    """
    started = time.perf_counter()
    check_settings(settings)
    width = tasks[0].X.shape[1] if tasks else 0
    for task in tasks:
        check_task(task, width, tasks[0].name)
    ids = tuple(content_id(task) for task in tasks)
    splits = tuple(
        tuple(split_task(task, name, seed, settings) for seed in settings.seeds)
        for task, name in zip(tasks, ids, strict=True)
    )
    data = make_training_data(
        tasks, chosen_device(settings.device), tokens=fine_tuned(settings.trunk)
    )
    return Prepared(tuple(tasks), ids, splits, data, settings, store, started)
