"""Rows that occur twice in a data set, or nearly, for ``inspect``: in a split and across splits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from taskaff.core.records.data import SPLITS, SplitName, Task
from taskaff.core.records.signature import Sketch
from taskaff.stages.score.summary import near_duplicates, near_leak
from taskaff.stages.signature import giveaways, row_content
from taskaff.stages.signature.conflicts import Conflicts
from taskaff.stages.signature.labelwords import LabelWords
from taskaff.stages.signature.sketches import HASH_SPACE, SketchBuilder

DIFFER = "in about a word only"


def repeats(task: Task) -> tuple[str, ...]:
    """Sentences on repeated rows and near copies, and on words that give the label away, if any."""
    sample = LabelWords()
    builders: dict[SplitName, SketchBuilder] = {}
    labelled: dict[SplitName, Conflicts] = {}
    for batch in task.batches():
        content = row_content(batch)
        builders.setdefault(batch.split, SketchBuilder()).add(content.hashes, content.near)
        labelled.setdefault(batch.split, Conflicts()).add(content.hashes, batch.labels)
        giveaways.add(sample, batch, content)
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
        f"{_about(sketches[split])}{count:,} distinct rows of {split} occur with different labels"
        for split in sketches
        if (count := labelled[split].count())
    )
    return (*within, *across, *torn, *_near(sketches), *giveaways.notes(task, sample))


def _near(sketches: dict[SplitName, Sketch]) -> Iterator[str]:
    """Near copies, which exact repeats are not."""
    for split, sketch in sketches.items():
        if count := near_duplicates([sketch]).value:
            about = _roughly(sketch)
            yield f"{about}{count:,.0f} distinct rows of {split} differ from another {DIFFER}"
    for one, other in combinations(sketches, 2):
        if count := near_leak([sketches[other]], [sketches[one]]).value:
            about = _roughly(sketches[other], sketches[one])
            yield f"{about}{count:,.0f} distinct rows of {other} differ from one of {one} {DIFFER}"


def _roughly(*sketches: Sketch) -> str:
    exact = all(s.near and len(s.near.counts) == len(s.hashes) and s.exact for s in sketches)
    return "" if exact else "about "


def _about(sketch: Sketch) -> str:
    return "" if sketch.exact else "about "


def _shared(one: Sketch, other: Sketch) -> int:
    """Distinct rows of both, scaled up from where both sketches are complete."""
    threshold = min(one.threshold, other.threshold)
    hashes = np.intersect1d(one.hashes, other.hashes, assume_unique=True)
    counted = int((hashes <= np.uint64(threshold)).sum())
    return counted if one.exact and other.exact else round(counted * HASH_SPACE / threshold)
