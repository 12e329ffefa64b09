"""The result as GitHub markdown: a comment on a pull request, or a page of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.overlap import OverlapResult
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.core.registry import load
from taskaff.stages.report import answers, predictions
from taskaff.stages.report.cells import (
    MOST_PAIRS,
    WIDE,
    Footnotes,
    Pair,
    cell,
    folded,
    groups,
    headline,
    heat_tables,
    pairs_of,
    ranked,
)
from taskaff.stages.report.escape import markdown, terminal
from taskaff.stages.report.facts import (
    TASKS,
    TOP,
    capacity_line,
    encoder_line,
    facts,
    rejected,
    task_columns,
    task_notes,
    top_labels,
    weights_line,
)
from taskaff.stages.report.numbers import short
from taskaff.stages.report.options import ReportOptions

OTHERS = {
    ProbeResult: "taskaff.stages.report.probe.as_markdown:render",
    CheckResult: "taskaff.stages.report.check.as_markdown:render",
    OverlapResult: "taskaff.stages.report.overlap.formats:as_markdown",
}


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:
    """Sections with pipe tables; every cell is escaped here, at the last moment."""
    if other := OTHERS.get(type(result)):
        yield from load(other)(result, options)
        return
    if isinstance(result, TaskInfo):
        yield from _inspection(result, options)
        return
    if options.quiet:
        yield from verdicts(result, headline(result))
        return
    yield "## Task affinity\n"
    yield from answered(result)
    yield f"\n{markdown(encoder_line(result))}\n"
    yield from _tasks(result)
    yield predicted(result.predictions)
    yield from _scores(result, options)
    yield from _mix(result)


def answered(result: ScoreResult | ProbeResult) -> Iterator[str]:
    """The answers, the pairs as signs, and what to run next."""
    yield bullets(answers.lines(result)[: answers.MOST])
    left = len(answers.lines(result)) - answers.MOST
    yield f"\nThe other {left:,} in `-f json`.\n" if left > 0 else ""
    names = [task.name for task in result.tasks]
    for block in answers.blocks(result) if len(names) <= WIDE else ():
        numbers = [str(n) for n in range(1, len(names) + 1)]
        rows = (
            [n, name, *signs] for n, name, signs in zip(numbers, names, block.signs, strict=True)
        )
        yield f"\n### Pairs: {markdown(block.title)}\n"
        yield pipe_table(["", "", *numbers], rows) + f"\n{markdown(answers.LEGEND)}\n"
    for purpose, command in answers.steps(answers.of_result(result)):
        yield f"\n{markdown(purpose)}\n" + code(command)


def verdicts(result: ScoreResult | ProbeResult, otherwise: str) -> Iterator[str]:
    """One line an answer."""
    for text in answers.lines(result) or [otherwise]:
        yield f"- {markdown(text)}\n"


def code(text: str) -> str:
    """A block of one line, which is never read as markup."""
    return f"\n    {terminal(text)}\n"


def pipe_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, after a blank line; every cell is escaped."""
    lines = [_row(headers), "|" + " --- |" * len(headers), *map(_row, rows)]
    return "\n" + "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown, cells)) + " |"


def bullets(texts: Iterable[str]) -> str:
    """A list, after a blank line; nothing without texts."""
    lines = "".join(f"- {markdown(text)}\n" for text in texts)
    return "\n" + lines if lines else ""


def _tasks(result: ScoreResult) -> Iterator[str]:
    shown = result.tasks[:TASKS]
    columns = task_columns(shown)
    rows = ([task.name, *(cells[n] for _, cells in columns)] for n, task in enumerate(shown))
    yield "\n### Tasks\n" + pipe_table(["task", *(header for header, _ in columns)], rows)
    if len(result.tasks) > TASKS:
        yield f"\nand {len(result.tasks) - TASKS:,} more; `-f json` lists all of them.\n"
    yield bullets(f"{who}: {note}" for who, note in task_notes(result))


def predicted(found: Sequence[Prediction], title: str = predictions.TITLE) -> str:
    """The section of the predictions; nothing without any."""
    if not found:
        return ""
    rows, left_out = predictions.shown(found)
    table = pipe_table(
        ["source", "target", *predictions.HEADERS],
        ([each.source, each.target, *predictions.cells(each)] for each in rows),
    )
    return f"\n### {title}\n" + table + bullets(predictions.below(rows, left_out))


# ----------------------------------------------------------------------- scores


