"""Arms with alignment matrices for pairs mode (W Algorithm 1, appendix B.3), and their control.

The recipe, for small models from scratch: first both arms are trained as ever. Then, from the best
evaluation of each, every batch gives one step on its task's ``A_i`` and from there one on its
``R_i`` ("given a sampled data batch from task i"). ``B`` stays fixed, as the paper prints it
(``align_train="heads"``), or moves with ``A_i`` (``"joint"``). ``R`` has its own, smaller learning
rate, since Adam moves all ``d * d`` entries at once, and weight decay pulls it to the identity.

What it is compared with gets the same number of further updates on the same batches, with no ``R``
and ``B`` moving: the task alone, and the pair without alignment. Free ``R`` can undo all sharing
and fit the task by themselves, so there is a control with as many parameters, the task alone with
an ``R`` of its own: what ``align`` gains over that is owed to the source. The weights that a second
stage starts from count as its first evaluation, so that further training never counts as harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.probe import AlignmentReport, PairOutcome, Progress
from taskaff.stages.probe import align
from taskaff.stages.probe.comparison import Arms, best_decay, compare_arms
from taskaff.stages.probe.engines import aligned_inputs
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Key, Run, RunOutcome
from taskaff.stages.probe.verdict import t_interval

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.probe.records import State

AlignedOutcomes = tuple[tuple[PairOutcome, ...], tuple[AlignmentReport, ...]]
NOT_ALIGNED: AlignedOutcomes = (), ()

SECOND = {"stl": ("stl", "align control"), "mtl": ("mtl", "align")}
"""A first stage to its second ones: plain and with ``R``."""


def align_pairs(
    prepared: Prepared,
    runs: Sequence[Run],
    outcomes: Sequence[RunOutcome],
    first: Arms,
    wanted: Collection[tuple[int, int]],
    progress: Progress | None = None,
) -> AlignedOutcomes:
    """Outcomes of the arms ``align`` and ``align control``, and their reports.

    ``runs`` and ``outcomes`` are those of the first stage, with their states; ``first`` is what was
    read from them.
    """
    started = list(_second_stage(prepared, runs, outcomes, first))
    tuned = prepared.train(started, progress)
    arms = replace(first, best=best_decay(tuned), unusable=unusable_again(first, SECOND), shares={})
    states = {run.key: (run, o.state) for run, o in zip(started, tuned, strict=True) if o.state}
    pairs = []
    for target in sorted({target for _, target in wanted}):  # the task alone is its own source
        keys = ("stl", -1, target), ("align control", -1, target)
        words = "alone", "align control"
        pairs.append(compare_arms(prepared, arms, (target, target), keys, words))
    reports = []
    for source, target in wanted:
        key = ("align", source, target)
        for against, partner in (("alone", -1), ("mtl", source), ("align control", -1)):
            base = "stl" if against == "alone" else against, partner, target
            words = against, "align"
            pairs.append(compare_arms(prepared, arms, (source, target), (base, key), words))
        reports.append(report_of(prepared, arms, states, (source, target), key, key))
    return tuple(pairs), tuple(reports)


def _second_stage(
    prepared: Prepared, runs: Sequence[Run], outcomes: Sequence[RunOutcome], first: Arms
) -> Iterator[Run]:
    for run, outcome in zip(runs, outcomes, strict=True):
        arm, *rest, decay = run.key
        best = first.best[run.key[:-1]]
        if arm not in SECOND or best[1] != decay or best[0].diverged:
            continue
        slots = tuple(replace(slot, stream=f"{slot.stream}/more") for slot in run.slots)
        on = replace(run, slots=slots, initial=outcome.state, keep_state=False)
        plain, turned = SECOND[arm]
        for again in prepared.settings.weight_decay:
            yield replace(on, key=(plain, *rest, again), weight_decay=again)
            yield with_alignment(
                replace(on, key=(turned, *rest, again), weight_decay=again, keep_state=True),
                prepared,
                still(prepared),
            )


def still(prepared: Prepared) -> frozenset[str]:
    """Names of the weights that do not move in the second stage."""
    return frozenset({"trunk"} if prepared.settings.align_train == "heads" else ())


def with_alignment(run: Run, prepared: Prepared, frozen: frozenset[str]) -> Run:
    """The run with an ``R`` for each of its slots, as the settings say."""
    settings = prepared.settings
    return replace(
        run,
        align=settings.align_form,
        align_rank=min(settings.align_rank, prepared.width),
        lr_align=settings.align_lr,
        frozen=frozen,
    )


def unusable_again(first: Arms, second: Mapping[str, Collection[str]]) -> dict[Key, str]:
    """What cannot be trained in the first stage, or diverged, cannot be in the second."""
    diverged = {k: f"diverged: {b[0].diverged}" for k, b in first.best.items() if b[0].diverged}
    return {
        (again, *rest): reason
        for (arm, *rest), reason in (dict(first.unusable) | diverged).items()
        for again in second.get(arm, ())
    }


def report_of(
    prepared: Prepared,
    arms: Arms,
    states: Mapping[Key, tuple[Run, State]],
    pair: tuple[int, int],
    *keys: Key,
) -> AlignmentReport:
    """How far the ``R`` of source and target moved, and equation 6 before and after it.

    Parameters
    ----------
    states : aligned runs and their weights, by key.
    keys : arms, without the seed number, that the source's and the target's ``R`` are of.
    """
    settings, (one, other) = prepared.settings, (prepared.tasks[number].name for number in pair)
    rows, matrices = [], []
    for n, seed in enumerate(settings.seeds):
        of_seed = [(*key, n) for key in keys]
        if any(key in arms.unusable or arms.best[key][0].diverged for key in of_seed):
            continue
        runs = [states[(*key, arms.best[key][1])] for key in of_seed]
        (X, R), (X2, R2) = (
            _aligned(prepared, *run, task) for run, task in zip(runs, pair, strict=True)
        )
        distances = [float(np.linalg.norm(each - np.eye(len(each)))) for each in (R, R2)]
        similarities = align.row_similarity(X, X2), align.row_similarity(X @ R, X2 @ R2)
        rows.append([*distances, *similarities])
        if settings.keep_matrices:
            matrices += [
                (name, seed, each.astype(np.float32)) for name, each in ((one, R), (other, R2))
            ]
    columns = np.array(rows).reshape(-1, 4).T.tolist()
    moved, moved2, before, after = (t_interval(c, settings.confidence) for c in columns)
    form = settings.align_form
    return AlignmentReport(one, other, form, moved, moved2, before, after, tuple(matrices))


def _aligned(prepared: Prepared, run: Run, state: State, task: int) -> tuple[Floats, Floats]:
    """Test rows ``(n, d)`` of a task, and its ``R (d, d)``; the identity where it has no slot."""
    s = next((s for s, slot in enumerate(run.slots) if slot.task == task), None)
    rows = prepared.rows(task, prepared.splits[task][run.key[-2]].test)
    if s is not None and run.slots[s].tested:
        rows = run.slots[s].test
    X = aligned_inputs(prepared.data, run, state, rows)
    return X, np.eye(X.shape[1]) if s is None else align.matrix(run.align, state, s)
