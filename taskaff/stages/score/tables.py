"""Build a ``PairTable`` from arrays; every undefined entry says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

Why = tuple[NDArray[np.bool_], str]
"""``(k, k)`` mask of the entries that a note is about, and the note."""


def too_few_rows(views: Sequence[TaskView], settings: ScoreSettings) -> list[Why]:
    """Pairs with a task of fewer than ``settings.min_rows`` rows, one note per task."""
    return for_tasks(
        [
            f"{view.name!r} has {view.rows} rows, fewer than {settings.min_rows}"
            if view.rows < settings.min_rows
            else ""
            for view in views
        ]
    )


def for_tasks(reasons: Sequence[str]) -> list[Why]:
    """One mask per task with a reason: its row and its column."""
    k = len(reasons)
    entries: list[Why] = []
    for i, reason in enumerate(reasons):
        if reason:
            mask = np.zeros((k, k), dtype=bool)
            mask[i, :] = mask[:, i] = True
            entries.append((mask, reason))
    return entries


def pair_table(
    name: str,
    value: Floats,
    interval: tuple[Floats, Floats] | None,
    *,
    explain: str,
    directed: bool = False,
    undefined: Sequence[Why] = (),
    remarks: Sequence[Why] = (),
    extras: Mapping[str, Floats] | None = None,
) -> PairTable:
    """A table whose entries under ``undefined`` are NaN; the first note about an entry stays."""
    value = np.array(value)
    nothing = np.full_like(value, np.nan)
    low, high = (np.array(end) for end in (interval or (nothing, nothing)))
    notes: dict[tuple[int, int], str] = {}
    for mask, note in (*undefined, *remarks):
        for i, j in np.argwhere(mask):
            notes.setdefault((int(i), int(j)), note)
    for mask, _ in undefined:
        value[mask] = np.nan
    lost = ~(np.isfinite(value) & np.isfinite(low) & np.isfinite(high))
    low[lost] = high[lost] = np.nan
    return PairTable(name, directed, value, low, high, explain, notes, dict(extras or {}))