def _scores(result: ScoreResult, options: ReportOptions) -> Iterator[str]:
    whole, (result, silent) = result, folded(result)
    if not whole.tables or len(result.tasks) < 2:
        return
    notes = Footnotes()
    if len(result.tasks) == 2 and result.tables:
        yield from _list(result, notes)
    elif len(result.tasks) <= WIDE:
        for group in groups(result):
            title = "Scores from source to target" if group[0].directed else "Scores of pairs"
            yield f"\n### {title}\n" + _grid(result, group, pairs_of(result, group[0]), notes)
    else:
        for table in heat_tables(result):
            order = ranked(table)
            title = f"{markdown(table.name)}: the highest first"
            yield f"\n### {title}\n" + _grid(result, [table], order[:MOST_PAIRS], notes)
            left = len(order) - MOST_PAIRS
            yield f"\nThe other {left:,} in `-f csv`.\n" if left > 0 else ""
        yield f"\n{markdown(headline(result))}. All pairs: `-f csv`, `-f jsonl` or `-f json`.\n"
    if notes.texts:
        yield "\n" + "".join(f"{n}. {markdown(text)}\n" for n, text in enumerate(notes.texts, 1))
    yield bullets(silent)
    if options.explain:
        yield "\n### What the numbers mean\n"
        yield bullets(f"{t.name}: {t.explain}" for t in whole.tables.values() if t.explain)


def _list(result: ScoreResult, notes: Footnotes) -> Iterator[str]:
    rows = []
    for table in result.tables.values():
        for i, j in pairs_of(result, table):
            shown = cell(table, i, j)
            way = f"{result.names[i]} → {result.names[j]}" if table.directed else ""
            value = _marked(shown.value, notes.mark(shown.note or shown.detail))
            rows.append([table.name, way, value, shown.interval, shown.beside])
    yield "\n### Scores\n" + pipe_table(
        ["score", "direction", "value", "interval", "beside it"], rows
    )


def _grid(result: ScoreResult, group: list[PairTable], pairs: list[Pair], notes: Footnotes) -> str:
    ends = ["source", "target"] if group[0].directed else ["task", "other task"]
    rows = []
    for i, j in pairs:
        shown = [cell(table, i, j) for table in group]
        cells = [_marked(each.both, notes.mark(each.note)) for each in shown]
        rows.append([result.names[i], result.names[j], *cells])
    return pipe_table([*ends, *(table.name for table in group)], rows)


def _marked(text: str, number: int) -> str:
    return f"{text} ({number})" if number else text


# -------------------------------------------------------------- mix, inspection


def _mix(result: ScoreResult) -> Iterator[str]:
    if result.capacity is not None:
        capacity = result.capacity
        yield f"\n### Capacity of the shared module\n\n{markdown(capacity_line(capacity))}\n"
        if capacity.note:
            yield f"\n{markdown(capacity.note)}\n"
        if capacity.curve:
            points = ([f"{p.r}", short(p.error), short(p.stderr)] for p in capacity.curve)
            yield pipe_table(["r", "error", "standard error"], points)
    if result.weights:
        yield "\n### Task weights\n" + bullets(map(weights_line, result.weights))
    if result.notes:
        yield "\n### Notes\n" + bullets(result.notes)


def _inspection(info: TaskInfo, options: ReportOptions) -> Iterator[str]:
    yield f"## {markdown(info.name)}\n" + pipe_table(["what", "found"], facts(info))
    if options.quiet:
        return
    if info.label_counts:
        shown, more = top_labels(info)
        yield "\n### Labels\n" + pipe_table(["label", "rows"], ([t, f"{n:,}"] for t, n in shown))
        yield f"\n… {more:,} more\n" if more else ""
    if info.files:
        rows = ([f.path, f.split, f"{f.rows:,}", f"{f.bytes:,}", f.sha256] for f in info.files)
        yield "\n### Files\n" + pipe_table(["path", "split", "rows", "bytes", "sha256"], rows)
    if skipped := rejected(info.files):
        rejects = info.rejects[:TOP]
        rows = ([r.file, f"{r.row:,}", r.reason] for r in rejects)
        yield "\n### Skipped rows\n" + pipe_table(["file", "row", "reason"], rows)
        yield f"\n… {skipped - len(rejects):,} more\n" if skipped > len(rejects) else ""
    if info.notes:
        yield "\n### Notes\n" + bullets(info.notes)
