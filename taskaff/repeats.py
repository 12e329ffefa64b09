"""Rows that stand twice in a data set, for ``inspect``: within a split and across splits."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from taskaff.moments import row_hashes
from taskaff.moments.conflicts import Conflicts
from taskaff.moments.sketches import HASH_SPACE, SketchBuilder
from taskaff.records import SPLITS, Sketch, Task


def repeats(task: Task) -> tuple[str, ...]:
    """Sentences on repeated rows (near-identical spellings count); none where there are none."""
    builders: dict[str, SketchBuilder] = {}
    labelled: dict[str, Conflicts] = {}
    for batch in task.batches():
        hashes = row_hashes(batch)
        builders.setdefault(batch.split, SketchBuilder()).add(hashes)
        labelled.setdefault(batch.split, Conflicts()).add(hashes, batch.labels)
    sketches = {split: builders[split].sketch() for split in SPLITS if split in builders}
    within = (
        f"{_about(s)}{s.rows - s.distinct:,} rows of {split} repeat another one of it"
        for split, s in sketches.items()
        if s.rows > s.distinct
    )
    across = (
        f"{_about(sketches[one])}{shared:,} distinct rows of {other} are also in {one}"
        for one, other in combinations(sketches, 2)
        if (shared := _shared(sketches[one], sketches[other]))
    )
    torn = (
        f"{_about(sketches[split])}{count:,} distinct rows of {split} stand with different labels"
        for split in sketches
        if (count := labelled[split].count())
    )
    return (*within, *across, *torn)


def _about(sketch: Sketch) -> str:
    return "" if sketch.exact else "about "


def _shared(one: Sketch, other: Sketch) -> int:
    """Distinct rows of both, scaled up from where both sketches are complete."""
    threshold = min(one.threshold, other.threshold)
    hashes = np.intersect1d(one.hashes, other.hashes, assume_unique=True)
    found = int((hashes <= np.uint64(threshold)).sum())
    return found if one.exact and other.exact else round(found * HASH_SPACE / threshold)
