"""What every run is evaluated by, stacked or alone: when, its divergence, a slot's outcome.

``evaluate_stacked`` and ``evaluate_single`` differ in how outputs are computed and weights are
kept, and in nothing else; grid and stopping rule are in ``schedule``, losses and metrics in modules
of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.losses import MULTILABEL, REGRESSION
from taskaff.stages.probe.records import SlotOutcome
from taskaff.stages.probe.schedule import DENSE, Grid, Limits, Schedule

if TYPE_CHECKING:
    from taskaff.stages.probe.records import Run, State

EXPLODED = 100.0
"""A last validation loss this many times that of a constant (or the run's best) has diverged."""


def due_evaluations(run: Run, schedule: Schedule, s: int, grid: Grid = DENSE) -> dict[int, int]:
    """Round to the updates of slot ``s`` then, of every evaluation of it.

    A run that starts from given weights is evaluated before its first update as well.
    """
    start = {} if run.initial is None else {0: 0}
    return {**start, **schedule.evaluation_rounds(s, grid)}


def slot_outcome(
    curve: Sequence[tuple[float, float]],
    best: tuple[float, int],
    updates: int,
    limits: Limits,
    constant: float,
    *,
    losses: np.ndarray,
    metrics: Mapping[str, float],
    state: State | None,
    outputs: np.ndarray | None,
) -> SlotOutcome:
    """Outcome of a slot from its evaluations and its test at the best of them; NaN if it diverged.

    Parameters
    ----------
    curve : updates and validation loss of every evaluation.
    best : least validation loss, and the updates then.
    updates : of the slot at its last evaluation.
    limits : when it ends.
    constant : about the loss of a prediction that ignores the input.
    losses : ``(n,)`` of the test rows.
    metrics : of the test rows, by name.
    state, outputs : all weights at the best evaluation, outputs of the test rows; if asked for.
    """
    points, test_loss = np.array(curve), float(losses.mean(dtype=np.float64))
    reason = diverged(points[:, 1], test_loss, constant)
    if reason:
        nan = float("nan")
        return SlotOutcome(nan, nan, dict.fromkeys(metrics, nan), 0, points, reason)
    least, step = best
    late = limits.at_cap(updates, step)
    return SlotOutcome(
        least, test_loss, dict(metrics), step, points, "", late, losses, state, outputs
    )


def require_rows(run: Run) -> None:
    """Refuse a run that cannot be trained or tested.

    Raises
    ------
    ProbeError : a slot without training rows, a tested one without held-out rows.
    """
    if not run.slots or not all(len(slot.train) for slot in run.slots):
        raise ProbeError(f"run {run.key} has a task without training rows")
    if not all(len(s.validation) and len(s.test) for s in run.slots if s.tested):
        raise ProbeError(f"run {run.key} has a tested task without held-out rows")


def constant_loss(kind: int, c: int) -> float:
    """About the loss of a prediction that ignores the input, by the label kind (``data.KINDS``)."""
    if kind == REGRESSION:
        return 1.0
    return float(np.log(2.0 if kind == MULTILABEL else max(c, 2)))


def diverged(losses: np.ndarray, test_loss: float, constant: float) -> str:
    """Why a curve of validation losses is a divergence, or nothing."""
    if not np.isfinite(losses).all() or not np.isfinite(test_loss):
        return "the held-out loss became infinite or not a number"
    if losses.min() > EXPLODED * constant or losses[-1] > EXPLODED * max(constant, losses.min()):
        return f"the validation loss grew to {losses[-1]:.3g}"
    return ""
