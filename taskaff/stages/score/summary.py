"""Summary of one task by itself: rows that repeat, rows that its splits share."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import TaskSummary
from taskaff.core.records.signature import Sketch, TaskSignature
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.facts import facts
from taskaff.stages.score.near import near_counts, near_rows, near_share, near_within
from taskaff.stages.score.sketches import share_interval, shared_counts, union
from taskaff.stages.score.task_statistics import TaskView


def summarise(view: TaskView, settings: ScoreSettings) -> TaskSummary:
    """Summarise one task, with its repeated rows and its split leak counted."""
    s = view.signature
    summed = [sketch for name, sketch in s.sketches.items() if s.split in (name, "all")]
    others = [sketch for name, sketch in s.sketches.items() if s.split not in (name, "all")]
    return TaskSummary(
        name=s.name,
        rows=s.rows,
        width=s.width,
        layout=s.layout,
        schema=s.schema,
        inputs=s.inputs,
        counts=s.counts,
        padded_from=s.padded_from,
        duplicates=duplicates(summed, settings.confidence),
        split_leak=split_leak(summed, others, settings.confidence),
        notes=(*s.notes, *conflicts(s)),
        facts=facts(view, settings),
        near_duplicates=near_duplicates(summed),
        near_leak=near_leak(summed, others),
    )


def conflicts(s: TaskSignature) -> list[str]:
    """Notes on rows that occur with different labels; files are counted one by one."""
    counts = {split: sketch.conflicts for split, sketch in s.sketches.items() if sketch.conflicts}
    least = "at least " if len(s.inputs) > 1 else ""
    return [
        f"{least}{count:,} distinct rows of {split} occur with different labels"
        for split, count in counts.items()
    ]


def duplicates(summed: list[Sketch], confidence: float) -> Estimate:
    """Rows beyond the first of each content, over the summed splits together."""
    rows = sum(sketch.rows for sketch in summed)
    if not summed:
        return Estimate(None, note="no row hashes of this split")
    together = union(summed)
    value = float(np.clip(rows - together.distinct, 0.0, rows))
    if together.exact:
        return Estimate(value, value, value)
    # m sampled rows estimate the number of distinct ones with relative deviation 1 / sqrt(m).
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    reach = z * together.distinct / max(len(together.hashes), 1) ** 0.5
    low, high = np.clip(
        [rows - together.distinct - reach, rows - together.distinct + reach], 0, rows
    )
    return Estimate(value, float(low), float(high), "estimated from a sample of the rows")


def split_leak(summed: list[Sketch], others: list[Sketch], confidence: float) -> Estimate:
    """Distinct rows of the summed split that are in another split too."""
    if not others:
        return Estimate(None, note="no validation or test split")
    here, there = union(summed), union(others)
    hits = float(shared_counts([here.hashes, there.hashes])[0, 1])
    if here.exact and there.exact:
        return Estimate(hits, hits, hits)
    sample = float(here.upto(there.threshold))
    if not sample:
        return Estimate(None, note="no row of the summed split was sampled")
    low, high = share_interval(np.array(hits), np.array(sample), confidence)
    value = hits / sample * here.distinct
    note = "estimated from a sample of the rows"
    return Estimate(value, float(low) * here.distinct, float(high) * here.distinct, note)


def near_duplicates(summed: list[Sketch]) -> Estimate:
    """Distinct rows that are near copies of another one of the summed splits."""
    rows = near_rows(summed)
    if rows is None:
        return Estimate(None)
    return _near_estimate(near_within(rows), len(rows.hashes), rows.share)


def near_leak(summed: list[Sketch], others: list[Sketch]) -> Estimate:
    """Distinct rows of the summed split with a near copy, and no exact one, in another split."""
    here, there = near_rows(summed), near_rows(others)
    if not others or here is None or there is None:
        return Estimate(None)
    hits = int(near_counts([there, here])[0, 1])
    return _near_estimate(hits, len(here.hashes), there.share, here.share)


def _near_estimate(hits: int, sample: int, source: float, target: float | None = None) -> Estimate:
    """Estimate for all rows from the hits in a sample: exact where both parts are complete."""
    target = source if target is None else target
    if source == target == 1.0:
        return Estimate(float(hits), float(hits), float(hits))
    share = near_share(np.array(hits), np.array(max(sample, 1)), np.array(source))
    rows = sample / target
    note = "estimated from a sample of the rows"
    return Estimate(float(share) * rows, float(hits), rows, note)
