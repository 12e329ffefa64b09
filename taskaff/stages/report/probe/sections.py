"""What people see of a probe: sections of one table each, the same at a terminal and in markdown.

Texts hold names as they are; the formats escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, ProbeResult, TransferenceRow
from taskaff.stages.report.cells import Footnotes, kind_text
from taskaff.stages.report.numbers import MISSING, short
from taskaff.stages.report.probe.shares import share_rows
from taskaff.stages.report.probe.words import (
    CALLS,
    beside,
    by_arm,
    curve_bars,
    footnote,
    headline,
    interval_text,
    main_pairs,
    signed,
    signed_interval,
    tally,
)

MOST = 60
"""More rows of transfer than this are not all listed for people."""

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a table with the columns in ``right`` holding numbers, and paragraphs below.

    ``names`` of the first column are data sets: ``("a", "b")`` for ``a → b``.
    """

    title: str
    headers: Cells
    names: Sequence[tuple[str, ...]]
    rows: Sequence[Cells]
    right: tuple[int, ...] = ()
    notes: Sequence[str] = ()
    below: Sequence[str] = ()


def sections(result: ProbeResult, mark: Callable[[int], str]) -> Iterator[Section]:
    """All sections that have something to say; ``mark`` writes the number of a footnote."""
    yield _tasks(result)
    yield from _transfer(result, mark)
    if result.alignment:
        yield _alignment(result)
    if result.capacity:
        yield _capacity(result)
    if result.transference:
        yield _transference(result)
    if result.weights:
        yield _weights(result)


def _tasks(result: ProbeResult) -> Section:
    headers = ("task", "rows", "labels", "as target", "as source", "validation", "test")
    names, rows, notes = [], [], []
    for task in result.tasks:
        counts = (task.train, task.source, task.validation, task.test)
        names.append((task.name,))
        labels = kind_text(task.kind, task.classes)
        rows.append([f"{task.rows:,}", labels, *(f"{count:,}" for count in counts)])
        notes += [f"{task.name}: {note}" for note in task.notes]
    return Section("Tasks", headers, names, rows, (1, 3, 4, 5, 6), below=notes)


# ------------------------------------------------------------------- transfer


SHARES = (
    "gain in loss by the source's share of the updates; validation rows of the other seeds choose "
    "the best share, so that choosing does not flatter"
)
PLAIN = ("mtl", "alone")
"""The comparison that needs no name: trained together, against alone."""


def _transfer(result: ProbeResult, mark: Callable[[int], str]) -> Iterator[Section]:
    """A section for each comparison: what was trained, against what."""
    for arms, pairs in by_arm(main_pairs(result)):
        title = "Transfer" if arms == PLAIN else f"Transfer: {arms[0]}, against {arms[1]}"
        yield _comparison(result, title, pairs, mark)
    if result.settings.shares:
        headers, names, rows = share_rows(result)
        below = [SHARES]
        yield Section("Gain over the source's share", headers, names, rows, below=below)


def _comparison(
    result: ProbeResult, title: str, pairs: Sequence[PairOutcome], mark: Callable[[int], str]
) -> Section:
    notes = Footnotes()
    shown, left = _shown(pairs)
    metrics = sorted({pair.metric for pair in pairs})
    leaks = any(pair.leaked for pair in pairs)
    both = any(pair.gain_with_leaks for pair in pairs)
    metric = f"{metrics[0]} gain" if len(metrics) == 1 else "metric gain"
    others = beside(result) if (pairs[0].arm, pairs[0].against) == PLAIN else {}
    headers = ["source → target", "gain in loss", "verdict", *others, metric]
    headers += ["shared rows"] * leaks + ["gain with them"] * both
    rows = []
    for pair in shown:
        moved = signed_interval(pair.metric_gain)
        cells = [
            signed_interval(pair.gain),
            CALLS[pair.verdict.call] + mark(notes.mark(footnote(pair))),
            *(_other(known.get((pair.source, pair.target))) for known in others.values()),
            moved if len(metrics) == 1 else f"{pair.metric} {moved}",
            *[f"{pair.leaked:,.0f}" if pair.leaked else MISSING] * leaks,
            *[signed_interval(pair.gain_with_leaks or Interval(None))] * both,
        ]
        rows.append(cells)
    names = [(pair.source, pair.target) for pair in shown]
    below = [f"the lowest gain stands first; the other {left:,} in -f csv"] if left else []
    rule = _leaks_rule(result) if leaks else ""
    below += [f"{tally(pairs, result.settings.confidence)}{rule}."]
    right = (4 + len(others),) if leaks else ()
    return Section(title, headers, names, rows, right, notes.texts, below)


