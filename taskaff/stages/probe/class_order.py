"""An order of classes that their rows decide, so that the names of classes change no number.

Codes follow the sorted names, and heads are drawn column by column: with codes as they come,
``n/p`` would start from other weights than ``zeta/alpha``. Here the class with the smallest
content hash among its rows comes first; where two classes share that row, the next hashes decide.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.embedding import TaskVectors

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints


def in_content_order(task: TaskVectors) -> TaskVectors:
    """The task with its classes, or labels of a multi-label task, in the order of their rows."""
    kind, width = task.schema.kind, task.schema.width
    if kind not in ("classes", "multilabel") or width < 2:
        return task
    by_content = np.lexsort((task.splits, task.hashes))
    labels = np.asarray(task.labels)[by_content]
    if kind == "classes":
        members = [np.flatnonzero(labels == code) for code in range(width)]
    else:
        members = [np.flatnonzero(column > 0) for column in labels.T]
    rows = list(
        zip(task.hashes[by_content].tolist(), task.splits[by_content].tolist(), strict=True)
    )
    keys = [[rows[i] for i in own] for own in members]
    order = sorted(range(width), key=lambda c: (not keys[c], keys[c]))
    schema = replace(task.schema, names=tuple(task.schema.names[c] for c in order))
    return replace(task, labels=_moved(task, np.array(order)), schema=schema)


def _moved(task: TaskVectors, order: Ints) -> np.ndarray:
    if task.schema.kind == "multilabel":
        return np.asarray(task.labels)[:, order]
    code = np.empty(len(order), dtype=np.int64)
    code[order] = np.arange(len(order))
    return code[np.asarray(task.labels)]
