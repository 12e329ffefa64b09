"""Overlap: which share of one task's rows is also in another task.

Rows are compared by the hash of their normal form, so spellings that differ in case, spaces or
sentence punctuation are one row. Counted over distinct rows, all splits together. Beside them the
near copies, which differ in a word or so (``stages.signature.near``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.near import near_counts, near_rows, near_share
from taskaff.stages.score.sketches import RowSet, share_interval, shared_counts, union
from taskaff.stages.score.tables import pair_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "Share of the target's distinct rows that are also in the source, from 0 to 1; higher means "
    "that the two are less independent, and that a held-out score of the target can be inflated "
    "by rows seen in training. near is the share of those that differ from "
    "a row of the source in about a word."
)
UNKNOWN = "no near copies: a signature was made without them, profile the data set again"
HELD_OUT = ("validation", "test")


def overlap(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """Share of target ``j``'s distinct rows that source ``i`` has; exact, or from samples.

    ``extras["shared"]`` is the number of rows in both (symmetric), ``extras["leak"]`` the number
    of distinct rows of the target's validation and test splits that are in the source's train split
    (NaN when the target has no such split), and ``extras["near"]`` the share of the target's rows
    that are near copies of one of the source and no exact ones. Where a sketch is not exact they
    are estimates, and the share has an interval; otherwise the interval is the value itself.
    """
    rows = [union(view.signature.sketches.values()) for view in views]
    hits = shared_counts([part.hashes for part in rows]).astype(np.float64)
    sample, exact = _samples(rows, rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = hits / sample
    low, high = value, value
    if not exact.all():
        low, high = share_interval(hits, sample, settings.confidence)
        low, high = np.where(exact, value, low), np.where(exact, value, high)
    distinct = np.array([part.distinct for part in rows])
    estimated = value * distinct[None, :]
    shared = np.where(exact, hits, (estimated + estimated.T) / 2.0)
    empty = np.broadcast_to(distinct[None, :] == 0, value.shape)
    unseen = (sample == 0) & ~empty
    near, unknown = _near(views, value)
    return pair_table(
        "overlap",
        value,
        (low, high),
        directed=True,
        explain=EXPLAIN,
        undefined=[(empty, "the target has no rows"), (unseen, "no row of the target was sampled")],
        remarks=[(~exact, "estimated from a sample of the rows"), (unknown, UNKNOWN)],
        extras={"shared": shared, "leak": _leak(views), "near": near},
    )


def _near(views: Sequence[TaskView], exact: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """``[i, j]``: share of target ``j``'s rows near to one of source ``i``; where it is unknown.

    Vectors have no near copies that a key could tell; a signature may be without keys.
    """
    k = len(views)
    parts = [near_rows(view.signature.sketches.values()) for view in views]
    known = np.array([part is not None for part in parts])
    rows = [part for part in parts if part is not None]
    share = np.full((k, k), np.nan)
    hits = near_counts(rows).astype(np.float64)
    sample = np.array([len(part.hashes) for part in rows])
    part_share = np.array([part.share for part in rows])[:, None]
    share[np.ix_(known, known)] = near_share(hits, sample, part_share)
    lacking = np.array([v.signature.layout != "vectors" for v in views]) & ~known
    return np.minimum(share, 1.0 - exact), lacking[:, None] | lacking[None, :]


def _samples(sources: Sequence[RowSet], targets: Sequence[RowSet]) -> tuple[Floats, np.ndarray]:
    """``(k, k)`` number of the target's rows that could have been hits, and whether that is all."""
    thresholds = np.array([part.threshold for part in sources], dtype=np.uint64)
    sample = np.stack(
        [np.searchsorted(part.hashes, thresholds, side="right") for part in targets], axis=1
    )
    exact = np.array([part.exact for part in sources])[:, None] & np.array(
        [part.exact for part in targets]
    )
    return sample.astype(np.float64), exact


def _leak(views: Sequence[TaskView]) -> Floats:
    """``[i, j]``: distinct held-out rows of target ``j`` in the train split of source ``i``."""
    k = len(views)
    if not any(name in HELD_OUT for view in views for name in view.signature.sketches):
        return np.full((k, k), np.nan)
    train = [
        union([s for name, s in v.signature.sketches.items() if name == "train"]) for v in views
    ]
    held = [
        union([s for name, s in v.signature.sketches.items() if name in HELD_OUT]) for v in views
    ]
    counts = shared_counts([part.hashes for part in (*train, *held)])[:k, k:].astype(np.float64)
    sample, exact = _samples(train, held)
    distinct = np.array([part.distinct for part in held])
    with np.errstate(invalid="ignore", divide="ignore"):
        estimated = counts / sample * distinct[None, :]
    return np.where(distinct[None, :] == 0, np.nan, np.where(exact, counts, estimated))
