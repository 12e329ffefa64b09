"""The page of a score: answers, tasks, predictions, scores of the pairs, and the mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report import answers, predictions
from taskaff.stages.report.cells import (
    MOST_PAIRS,
    ORDER,
    WIDE,
    Pair,
    cell,
    folded,
    groups,
    headline,
    heat_tables,
    pairs_of,
    ranked,
)
from taskaff.stages.report.facts import (
    TASKS,
    capacity_line,
    encoder_line,
    task_columns,
    task_notes,
    weights_line,
)
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import (
    Cell,
    Curve,
    Footnotes,
    Gap,
    Heading,
    HeatMap,
    Items,
    Listing,
    Names,
    Noted,
    Page,
    Paragraph,
    Part,
    ScoreList,
    Table,
)


def page(result: ScoreResult, options: ReportOptions, wide: bool) -> Page:
    """The answers; when verbose everything that they rest on."""
    verdicts = answers.lines(result) or [headline(result)]
    return Page("Task affinity", verdicts, _parts(result, options, wide))


def _parts(result: ScoreResult, options: ReportOptions, wide: bool) -> Iterator[Part]:
    line = encoder_line(result)
    yield from answers.answered(result, "" if options.verbose else f"{line}; -v shows every score")
    if not options.verbose:
        return
    yield from (Gap(), Paragraph(line, "dim"))
    yield from _tasks(result)
    yield from predictions.section(result.predictions, wide)
    yield from _scores(result, options.explain, wide)
    if len(result.tasks) > 2:
        yield from (HeatMap(table, result.names) for table in heat_tables(result))
    yield from _mix(result)


def _tasks(result: ScoreResult) -> Iterator[Part]:
    shown = result.tasks[:TASKS]
    columns = task_columns(shown)
    headers = ("#", "task", *(header for header, _ in columns))
    rows: list[Sequence[Cell]] = [
        (str(n + 1), Names((task.name,)), *(cells[n] for _, cells in columns))
        for n, task in enumerate(shown)
    ]
    right = [n for n, header in enumerate(headers) if header not in ("task", "labels")]
    yield Heading("Tasks")
    yield Table(headers, rows, right, lead=2, names=(10, 32, 4))
    if len(result.tasks) > TASKS:
        yield Paragraph(f"and {len(result.tasks) - TASKS:,} more; -f json lists all of them")
    yield Items([f"{who}: {note}" for who, note in task_notes(result)], "dim")


# ----------------------------------------------------------------------- scores


def _scores(result: ScoreResult, explain: bool, wide: bool) -> Iterator[Part]:
    """A list for two tasks, tables for some, the highest of many; then the notes."""
    whole, (result, silent) = result, folded(result)
    if not whole.tables or len(result.tasks) < 2:
        return
    inline = explain and not wide and len(result.tasks) == 2
    if len(result.tasks) == 2 and result.tables:
        yield from _list(result, inline)
    elif len(result.tasks) <= WIDE:
        yield from _tables(result)
    else:
        yield from _highest(result)
    yield Footnotes()
    if 2 < len(result.tasks) <= WIDE and result.tables:
        yield Paragraph(ORDER, "dim")
    if silent:
        yield from (Gap(), Items(silent))
    if explain and not inline:
        meanings = [(table.name, table.explain) for table in whole.tables.values()]
        yield Heading("What the numbers mean")
        yield Listing([each for each in meanings if each[1]], ("score", "meaning"))


def _list(result: ScoreResult, explain: bool) -> Iterator[Part]:
    rows = []
    for table in result.tables.values():
        pairs = pairs_of(result, table)
        for pair in pairs:
            shown = cell(table, *pair)
            way = _way(result, table, pair) if table.directed else None
            value = Noted(shown.value, shown.note or shown.detail)
            said = table.explain if explain and pair == pairs[-1] else ""
            rows.append((table.name, way, value, shown.interval, shown.beside, said))
    yield from (Heading("Scores"), ScoreList(rows))


def _tables(result: ScoreResult) -> Iterator[Part]:
    for group in groups(result):
        yield Heading("Scores from source to target" if group[0].directed else "Scores of pairs")
        yield _table(result, group, pairs_of(result, group[0]), (8, 14, 8))


def _highest(result: ScoreResult) -> Iterator[Part]:
    for table in heat_tables(result):
        order = ranked(table)
        yield Heading(f"{table.name}: the highest first")
        yield _table(result, [table], order[:MOST_PAIRS], (10, 24, 5))
        if left := len(order) - MOST_PAIRS:
            yield Paragraph(f"the other {left:,} in -f csv", "dim")
    k = len(result.tasks)
    yield Gap()
    yield Paragraph(
        f"{k * (k - 1) // 2:,} pairs in all, with {len(result.tables)} scores: "
        "-f csv, -f jsonl or -f json gives all of them."
    )


def _table(
    result: ScoreResult, group: list[PairTable], pairs: list[Pair], names: tuple[int, int, int]
) -> Table:
    headers = ["source → target" if group[0].directed else "pair", *(each.name for each in group)]
    rows: list[list[Cell]] = []
    for pair in pairs:
        shown = (cell(table, *pair) for table in group)
        cells = (Noted(each.both, each.note) for each in shown)
        rows.append([_way(result, group[0], pair), *cells])
    return Table(headers, rows, names=names)


def _way(result: ScoreResult, table: PairTable, pair: Pair) -> Names:
    """``a → b`` for a source and a target, ``a · b`` without direction."""
    ends = (result.names[pair[0]], result.names[pair[1]])
    return Names(ends, "→" if table.directed else "·")


# -------------------------------------------------------------------------- mix


def _mix(result: ScoreResult) -> Iterator[Part]:
    if (capacity := result.capacity) is not None:
        yield Heading("Capacity of the shared module")
        yield Paragraph(capacity_line(capacity))
        if capacity.note:
            yield Paragraph(capacity.note, "dim")
        if capacity.curve:
            yield Curve(capacity.curve, capacity.recommended)
    if result.weights:
        yield from (Heading("Task weights"), Items([*map(weights_line, result.weights)]))
    if result.notes:
        yield from (Heading("Notes"), Items(result.notes))
