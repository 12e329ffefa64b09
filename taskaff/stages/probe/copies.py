"""Rows of one task that another task has too: of the same content, or near copies of it.

A copy with one word more teaches the target's test rows as well as the row itself does, so that a
data set beside its own copy would seem to help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from taskaff.core.records.embedding import TaskVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Hashes, Ints


class Common(NamedTuple):
    """The keys of near copies that two tasks have in common, with the rows that have them."""

    own_rows: Ints
    own_keys: Hashes
    other_rows: Ints
    other_keys: Hashes


_COMMON: WeakKeyDictionary[TaskVectors, WeakKeyDictionary[TaskVectors, Common]] = (
    WeakKeyDictionary()
)
"""Every seed asks for the same pairs of tasks."""


def copied(task: TaskVectors, rows: Ints, other: TaskVectors, others: Ints) -> NDArray[np.bool_]:
    """Mask ``(n,)`` of a task's ``rows (n,)`` that are among ``others``, rows of another task."""
    exact: NDArray[np.bool_] = np.isin(task.hashes[rows], other.hashes[others])
    if task.near is None or other.near is None:
        return exact
    known = _COMMON.setdefault(task, WeakKeyDictionary())
    if other not in known:
        known[other] = _common(task.near, other.near)
    common = known[other]
    if not len(common.own_rows):
        return exact
    keys = common.other_keys[np.isin(common.other_rows, others)]
    near = np.zeros(task.rows, bool)
    near[common.own_rows[np.isin(common.own_keys, keys)]] = True
    return exact | near[rows]


def _common(own: Hashes, other: Hashes) -> Common:
    """From keys ``(n, k)`` and ``(m, k)``, 0 where there is none."""
    keys = np.intersect1d(own[own > 0], other[other > 0])
    own_rows, own_at = np.nonzero(np.isin(own, keys))
    other_rows, other_at = np.nonzero(np.isin(other, keys))
    return Common(own_rows, own[own_rows, own_at], other_rows, other[other_rows, other_at])
