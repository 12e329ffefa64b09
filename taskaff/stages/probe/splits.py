"""Training, validation and test rows of a task for one seed, and the rows that two tasks share.

Rows with equal content hash always have the same role. A task's own test rows stay its test rows;
its own validation rows stay so too, unless it has no test rows: then they are the test (as with
published sets whose test labels are secret). What is missing is drawn from the training rows. A
task with no training rows is divided as if it had no splits, and every task is with
``splits="drawn"``. A row that occurs in two splits counts for the test first, then for validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import ProbeError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.settings import ProbeSettings, Splits
from taskaff.stages.probe.copies import copied
from taskaff.stages.probe.seeding import label_keys, stream

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints

TRAIN, VALIDATION, TEST = 0, 1, 2
SHARES = {TEST: 0.2, VALIDATION: 0.1}
"""Shares of the distinct rows drawn for a role that the task's own splits do not fill."""
LEAST = 10
"""Fewest rows of any role."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of one task for one seed, each in random order."""

    pool: Ints
    """All rows that may be trained on."""
    full: float
    """How many these are in the data set's files, of which a large one is read in part."""
    train: Ints
    """The first ``target_rows`` of the pool: the task as a target."""
    source: Ints
    """The first ``source_rows`` of the pool: the task as a source."""
    validation: Ints
    test: Ints
    test_pool: int = 0
    """Rows that the test rows were drawn from, or how many these are where they were not drawn."""


def split_task(task: TaskVectors, name: str, seed: int, settings: ProbeSettings) -> Split:
    """Divide the rows; ``name`` (the content id) and the seed decide, not the order of the rows.

    Raises
    ------
    ProbeError : fewer than ``LEAST`` rows for some role.
    """
    distinct, inverse = np.unique(task.hashes, return_inverse=True)
    role = _own_roles(task, inverse, len(distinct), settings.splits)
    order = stream(seed, "split", name).permutation(len(distinct))
    drawn_test = not (role == TEST).any()
    caps = {TEST: settings.test_rows, VALIDATION: settings.validation_rows}
    for wanted, share in SHARES.items():
        if not (role == wanted).any():
            free = order[role[order] == TRAIN]
            drawn = min(caps[wanted], max(LEAST, int(np.ceil(share * len(distinct)))))
            role[free[:drawn]] = wanted
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[order] = np.arange(len(distinct))
    rows = np.lexsort((*label_keys(task), rank[inverse]))
    own = int((task.splits == TRAIN).sum())
    usable = own or task.rows
    roles = role[inverse][rows]
    pool, validation, test = (rows[roles == r] for r in (TRAIN, VALIDATION, TEST))
    _require(task, pool, validation, test)
    return Split(
        pool,
        len(pool) * (task.training_rows or usable) / max(usable, 1),
        pool[: settings.target_rows],
        pool[: settings.source_rows],
        validation[: settings.validation_rows],
        test[: settings.test_rows],
        len(rows) if drawn_test else len(test),
    )


def _own_roles(task: TaskVectors, inverse: Ints, distinct: int, splits: Splits) -> Ints:
    """Role of each distinct row by the task's own splits, unless all are to be drawn."""
    role = np.zeros(distinct, dtype=np.int64)
    if splits == "drawn" or not (task.splits == TRAIN).any():
        return role
    np.maximum.at(role, inverse, task.splits)
    if not (task.splits == TEST).any():
        role[role == VALIDATION] = TEST
    return role


def _require(task: TaskVectors, pool: Ints, validation: Ints, test: Ints) -> None:
    sizes = {"training": len(pool), "validation": len(validation), "test": len(test)}
    short = [f"{rows} {name}" for name, rows in sizes.items() if rows < LEAST]
    if short:
        raise ProbeError(
            f"{', '.join(short)} rows of {task.rows}; the probe needs {LEAST} of each",
            task=task.name,
            hint="give more labelled rows, or leave this data set out",
        )


def without_leaks(
    source: TaskVectors, split: Split, target: TaskVectors, other: Split, settings: ProbeSettings
) -> tuple[Ints, int]:
    """Source rows to train on that the target does not have, and how many were taken out.

    Near copies of a target's row count as that row (``copies``).

    The target's validation and test rows are taken out, and its training rows unless
    ``leaks_train`` is off. Removed rows are replaced by others while the pool lasts. The same
    array as ``split.source`` comes back when nothing was shared.
    """
    protected = [other.validation, other.test] + [other.train] * settings.leaks_train
    shared = copied(source, split.pool, target, np.concatenate(protected))
    if not shared.any():
        return split.source, 0
    return split.pool[~shared][: settings.source_rows], int(shared.sum())
