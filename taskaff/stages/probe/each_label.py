"""Every label of a multi-label data set as a task of its own, all on the same inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors


def each_label(tasks: Sequence[TaskVectors]) -> tuple[list[TaskVectors], list[str]]:
    """The tasks, each multi-label one taken apart into ``NAME.LABEL``, and what there is to say.

    Labels that all rows have, or none, are left out, since nothing can be learned of them.

    Raises
    ------
    UsageError : no task has several labels.
    """
    if not any(task.schema.kind == "multilabel" for task in tasks):
        raise UsageError(
            "--each-label takes a multi-label data set apart, and none has several labels",
            hint="leave --each-label out, or name the label columns: --label A,B,C",
        )
    separate: list[TaskVectors] = []
    notes: list[str] = []
    for task in tasks:
        if task.schema.kind != "multilabel":
            separate.append(task)
            continue
        parts = dict(_labels(task))
        separate += [part for part in parts.values() if part is not None]
        constant = [name for name, part in parts.items() if part is None]
        if constant:
            notes.append(
                f"{task.name}: labels that do not vary are left out: {', '.join(constant)}"
            )
    return separate, notes


def _labels(task: TaskVectors) -> Iterator[tuple[str, TaskVectors | None]]:
    labels = np.asarray(task.labels)
    for name, column in zip(task.schema.names, labels.T, strict=True):
        codes = (column > 0).astype(np.int64)
        schema = LabelSchema("classes", ("0", "1"), (name,))
        varies = codes.min(initial=1) < codes.max(initial=0)
        yield (
            name,
            replace(task, name=f"{task.name}.{name}", labels=codes, schema=schema)
            if (varies)
            else None,
        )
