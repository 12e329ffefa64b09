"""Features of the pairs of an atlas: from the rows that a user would have, as signatures.

A *view* is what is known of a pair before training. In a small view the target is known by exactly
the training rows of one seed of the set-up and the source by those that it would train with; in
the full one both are known by all their rows, as when whole files are scored. A model that is to
serve both kinds of users is fitted on both kinds of views.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.prediction import Setup
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.signature import TaskSignature
from taskaff.core.registry import resolve
from taskaff.core.settings import ProbeSettings, ScoreSettings, Training
from taskaff.pipeline.atlas.measure import Member
from taskaff.stages.predict import baselines, features
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.probe.splits import split_task
from taskaff.stages.score import score as score_pairs
from taskaff.stages.score.plugins import SCORES
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.source_outputs import label_covariance
from taskaff.stages.score.splits import moments as moments_of
from taskaff.stages.score.task_statistics import TaskView
from taskaff.stages.signature import Accumulator, pad

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints

OF_TARGETS = tuple(name for name, line in SCORES.items() if line.some_targets)
"""Scores that are computed of the wanted pairs alone."""

SETTINGS = ScoreSettings(
    scores=tuple(n for n, line in SCORES.items() if line.predictive and n not in OF_TARGETS),
    intervals=False,
    capacity=False,
)
"""Of the others that predictions read."""


def small_view(
    members: Sequence[Member], settings: ProbeSettings, seed: int
) -> tuple[list[TaskSignature], list[TaskSignature]]:
    """Signatures as sources and as targets, of the rows that one seed trains on."""
    sources, targets = [], []
    for member in members:
        split = split_task(member.vectors, content_id(member.vectors), seed, settings)
        sources.append(signature(member, split.source, member.vectors.name))
        targets.append(signature(member, split.train, member.vectors.name))
    return sources, targets


def full_view(members: Sequence[Member]) -> list[TaskSignature]:
    """Signatures of all training rows, or of all rows where no split is for training."""
    signatures = []
    for member in members:
        rows = np.flatnonzero(member.vectors.splits == 0)
        everything = rows if len(rows) else np.arange(member.vectors.rows)
        signatures.append(signature(member, everything, member.vectors.name))
    return signatures


def signature(member: Member, rows: Ints, name: str) -> TaskSignature:
    """Sums over some rows of a member; tokens are counted as over all of its rows."""
    task, card = member.vectors, member.card
    width = task.X.shape[1]
    accumulator = Accumulator(name, card, member.layout, task.schema, "all", width)
    share = len(rows) / max(task.rows, 1)
    counts = EncodeCounts(round(member.counts.tokens * share), round(member.counts.unknown * share))
    accumulator.add("train", task.X[rows], task.labels[rows], task.hashes[rows], counts)
    return accumulator.finish(())


@dataclass(frozen=True, slots=True)
class Plan:
    """How the pairs are trained."""

    setup: Setup
    training: Training
    mixed: bool = True
    """Whether single texts are trained with pairs of texts too."""
    known: frozenset[tuple[str, str]] = frozenset()
    """Names of source and target of the pairs that need no description."""


Features = dict[tuple[str, str], dict[str, float]]
"""By names of source and target."""


def small_features(
    members: Sequence[Member], settings: ProbeSettings, seed: int, plan: Plan
) -> Features:
    """Features of every directed pair, in a small view."""
    return _features(*small_view(members, settings, seed), plan)


def full_features(members: Sequence[Member], plan: Plan) -> Features:
    """Features of pairs when all rows of both data sets are known."""
    signatures = full_view(members)
    return _features(signatures, signatures, plan)


def _features(
    sources: Sequence[TaskSignature], targets: Sequence[TaskSignature], plan: Plan
) -> Features:
    """Layout by layout: a mixed comparison is wider, and zeros cost as much as numbers."""
    pairs: Features = {}
    layouts = dict.fromkeys(target.layout for target in targets)
    for one, other in product(layouts, layouts):
        if plan.mixed or one == other:
            ours = [s for s in sources if s.layout == one]
            for helpers, helped in _wanted(ours, [t for t in targets if t.layout == other], plan):
                pairs |= _between(helpers, helped, plan.setup, plan.training)
    return pairs


def _wanted(
    sources: Sequence[TaskSignature], targets: Sequence[TaskSignature], plan: Plan
) -> Iterator[tuple[list[TaskSignature], list[TaskSignature]]]:
    """The targets that are not known with the same sources, and these, group by group."""
    groups: dict[tuple[int, ...], list[TaskSignature]] = {}
    for target in targets:
        pairs = ((source.name, target.name) for source in sources)
        new = [n for n, pair in enumerate(pairs) if pair[0] != pair[1] and pair not in plan.known]
        # A target takes its own place among the sources, so that one group holds all when all
        # pairs are wanted.
        own = [n for n, source in enumerate(sources) if source.name == target.name]
        groups.setdefault(tuple(sorted({*new, *own})) if new else (), []).append(target)
    for places, alike in groups.items():
        if places:
            yield [sources[n] for n in places], alike


def _between(
    sources: Sequence[TaskSignature],
    targets: Sequence[TaskSignature],
    setup: Setup,
    training: Training,
) -> Features:
    k, tasks = len(sources), [*sources, *targets]
    width = max(signature.width for signature in tasks)
    padded = [
        replace(s if s.width == width else pad(s, width), name=str(n)) for n, s in enumerate(tasks)
    ]
    views = [TaskView(each) for each in padded]
    known = range(k, len(tasks))
    named = replace(SETTINGS, training=training)
    tables = {
        name: resolve("score", SCORES, name)(views, named, helpers=range(k), targets=known)
        for name in OF_TARGETS
    }
    targeted = replace(SETTINGS, around=tuple(padded[t].name for t in known))
    result = score_pairs(padded, targeted)
    result = replace(result, tables={**result.tables, **tables})
    setup = replace(setup, width=width)
    return {
        (source.name, target.name): _pair(result, views, s, k + t, setup)
        for s, source in enumerate(sources)
        for t, target in enumerate(targets)
        if source.name != target.name
    }


def _pair(
    result: ScoreResult, views: Sequence[TaskView], source: int, target: int, setup: Setup
) -> dict[str, float]:
    stored = features.raw(result, source, target, setup)
    followed = result.tables[features.SCORES[features.FOLLOWED][0]]
    for name in ("alone", "updates"):
        stored[f"moment_{name}"] = float(followed.extras[name][source, target])
    return stored | _baselines(views[source], views[target])


def _baselines(source: TaskView, target: TaskView) -> dict[str, float]:
    """Scores to compare with: cosine of the mean vectors, and H-score of the source's outputs."""
    scores = {"mean_cosine": baselines.cosine(source.mean, target.mean)}
    if any(reasons([source, target], SETTINGS)):
        return scores | {"h_score": math.nan}
    theta, known = model(source).theta, moments_of(target.signature)
    C, S = theta.T @ known.C @ theta, theta.T @ known.S
    classes = target.signature.schema.kind == "classes"
    weight = known.y if classes else np.diagonal(label_covariance(target.signature))
    between = (S / np.where(weight > 0, weight, np.inf)) @ S.T
    return scores | {"h_score": baselines.h_score(C, between, target.rows)}


__all__ = ["Plan", "full_features", "full_view", "small_features", "small_view"]
