"""Weights of the tasks' losses in a run of several (W equation 2).

* ``equal``: 1;
* ``proportional``: by training rows, scaled to mean 1. With ``concat`` a larger task already has
  more updates, so that its size counts twice then;
* ``svd``: W Algorithm 2, for tasks on the same inputs only, as in ``taskaff.core.svd_weights``;
* ``svd-printed``: Algorithm 2 as printed in the paper, on ``X'y_i`` that are neither centred nor
  normalised, so that of two tasks the one with the larger ``X'y_i`` has more weight; scaled to mean
  1, which changes no step of Adam. Of two tasks ``svd`` weighs both alike whenever one direction is
  kept;
* ``uncertainty``: learned with the rest (Kendall, Gal and Cipolla 2018): with ``s_i`` the
  log-variance of task i, ``exp(-s_i) L_i + s_i / 2``, half of the first term for squared errors,
  the negative logarithm of a Gaussian likelihood. ``s_i`` starts at 0.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import ProbeError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.svd_weights import svd_weights
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Run, RunOutcome, Slot

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints


TOGETHER = ("recipe together", "use --recipe turns")
"""What needs the same inputs, and what to do where they differ."""


def weigh(prepared: Prepared, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots with their fixed weights; as they are when all are 1 or learned.

    Raises
    ------
    ProbeError : ``svd`` or ``svd-printed`` and inputs that differ.
    """
    rule = prepared.settings.weights
    if rule in ("equal", "uncertainty") or len(slots) < 2:
        return slots
    if rule == "proportional":
        rows = np.array([len(slot.train) for slot in slots], dtype=np.float64)
        weights = rows / rows.mean()
    else:
        printed = rule == "svd-printed"
        thetas, spectrum = _thetas(prepared, slots, not printed)
        weights, _ = svd_weights(
            thetas, prepared.settings.svd_rank, normalise=not printed, spectrum=spectrum
        )
        weights = weights / weights.mean() if weights.any() else np.ones(len(slots))
    return tuple(replace(s, weight=float(w)) for s, w in zip(slots, weights, strict=True))


def same_inputs(source: TaskVectors, target: TaskVectors, rows: Ints, what: str, hint: str) -> Ints:
    """The source's rows with the inputs of the target's, in the same order.

    Raises
    ------
    ProbeError : some of them are not in it; ``what`` needs them, ``hint`` is what to do then.
    """
    order = np.argsort(source.hashes, kind="stable")
    wanted = target.hashes[rows]
    at = np.searchsorted(source.hashes[order], wanted).clip(max=source.rows - 1)
    rows_of_source: Ints = order[at]
    if (source.hashes[rows_of_source] != wanted).any():
        raise ProbeError(
            f"{what} needs the same inputs, but rows of {target.name} are not in it",
            task=source.name,
            hint=hint,
        )
    return rows_of_source


def mean_weights(
    prepared: Prepared,
    runs: Sequence[Run],
    outcomes: Sequence[RunOutcome],
    arms: Collection[str],
    *,
    backwards: bool = False,
) -> dict[str, dict[str, float]]:
    """Mean weights over seeds and decays, scaled to mean 1, by mix (``a + b``) and task."""
    if prepared.settings.weights == "equal":
        return {}
    weights_of: dict[str, list[tuple[list[str], Floats]]] = {}
    for run, outcome in zip(runs, outcomes, strict=True):
        if run.key[0] not in arms or len(run.slots) < 2:
            continue
        names = [prepared.tasks[slot.task].name for slot in run.slots]
        weights = np.array(outcome.weights or [slot.weight for slot in run.slots])
        mix = " + ".join(names[::-1] if backwards else names)
        weights_of.setdefault(mix, []).append((names, weights / weights.mean()))
    return {
        mix: dict(zip(seen[0][0], np.mean([w for _, w in seen], axis=0).tolist(), strict=True))
        for mix, seen in weights_of.items()
    }


def _thetas(
    prepared: Prepared, slots: Sequence[Slot], centred: bool
) -> tuple[list[Floats], Floats]:
    """``X'(y - mean)``, or ``X'y``, of every task on the training rows of the first.

    With the eigenvalues of ``X'X``.
    """
    first = prepared.tasks[slots[0].task]
    rows = slots[0].train - prepared.data.starts[slots[0].task]
    X = first.X[rows].astype(np.float64)
    X = X - X.mean(axis=0) if centred else X
    thetas = []
    for slot in slots:
        task = prepared.tasks[slot.task]
        hint = "use --weights equal, proportional or uncertainty"
        Y = _matrix(task, same_inputs(task, first, rows, "Algorithm 2", hint))
        thetas.append(X.T @ (Y - Y.mean(axis=0) if centred else Y))
    return thetas, np.linalg.eigvalsh(X.T @ X)


def _matrix(task: TaskVectors, rows: Ints) -> Floats:
    """Labels ``(n, c)``, classes as indicators."""
    labels: Any = np.asarray(task.labels)[rows]
    if task.schema.kind == "classes":
        indicators: Floats = np.eye(task.schema.width)[labels]
        return indicators
    return np.asarray(labels, dtype=np.float64).reshape(len(rows), -1)
