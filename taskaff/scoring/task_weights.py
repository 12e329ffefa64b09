"""Algorithm 2 of Wu, Zhang and Re (ICLR 2020): weights of tasks that share their inputs.

For labels ``y_i`` on the same ``X``: ``theta_i = X'y_i``, ``U_r`` the best rank-``r`` approximation
of all of them, ``alpha_i = |theta_i' U_r|``: a task whose labels point where the others' point is
weighted up, one whose labels are noise down. Deviations from the printed form: labels and inputs
are centred, so that a frequent label is no direction; every ``theta_i`` is divided by its norm, so
that a task is not weighted for the units or the number of its labels; and the weights are scaled to
mean 1. The paper leaves ``r`` open: we take the directions with more than the mean energy, which
are those that several tasks share, since a direction that only one task has is at the mean at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.records import TaskWeights
from taskaff.scoring.splits import moments

if TYPE_CHECKING:
    from taskaff.records import Floats, TaskSignature
    from taskaff.scoring.views import TaskView

SAME = 1e-9
"""Relative difference up to which two sums over the same rows in another order are equal."""
EMPTY = 1e-12
"""Singular values below this share of the largest are rounding."""


def svd_weights(
    thetas: Sequence[Floats], rank: int | None = None, *, normalise: bool = True
) -> tuple[Floats, int]:
    """Algorithm 2, steps 2 and 3, on ``theta_i (d, c_i)``: weights ``(k,)`` and the rank used.

    ``normalise=False`` is the printed form: no division by ``|theta_i|``, weights not scaled. Raw
    ``X'y_i`` are then what the paper takes. A task with ``theta_i = 0`` has weight 0.
    """
    norms = np.array([float(np.linalg.norm(theta)) for theta in thetas])
    scale = np.where(norms > 0, norms, 1.0) if normalise else np.ones(len(norms))
    blocks = [theta / s for theta, s in zip(thetas, scale, strict=True)]
    U, sizes, _ = np.linalg.svd(np.concatenate(blocks, axis=1), full_matrices=False)
    rank = shared_rank(sizes) if rank is None else min(rank, len(sizes))
    weights = np.array([float(np.linalg.norm(U[:, :rank].T @ block)) for block in blocks])
    if normalise and weights.any():
        weights /= weights.mean()
    return weights, rank


def shared_rank(sizes: Floats) -> int:
    """Directions of more than the mean energy among singular values; all when none stands out."""
    energy = sizes[sizes > EMPTY * sizes.max(initial=0.0)] ** 2
    above = int(np.count_nonzero(energy > energy.mean() * (1.0 + SAME))) if len(energy) else 0
    return above or max(len(energy), 1)


def task_weights(views: Sequence[TaskView]) -> tuple[TaskWeights, ...]:
    """Weights for the label columns of each multi-label task, and for tasks on the same rows."""
    found = [_columns(view) for view in views if view.signature.schema.kind == "multilabel"]
    groups: list[list[TaskView]] = []
    for view in (view for view in views if view.signature.sy.shape[1] and view.rows):
        home = next((g for g in groups if same_rows(g[0].signature, view.signature)), None)
        if home is None:
            groups.append([view])
        else:
            home.append(view)
    found += [_group(group) for group in groups if len(group) > 1]
    return tuple(weights for weights in found if weights is not None)


def same_rows(a: TaskSignature, b: TaskSignature) -> bool:
    """Whether two signatures were summed over the same inputs: sketches and sums agree."""
    ours, theirs = a.sketches.get(a.split), b.sketches.get(b.split)
    if a.width != b.width or not np.array_equal(a.n, b.n):
        return False
    if ours and theirs and not np.array_equal(ours.hashes, theirs.hashes):
        return False
    return _close(a.sx, b.sx) and _close(a.sxx, b.sxx)


def _close(a: Floats, b: Floats) -> bool:
    return bool(np.abs(a - b).max(initial=0.0) <= SAME * np.abs(a).max(initial=0.0))


def _columns(view: TaskView) -> TaskWeights | None:
    S = moments(view.signature).S
    thetas = [S[:, [column]] for column in range(S.shape[1])]
    note = f"label columns of {view.name!r}, each a task on the same rows"
    return _weigh(thetas, tuple(view.signature.schema.names), note)


def _group(group: Sequence[TaskView]) -> TaskWeights | None:
    thetas = [moments(view.signature).S for view in group]
    return _weigh(thetas, tuple(view.name for view in group), "data sets with the same rows")


def _weigh(thetas: Sequence[Floats], tasks: tuple[str, ...], note: str) -> TaskWeights | None:
    if len(thetas) < 2 or not any(theta.any() for theta in thetas):
        return None
    weights, rank = svd_weights(thetas)
    if empty := [name for name, theta in zip(tasks, thetas, strict=True) if not theta.any()]:
        note += f"; weight 0 where labels do not vary: {', '.join(empty)}"
    return TaskWeights(tasks, tuple(float(w) for w in weights), rank, note)
