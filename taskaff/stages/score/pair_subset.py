"""Scores of some pairs only: one newcomer against a hundred tasks, and not those with each other.

A score compares all tasks that it is given. Where only the pairs with a few of them are wanted
(``ScoreSettings.around``), it is given two tasks at a time and the tables are put together, unless
its line says ``handles_subset``; what a view of a task keeps is computed once all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings

if TYPE_CHECKING:
    from taskaff.stages.score.task_statistics import TaskView

Score = Callable[[Sequence["TaskView"], ScoreSettings], PairTable]

ENDS = ("value", "low", "high")


NARROW = 256
"""Below this width the matrices of two tasks are too small to be shared out to cores."""


@contextmanager
def few_cores(views: Sequence[TaskView], settings: ScoreSettings) -> Iterator[None]:
    """One core for the matrix library where its threads would only wait for one another."""
    if not settings.around or views[0].width >= NARROW:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def compare_around(score: Score, views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """The table of ``score`` for the pairs of ``settings.around``, NaN elsewhere."""
    k = len(views)
    arrays: dict[str, np.ndarray] = {}
    notes: dict[tuple[int, int], str] = {}
    part = None
    for i, j in pairs(views, settings):
        part = score([views[i], views[j]], settings)
        cells = np.ix_((i, j), (i, j))
        fields = {name: getattr(part, name) for name in ENDS}
        for name, values in (fields | dict(part.extras)).items():
            arrays.setdefault(name, np.full((k, k), np.nan))[cells] = values
        notes |= {((i, j)[s], (i, j)[t]): text for (s, t), text in part.notes.items()}
    assert part is not None
    value, low, high = (arrays.pop(name) for name in ENDS)
    return PairTable(part.name, part.directed, value, low, high, part.explain, notes, arrays)


def pairs(views: Sequence[TaskView], settings: ScoreSettings) -> Iterator[tuple[int, int]]:
    """Index pairs ``i < j`` with a task of ``settings.around``."""
    centres = [view.name in settings.around for view in views]
    for j in range(len(views)):
        for i in range(j):
            if centres[i] or centres[j]:
                yield i, j
