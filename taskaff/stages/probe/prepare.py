"""From tasks to what every mode plans with: the training data, identities, splits and scales."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.recipe import Recipe, parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import ProbeResult, ProbeTask, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.align import FORMS
from taskaff.stages.probe.batches import batch_count
from taskaff.stages.probe.engine import Observer, train
from taskaff.stages.probe.records import Key, Run, RunOutcome, Slot
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.probe.splits import Split, split_task
from taskaff.stages.probe.training_data import (
    KINDS,
    TrainingData,
    chosen_device,
    make_training_data,
    require_device,
)
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned

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
        _check_task(task, width, tasks[0].name)
    ids = tuple(content_id(task) for task in tasks)
    splits = tuple(
        tuple(split_task(task, name, seed, settings) for seed in settings.seeds)
        for task, name in zip(tasks, ids, strict=True)
    )
    data = make_training_data(
        tasks, chosen_device(settings.device), tokens=fine_tuned(settings.trunk)
    )
    return Prepared(tuple(tasks), ids, splits, data, settings, store, started)


def check_settings(settings: ProbeSettings) -> None:
    """Refuse settings that make no sense, by name."""
    known = {
        "trunk": (*TRUNKS,),
        "leaks": ("remove", "keep", "both"),
        "splits": ("own", "drawn"),
        "weights": ("equal", "proportional", "svd", "svd-printed", "uncertainty"),
        "align_form": tuple(form for form in FORMS if form),
    }
    for name, allowed in known.items():
        value = getattr(settings, name)
        if value not in allowed:
            raise UsageError(f"unknown {name} {value!r}", hint=f"known: {', '.join(allowed)}")
    _check_trunk(settings)
    counts = ("updates", "batch", "lr", "target_rows", "source_rows", "memory", "align_rank")
    for name in (*counts, "validation_rows", "test_rows"):
        if not getattr(settings, name) > 0:
            raise UsageError(f"{name} must be above 0, not {getattr(settings, name)}")
    if not 0 < settings.confidence < 1:
        raise UsageError(f"confidence must be between 0 and 1, not {settings.confidence}")
    _check_recipes(settings)
    if not settings.seeds or len(set(settings.seeds)) < len(settings.seeds):
        raise UsageError(f"seeds must be distinct, and at least one: {settings.seeds}")
    if settings.align_lr < 0:
        raise UsageError(f"align_lr must not be negative, not {settings.align_lr}")
    if not settings.weight_decay or min(settings.weight_decay) < 0 or settings.margin < 0:
        raise UsageError("weight_decay (at least one) and margin must not be negative")
    require_device(settings.device)


def _check_recipes(settings: ProbeSettings) -> None:
    """Refuse unknown recipes, and a source that leaves when it cannot."""
    if not settings.recipes:
        raise UsageError("no recipe", hint="--recipe turns")
    recipes = [parse(recipe) for recipe in settings.recipes]
    if not (settings.patience == 0 or settings.patience > 1):
        raise UsageError(f"patience must be 0 or above 1, not {settings.patience:g}")
    if not 0 <= settings.source_until <= 1:
        raise UsageError(f"source_until must be from 0 to 1, not {settings.source_until}")
    if settings.source_until < 1 and any(recipe.together for recipe in recipes):
        raise UsageError("with recipe together every update has all tasks", hint="--recipe turns")


def _check_trunk(settings: ProbeSettings) -> None:
    """Refuse what a trunk cannot do, by name."""
    trunk = settings.trunk
    if not TRUNKS[trunk].defaults.r and settings.capacities:
        raise UsageError(
            f"trunk {trunk} has no capacity to sweep: the shared module is the model itself",
            hint="--trunk lstm, cnn, mlp-tokens, linear, relu or mlp",
        )
    if TRUNKS[trunk].defaults.r and not settings.r > 0:
        raise UsageError(f"r must be above 0, not {settings.r}")
    if fine_tuned(trunk) and settings.transference:
        raise UsageError(
            f"transference is measured on frozen vectors, not with trunk {trunk}",
            hint="--trunk linear, relu or mlp",
        )
    if settings.max_tokens is not None and not settings.max_tokens > 0:
        raise UsageError(f"max_tokens must be above 0, not {settings.max_tokens}")


def _check_task(task: TaskVectors, width: int, first: str) -> None:
    if task.schema.kind == "none":
        raise ProbeError(
            "no labels, and the probe trains on labels",
            task=task.name,
            hint="name the label column with --label",
        )
    if task.X.shape[1] != width:
        raise ProbeError(
            f"vectors of width {task.X.shape[1]}, but {first} has {width}",
            task=task.name,
            hint="embed all data sets with one encoder",
        )
    if not task.rows:
        raise ProbeError("no rows", task=task.name)
    bad = ~np.isfinite(task.X).all(axis=1)
    if bad.any():
        raise ProbeError(
            f"{int(bad.sum())} vectors are not finite, the first in row {int(bad.argmax()) + 1}",
            task=task.name,
            hint="remove these rows or make the vectors again",
        )
    labels = np.asarray(task.labels)
    if not np.isfinite(labels).all():
        raise ProbeError("labels that are not finite", task=task.name)
    if (labels == labels[0]).all():
        raise ProbeError(
            "every row has the same label",
            task=task.name,
            hint="a task needs at least two classes or values",
        )
