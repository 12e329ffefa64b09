"""Checks before anything is trained: of settings, by their declarations, and of rows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import numpy as np

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.recipe import parse
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.settings import Declared, ProbeSettings, declared
from taskaff.stages.probe.training_data import require_device
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned

LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "ge": (operator.ge, "at least"),
    "gt": (operator.gt, "above"),
    "le": (operator.le, "at most"),
    "lt": (operator.lt, "below"),
}


def check_settings(settings: ProbeSettings) -> None:
    """Refuse settings that make no sense, by name."""
    for each in declared(ProbeSettings):
        if each.field != "align_lr" and each.setting.form is None:
            _check_declared(each, getattr(settings, each.field), settings)
    for name in ("target_rows", "memory"):
        if not getattr(settings, name) > 0:
            raise UsageError(f"{name} must be above 0, not {getattr(settings, name)}")
    for name in ("margin", "align_lr"):
        if getattr(settings, name) < 0:
            raise UsageError(f"{name} must not be negative, not {getattr(settings, name)}")
    if not settings.seeds or len(set(settings.seeds)) < len(settings.seeds):
        raise UsageError(f"seeds must be distinct, and at least one: {settings.seeds}")
    if 0 < settings.patience <= 1:
        raise UsageError(f"patience must be 0 or above 1, not {settings.patience:g}")
    _check_recipes(settings)
    _check_trunk(settings)
    require_device(settings.device)


def _check_declared(each: Declared, value: Any, settings: ProbeSettings) -> None:
    """Refuse a value that is none of the choices, or beyond the limits, of its declaration."""
    choices = get_args(each.type) if get_origin(each.type) is Literal else ()
    if choices and value not in choices:
        raise UsageError(f"unknown {each.field} {value!r}", hint=f"known: {', '.join(choices)}")
    if each.setting.nonempty and not value:
        raise UsageError(f"{each.field} must have at least one value")
    if value is None or (each.field == "r" and not TRUNKS[settings.trunk].defaults.r):
        return
    for name, limit in each.setting.limits.items():
        within, words = LIMITS[name]
        if not all(within(number, limit) for number in np.atleast_1d(value)):
            raise UsageError(f"{each.field} must be {words} {limit:g}, not {value}")


def _check_recipes(settings: ProbeSettings) -> None:
    """Refuse unknown recipes, and a source that leaves when it cannot."""
    if not settings.recipes:
        raise UsageError("no recipe", hint="--recipe turns")
    recipes = [parse(recipe) for recipe in settings.recipes]
    if settings.source_until < 1 and any(recipe.together for recipe in recipes):
        raise UsageError("with recipe together every update has all tasks", hint="--recipe turns")


def _check_trunk(settings: ProbeSettings) -> None:
    trunk = settings.trunk
    if not TRUNKS[trunk].defaults.r and settings.capacities:
        raise UsageError(
            f"trunk {trunk} has no capacity to sweep: the shared module is the model itself",
            hint="--trunk lstm, cnn, mlp-tokens, linear, relu or mlp",
        )
    if fine_tuned(trunk) and settings.transference:
        raise UsageError(
            f"transference is measured on frozen vectors, not with trunk {trunk}",
            hint="--trunk linear, relu or mlp",
        )


def check_task(task: TaskVectors, width: int, first: str) -> None:
    """Refuse rows without usable labels, or whose vectors are not finite or of another width."""
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
