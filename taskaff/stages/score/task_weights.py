"""Algorithm 2 of Wu, Zhang and Re (ICLR 2020): weights of tasks that share their inputs.

The label columns of a multi-label task are such tasks, and so are several data sets with the same
rows. Labels and inputs are centred here, so that a frequent label is no direction; see
``taskaff.core.svd_weights`` for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import TaskWeights
from taskaff.core.svd_weights import svd_weights
from taskaff.stages.score.splits import moments

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.core.records.signature import TaskSignature
    from taskaff.stages.score.task_statistics import TaskView

SAME = 1e-9
"""Relative difference up to which two sums over the same rows in another order are equal."""


def task_weights(views: Sequence[TaskView]) -> tuple[TaskWeights, ...]:
    """Weights for the label columns of each multi-label task, and for tasks on the same rows."""
    weighed = [_columns(view) for view in views if view.signature.schema.kind == "multilabel"]
    groups: list[list[TaskView]] = []
    for view in (view for view in views if view.signature.sy.shape[1] and view.rows):
        home = next((g for g in groups if same_rows(g[0].signature, view.signature)), None)
        if home is None:
            groups.append([view])
        else:
            home.append(view)
    weighed += [_group(group) for group in groups if len(group) > 1]
    return tuple(weights for weights in weighed if weights is not None)


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
    own = moments(view.signature)
    thetas = [own.S[:, [column]] for column in range(own.S.shape[1])]
    note = f"label columns of {view.name!r}, each a task on the same rows"
    return _weigh(thetas, own.C, tuple(view.signature.schema.names), note)


def _group(group: Sequence[TaskView]) -> TaskWeights | None:
    own_moments = [moments(view.signature) for view in group]
    names = tuple(view.name for view in group)
    return _weigh(
        [own.S for own in own_moments], own_moments[0].C, names, "data sets with the same rows"
    )


def _weigh(
    thetas: Sequence[Floats], C: Floats, tasks: tuple[str, ...], note: str
) -> TaskWeights | None:
    if len(thetas) < 2 or not any(theta.any() for theta in thetas):
        return None
    weights, rank = svd_weights(thetas, spectrum=np.linalg.eigvalsh(C).astype(np.float64))
    if empty := [name for name, theta in zip(tasks, thetas, strict=True) if not theta.any()]:
        note += f"; weight 0 where labels do not vary: {', '.join(empty)}"
    return TaskWeights(tasks, tuple(float(w) for w in weights), rank, note)
