"""What the formats for people say of tasks, of the mix and of an inspected data set, in words.

The texts hold shortened names but are not escaped for any target but the terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from taskaff.core.records.data import InputFile, TaskInfo
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import Capacity, ScoreResult, TaskSummary, TaskWeights
from taskaff.stages.report.cells import kind_text, labels_text
from taskaff.stages.report.names import short_names, shorten
from taskaff.stages.report.numbers import MISSING, count, percent, short

TOP = 10
"""Labels, columns and rejected rows that are listed."""

TASKS = 40
"""Tasks listed one by one."""

LISTED = 12
"""Tasks whose own capacity or weight is listed."""

Column = tuple[str, Callable[[TaskSummary], str]]


def rejected(files: tuple[InputFile, ...]) -> int:
    """Rows skipped, all files together."""
    return sum(file.rejected for file in files)


def unknown_words(task: TaskSummary) -> str:
    """Share of the tokens without a vector."""
    return percent(task.counts.unknown / task.counts.tokens) if task.counts.tokens else MISSING


def rows_and_share(estimate: Estimate, rows: int) -> str:
    """A number of rows, and which part of the task it is."""
    if estimate.value is None:
        return MISSING
    share = f" ({percent(estimate.value / rows)})" if rows and estimate.value else ""
    return count(estimate.value) + share


def _positive(number: int) -> str:
    return f"{number:,}" if number else MISSING


COLUMNS: tuple[Column, ...] = (
    ("rows", lambda t: f"{t.rows:,}"),
    ("labels", labels_text),
    ("unknown words", unknown_words),
    ("repeated rows", lambda t: rows_and_share(t.duplicates, t.rows)),
    ("in other splits", lambda t: rows_and_share(t.split_leak, t.rows)),
    ("skipped rows", lambda t: _positive(rejected(t.inputs))),
    ("no known word", lambda t: _positive(t.counts.empty)),
    ("cut short", lambda t: _positive(t.counts.truncated)),
    ("padded from", lambda t: _positive(t.padded_from or 0)),
)


def task_columns(tasks: tuple[TaskSummary, ...]) -> list[tuple[str, list[str]]]:
    """Header and cells of every column that says something about at least one task."""
    columns = [(header, [cell(task) for task in tasks]) for header, cell in COLUMNS]
    return [(header, cells) for header, cells in columns if set(cells) - {MISSING}]


def task_notes(result: ScoreResult) -> list[tuple[str, str]]:
    """Notes on the tasks, and why a count is missing; the same words for many tasks come once."""
    names: dict[str, dict[str, None]] = {}
    splits = any(task.split_leak.value is not None for task in result.tasks)
    for task in result.tasks:
        leak = task.split_leak.note if splits else ""  # that nobody has another split is no news
        for note in (*task.notes, task.duplicates.note, leak):
            if note:
                names.setdefault(note, {})[task.name] = None
    return [(_who(tuple(tasks), len(result.tasks)), note) for note, tasks in names.items()]


def _who(names: tuple[str, ...], everyone: int) -> str:
    if len(names) == everyone > 1:
        return "every task"
    return ", ".join(names) if len(names) <= 3 else f"{len(names):,} tasks"


def encoder_line(result: ScoreResult) -> str:
    """The encoder and the level of the intervals."""
    card = result.encoder
    revision = f" {card.revision}" if card.revision else ""
    level = f"at {100 * result.settings.confidence:g}%" if result.settings.intervals else "left out"
    return f"encoder {card.id}{revision}, {card.width:,} dimensions; intervals {level}"


def capacity_line(capacity: Capacity) -> str:
    """The recommendation, its upper bound and the single-task capacities."""
    recommendation = (
        "not estimated" if capacity.recommended is None else f"r = {capacity.recommended:,}"
    )
    bound = ""
    if capacity.upper_bound is not None:
        bound = f"; the single-task capacities sum to {capacity.upper_bound:,}"
    single = _listed(tuple(capacity.single), [f"{r:,}" for r in capacity.single.values()])
    return recommendation + bound + (f" ({single})" if single and bound else "")


def weights_line(group: TaskWeights) -> str:
    """The weights of one group."""
    line = _listed(group.tasks, [short(weight) for weight in group.weights])
    return f"{line}; rank {group.rank:,}" + (f"; {group.note}" if group.note else "")


def _listed(names: tuple[str, ...], values: list[str]) -> str:
    shown = zip(short_names(names[:LISTED], 24), values, strict=False)
    more = f", and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(f"{name} {value}" for name, value in shown) + more


LAYOUTS = {"single": "single texts", "pair": "text pairs", "vectors": "ready vectors"}


def facts(info: TaskInfo) -> list[tuple[str, str]]:
    """Term and text of everything that is not a table; foreign text is still raw."""
    formats = ", ".join(dict.fromkeys(file.format for file in info.files))
    width = f", {info.vector_width:,} dimensions" if info.vector_width else ""
    used = [*info.text_columns, *info.schema.columns, info.split_column]
    unused = [column for column in info.columns if column not in used]
    rows = ", ".join(f"{split} {n:,}" for split, n in info.rows.items())
    kind = kind_text(info.schema.kind, info.schema.width)
    entries = [
        ("format", formats),
        ("reader", _first([f"{key} {value!r}" for key, value in sorted(info.dialect.items())])),
        ("input", LAYOUTS[info.layout] + width + _from(info.text_columns)),
        ("labels", kind + _from(info.schema.columns)),
        ("not used", _first(unused)),
        ("rows", f"{sum(info.rows.values()):,}" + (f" ({rows})" if len(info.rows) > 1 else "")),
        ("splits", f"from column {info.split_column}" if info.split_column else ""),
        ("skipped", f"{skipped:,}" if (skipped := rejected(info.files)) else ""),
        ("unlabelled", _first([f"{s} {sum(n.values()):,}" for s, n in info.unlabelled.items()])),
    ]
    return [(term, text) for term, text in entries if text]


def top_labels(info: TaskInfo) -> tuple[list[tuple[str, int]], int]:
    """The most frequent labels, and how many are left."""
    ranked = sorted(info.label_counts.items(), key=lambda item: -item[1])
    return ranked[:TOP], max(0, len(ranked) - TOP)


def _from(columns: tuple[str, ...]) -> str:
    return f", from {_first(columns)}" if columns else ""


def _first(columns: list[str] | tuple[str, ...]) -> str:
    more = f" … {len(columns) - TOP:,} more" if len(columns) > TOP else ""
    return ", ".join(shorten(column, 60) for column in columns[:TOP]) + more