def _other(pair: PairOutcome | None) -> str:
    """What another recipe gives, in a few words."""
    if pair is None or pair.gain.mean is None:
        return MISSING
    return f"{signed(pair.gain.mean)} {CALLS[pair.verdict.call]}"


def _shown(pairs: Sequence[PairOutcome]) -> tuple[Sequence[PairOutcome], int]:
    """All rows in the order of the data sets, or the lowest gains, and how many are left out."""
    if len(pairs) <= MOST:
        return pairs, 0
    known = [pair for pair in pairs if pair.gain.mean is not None]
    known.sort(key=lambda pair: pair.gain.mean or 0.0)
    return known[:MOST], len(pairs) - len(known[:MOST])


def _leaks_rule(result: ProbeResult) -> str:
    if result.settings.leaks == "keep":
        return "; rows that the target has too were left in the source"
    return "; rows that the target has too were taken out of the source"


# ---------------------------------------------------- alignment, capacity, the rest


def _alignment(result: ProbeResult) -> Section:
    headers = ("source → target", "form", "|R - I| source", "|R - I| target", "before", "after")
    rows = [
        [
            each.form,
            interval_text(each.distance_source),
            interval_text(each.distance_target),
            interval_text(each.similarity_before),
            interval_text(each.similarity_after),
        ]
        for each in result.alignment
    ]
    names = [(each.source, each.target) for each in result.alignment]
    below = ["before, after: covariance similarity (eq. 6) of the held-out rows without and with R"]
    return Section("Alignment", headers, names, rows, below=below)


def _capacity(result: ProbeResult) -> Section:
    sweeps = result.capacity
    headers = ["model", *(f"r = {r:,}" for r in sweeps[0].capacities), ""]
    names, rows = [], []
    for sweep in sweeps:
        cells = []
        for r, loss in zip(sweep.capacities, sweep.loss, strict=True):
            error = f" ± {short(loss.stderr)}" if loss.stderr is not None else ""
            cells.append(f"{short(loss.mean)}{error}{'*' * (r == sweep.chosen)}")
        names.append((_model(sweep.model),))
        rows.append([*cells, curve_bars([loss.mean for loss in sweep.loss])])
    below = [
        "loss relative to a constant predictor, mean and standard error over seeds; * chosen: the "
        "smallest r within one standard error of the best",
        _table_one(result),
    ]
    return Section("Capacity", headers, names, rows, below=below)


def _model(name: str) -> str:
    return "all together" if name == "all" else name


def _table_one(result: ProbeResult) -> str:
    """The multi-task choice beside the single-task ones and their sum (W Table 1)."""
    chosen = {sweep.model: sweep.chosen for sweep in result.capacity}
    together = chosen.pop("all", None)
    known = [r for r in chosen.values() if r is not None]
    parts = [f"together r = {together:,}"] if together is not None else []
    if known and len(known) == len(chosen):
        parts.append(f"the single-task choices sum to {sum(known):,}")
    return "; ".join(parts) or "no capacity was chosen"


def _transference(result: ProbeResult) -> Section:
    headers = ("source → target", "Z", "own Z", "ratio", "over time")
    every = {each.run for each in result.transference}

    def cells(each: TransferenceRow) -> list[str]:
        where = f" ({each.run})" if len(every) > 1 else ""
        own, ratio = signed(each.own.mean), signed_interval(each.ratio)
        return [signed_interval(each.z) + where, own, ratio, curve_bars(each.over_time)]

    names = [(each.source, each.target) for each in result.transference]
    below = [
        "Z: relative drop in target loss after one source update; negative: loss rises; own Z: "
        "after an update on itself; it orders sources and decides nothing"
    ]
    rows = [cells(each) for each in result.transference]
    return Section("Transference", headers, names, rows, below=below)


def _weights(result: ProbeResult) -> Section:
    rows = [
        [", ".join(f"{name} {short(weight)}" for name, weight in weights.items())]
        for weights in result.weights.values()
    ]
    names = [(mix,) for mix in result.weights]
    return Section("Task weights", ("trained together", "mean weights"), names, rows)


__all__ = ["Section", "headline", "sections"]
