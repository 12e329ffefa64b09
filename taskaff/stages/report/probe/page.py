"""The page of a probe: answers, then a section of one table for each kind of finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, ProbeResult, TransferenceRow
from taskaff.stages.report import answers, predictions
from taskaff.stages.report.cells import kind_text
from taskaff.stages.report.numbers import MISSING, curve_bars, short
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import (
    Cell,
    Footnotes,
    Gap,
    Heading,
    Items,
    Names,
    Noted,
    Page,
    Paragraph,
    Part,
    Table,
)
from taskaff.stages.report.probe.shares import share_rows
from taskaff.stages.report.probe.words import (
    CALLS,
    basis,
    beside,
    by_arm,
    footnote,
    headline,
    interval_text,
    main_pairs,
    setup,
    signed,
    signed_interval,
    tally,
)

MOST = 60
"""More rows of transfer than this are not all listed for people."""


def page(result: ProbeResult, options: ReportOptions, wide: bool) -> Page:
    """The answers; when verbose every number that was measured."""
    verdicts = answers.lines(result) or [headline(result)]
    return Page("Measured transfer", verdicts, _parts(result, options, wide))


def _parts(result: ProbeResult, options: ReportOptions, wide: bool) -> Iterator[Part]:
    if not result.finished:
        yield Paragraph("not finished: this is what is known so far", "bold")
    yield from answers.answered(result, "" if options.verbose else basis(result))
    if not options.verbose:
        return
    yield from (Gap(), Items(setup(result), "dim"))
    yield from _tasks(result)
    yield from _transfer(result)
    for found, section in (
        (result.alignment, _alignment),
        (result.capacity, _capacity),
        (result.transference, _transference),
        (result.weights, _weights),
    ):
        if found:
            yield from section(result)
    yield from predictions.section(result.predictions, wide)
    yield from predictions.section(result.combined, wide, predictions.COMBINED)
    if result.notes:
        yield from (Heading("Notes"), Items(result.notes))


def _section(
    title: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    right: Sequence[int] = (),
    below: Sequence[str] = (),
) -> Iterator[Part]:
    yield from (Heading(title), Table(headers, [*rows], right), Footnotes())
    yield from (Paragraph(text, "dim") for text in below)


def _tasks(result: ProbeResult) -> Iterator[Part]:
    headers = ("task", "rows", "labels", "as target", "as source", "validation", "test")
    rows: list[list[Cell]] = []
    for task in result.tasks:
        counts = (task.train, task.source, task.validation, task.test)
        labels = kind_text(task.kind, task.classes)
        cells = (f"{count:,}" for count in counts)
        rows.append([Names((task.name,)), f"{task.rows:,}", labels, *cells])
    notes = [f"{task.name}: {note}" for task in result.tasks for note in task.notes]
    return _section("Tasks", headers, rows, (1, 3, 4, 5, 6), notes)


# ------------------------------------------------------------------- transfer


SHARES = (
    "gain in loss by the source's share of the updates; validation rows of the other seeds choose "
    "the best share, so that choosing does not flatter"
)
PLAIN = ("mtl", "alone")
"""The comparison that needs no name: trained together, against alone."""


def _transfer(result: ProbeResult) -> Iterator[Part]:
    """A section for each comparison: what was trained, against what."""
    for arms, pairs in by_arm(main_pairs(result)):
        title = "Transfer" if arms == PLAIN else f"Transfer: {arms[0]}, against {arms[1]}"
        yield from _comparison(result, title, pairs)
    if result.settings.shares:
        yield from _section("Gain over the source's share", *share_rows(result), below=[SHARES])


def _comparison(result: ProbeResult, title: str, pairs: Sequence[PairOutcome]) -> Iterator[Part]:
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
        cells: list[Cell] = [
            Names((pair.source, pair.target)),
            signed_interval(pair.gain),
            Noted(CALLS[pair.verdict.call], footnote(pair)),
            *(_other(known.get((pair.source, pair.target))) for known in others.values()),
            moved if len(metrics) == 1 else f"{pair.metric} {moved}",
            *[f"{pair.leaked:,.0f}" if pair.leaked else MISSING] * leaks,
            *[signed_interval(pair.gain_with_leaks or Interval(None))] * both,
        ]
        rows.append(cells)
    below = [f"the lowest gain stands first; the other {left:,} in -f csv"] if left else []
    rule = _leaks_rule(result) if leaks else ""
    below += [f"{tally(pairs, result.settings.confidence)}{rule}."]
    right = (4 + len(others),) if leaks else ()
    return _section(title, headers, rows, right, below)


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


def _alignment(result: ProbeResult) -> Iterator[Part]:
    headers = ("source → target", "form", "|R - I| source", "|R - I| target", "before", "after")
    rows = (
        (
            Names((each.source, each.target)),
            each.form,
            interval_text(each.distance_source),
            interval_text(each.distance_target),
            interval_text(each.similarity_before),
            interval_text(each.similarity_after),
        )
        for each in result.alignment
    )
    below = ["before, after: covariance similarity (eq. 6) of the held-out rows without and with R"]
    return _section("Alignment", headers, rows, below=below)


def _capacity(result: ProbeResult) -> Iterator[Part]:
    sweeps = result.capacity
    headers = ["model", *(f"r = {r:,}" for r in sweeps[0].capacities), ""]
    rows: list[list[Cell]] = []
    for sweep in sweeps:
        cells = []
        for r, loss in zip(sweep.capacities, sweep.loss, strict=True):
            error = f" ± {short(loss.stderr)}" if loss.stderr is not None else ""
            cells.append(f"{short(loss.mean)}{error}{'*' * (r == sweep.chosen)}")
        bars = curve_bars([loss.mean for loss in sweep.loss])
        rows.append([Names((_model(sweep.model),)), *cells, bars])
    below = [
        "loss relative to a constant predictor, mean and standard error over seeds; * chosen: the "
        "smallest r within one standard error of the best",
        _table_one(result),
    ]
    return _section("Capacity", headers, rows, below=below)


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


def _transference(result: ProbeResult) -> Iterator[Part]:
    headers = ("source → target", "Z", "own Z", "ratio", "over time")
    every = {each.run for each in result.transference}

    def cells(each: TransferenceRow) -> list[Cell]:
        names = Names((each.source, each.target))
        where = f" ({each.run})" if len(every) > 1 else ""
        own, ratio = signed(each.own.mean), signed_interval(each.ratio)
        return [names, signed_interval(each.z) + where, own, ratio, curve_bars(each.over_time)]

    below = [
        "Z: relative drop in target loss after one source update; negative: loss rises; own Z: "
        "after an update on itself; it orders sources and decides nothing"
    ]
    return _section("Transference", headers, map(cells, result.transference), below=below)


def _weights(result: ProbeResult) -> Iterator[Part]:
    rows = (
        (Names((mix,)), ", ".join(f"{name} {short(weight)}" for name, weight in weights.items()))
        for mix, weights in result.weights.items()
    )
    return _section("Task weights", ("trained together", "mean weights"), rows)
