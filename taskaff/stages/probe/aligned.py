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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.probe import AlignmentReport, PairOutcome, Progress
from taskaff.stages.probe import align
from taskaff.stages.probe.comparison import Arms, Key, best_decay, compare
from taskaff.stages.probe.engines import aligned_inputs
from taskaff.stages.probe.prepare import Prepared
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.verdict import t_interval

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.records import State

AlignedOutcomes = tuple[tuple[PairOutcome, ...], tuple[AlignmentReport, ...], int]

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
    """Outcomes of the arms ``align`` and ``align control``, their reports, and the runs trained.

    ``runs`` and ``outcomes`` are those of the first stage, with their states; ``first`` is what was
    read from them.
    """
    started = list(_second_stage(prepared, runs, outcomes, first))
    tuned = prepared.train(started, progress)
    arms = replace(first, best=best_decay(tuned), unusable=_unusable(first), shares={})
    states = {
        run.key: (run, outcome.state)
        for run, outcome in zip(started, tuned, strict=True)
        if outcome.state is not None
    }
    pairs = [_controls(prepared, arms, target) for target in sorted({t for _, t in wanted})]
    reports = []
    for source, target in wanted:
        pairs += _pair(prepared, arms, source, target)
        reports.append(_report(prepared, arms, states, source, target))
    return tuple(pairs), tuple(reports), len(started)


# --------------------------------------------------------------------- plan


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


def _unusable(first: Arms) -> Mapping[Key, str]:
    """What cannot be trained in the first stage cannot be in the second."""
    reasons: dict[Key, str] = {}
    diverged = {k: f"diverged: {b[0].diverged}" for k, b in first.best.items() if b[0].diverged}
    for (arm, *rest), reason in (dict(first.unusable) | diverged).items():
        for again in SECOND.get(arm, ()):
            reasons[(again, *rest)] = reason
    return reasons


# ------------------------------------------------------------------ reports


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """A task's test rows ``X (n, d)`` and the matrix ``R (d, d)`` that they are multiplied by."""

    X: Floats
    R: Floats
    seed: int


def test_rows(prepared: Prepared, task: int, n: int) -> Ints:
    """A task's test rows for one seed number."""
    return prepared.rows(task, prepared.splits[task][n].test)


def turn(prepared: Prepared, run: Run, state: State, rows: Ints, slot: int | None) -> Turned:
    """What a run's weights do to a task's test rows; without a slot there is no ``R``."""
    X = aligned_inputs(prepared.data, run, state, rows)
    form = prepared.settings.align_form
    R = np.eye(X.shape[1]) if slot is None else align.matrix(form, state, slot)
    return Turned(X, R, run.seed)


def report_of(
    prepared: Prepared, source: int, target: int, seeds: Sequence[tuple[Turned, Turned]]
) -> AlignmentReport:
    """How far ``R`` moved, and equation 6 before and after it; ``found`` has a pair a seed."""
    rows = []
    for one, other in seeds:
        moved = [float(np.linalg.norm(each.R - np.eye(len(each.R)))) for each in (one, other)]
        before = align.row_similarity(one.X, other.X)
        rows.append([*moved, before, align.row_similarity(one.X @ one.R, other.X @ other.R)])
    columns = np.array(rows).reshape(-1, 4).T.tolist()
    names = prepared.tasks[source].name, prepared.tasks[target].name
    matrices = [
        (name, each.seed, each.R.astype(np.float32))
        for pair in seeds
        for name, each in zip(names, pair, strict=True)
    ]
    settings = prepared.settings
    moved_s, moved_t, before_R, after_R = (t_interval(c, settings.confidence) for c in columns)
    report = AlignmentReport(*names, settings.align_form, moved_s, moved_t, before_R, after_R)
    return replace(report, matrices=tuple(matrices)) if settings.keep_matrices else report


# ------------------------------------------------------------------ reading


def _keys(prepared: Prepared, arm: str, source: int, target: int) -> list[Key]:
    return [(arm, source, target, n) for n in range(len(prepared.settings.seeds))]


def _pair(prepared: Prepared, arms: Arms, source: int, target: int) -> Iterator[PairOutcome]:
    """``align`` against the task alone, the plain pair, and the control."""
    tasks = prepared.tasks
    others = {"alone": ("stl", -1), "mtl": ("mtl", source), "align control": ("align control", -1)}
    for against, (arm, partner) in others.items():
        bases = _keys(prepared, arm, partner, target)
        yield compare(
            prepared.settings,
            tasks[target].schema.kind,
            (tasks[source].name, tasks[target].name),
            arms,
            list(zip(bases, _keys(prepared, "align", source, target), strict=True)),
            (against, "align"),
        )


def _controls(prepared: Prepared, arms: Arms, target: int) -> PairOutcome:
    """Outcome of an ``R`` for the task alone, which is then its own source."""
    task = prepared.tasks[target]
    bases = _keys(prepared, "stl", -1, target)
    others = _keys(prepared, "align control", -1, target)
    return compare(
        prepared.settings,
        task.schema.kind,
        (task.name, task.name),
        arms,
        list(zip(bases, others, strict=True)),
        ("alone", "align control"),
    )


def _report(
    prepared: Prepared,
    arms: Arms,
    states: Mapping[Key, tuple[Run, State]],
    source: int,
    target: int,
) -> AlignmentReport:
    turned = []
    for n, key in enumerate(_keys(prepared, "align", source, target)):
        if key not in arms.unusable and not arms.best[key][0].diverged:
            own = states[(*key, arms.best[key][1])]
            turned.append(
                (
                    turn(prepared, *own, test_rows(prepared, source, n), 1),
                    turn(prepared, *own, test_rows(prepared, target, n), 0),
                )
            )
    return report_of(prepared, source, target, turned)
