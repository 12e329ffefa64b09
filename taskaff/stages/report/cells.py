"""What people see of a pair: the cell, its footnote, and which pairs are worth a line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from taskaff.core.records.score import PairTable, ScoreResult, TaskSummary
from taskaff.stages.report.numbers import MISSING, count, interval, percent, percent_interval, short

WIDE = 12
"""More tasks than this have too many pairs to list for people."""

MOST_PAIRS = 10
"""Pairs of a score that are listed when there are too many, the highest values first."""

WORD = 12
"""A note, or its part before a colon, of at most this many characters stands in the cell."""

VACUOUS = "vacuous"
"""A note that begins so says that the number beside it means nothing."""

ORDER = "pairs stand in the order of the data sets"

HEAT = ("covariance_alignment", "source_gain")
"""Scores of the heat map: one without direction, one with."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One score of one pair as text: value, interval, further numbers, and why.

    A note like ``not met: 40 rows asked`` is an answer with its reason: the answer is part of
    ``value``, the reason is ``detail``. Any other note is ``note``.
    """

    value: str
    interval: str
    beside: str
    note: str
    detail: str

    @property
    def both(self) -> str:
        """Value and interval together."""
        return f"{self.value} {self.interval}".rstrip()


def cell(table: PairTable, i: int, j: int) -> Cell:
    """The entry for source ``i`` and target ``j``; shared rows are shown as count and share."""
    estimate = table.at(i, j)
    note = note_at(table, i, j)
    extras = {key: float(array[i, j]) for key, array in table.extras.items()}
    if "shared" in extras:
        shared = extras.pop("shared")
        value = f"{count(shared)} ({percent(estimate.value)})"
        value = value if estimate.value is not None else MISSING
        bounds = percent_interval(estimate)
    else:
        value, bounds = short(estimate.value), interval(estimate)
    word, _, detail = note.partition(": ")
    if note and len(word) <= WORD:
        value = word if estimate.value is None else f"{value} {word}"
        note = ""
    else:
        detail = ""
    near = extras.pop("near", 0.0)
    said = [f"{key.replace('_', ' ')} {_brief(x)}" for key, x in extras.items() if x == x]
    said += [f"near copies {percent(near)}"] if near > 0 else []
    beside = ", ".join(said)
    return Cell(value, bounds, beside, note, detail)


def _brief(x: float) -> str:
    return count(x) if abs(x) < 1e9 and x == round(x) else short(x)


def note_at(table: PairTable, i: int, j: int) -> str:
    """The note of a pair; an undirected table may carry it under either order."""
    text = table.notes.get((i, j), "")
    return text if text or table.directed else table.notes.get((j, i), "")


def pairs_of(result: ScoreResult, table: PairTable) -> list[Pair]:
    """The pairs that a table says something about: one a pair, or both directions."""
    return list(result.pairs(directed=table.directed))


def groups(result: ScoreResult) -> list[list[PairTable]]:
    """The tables without direction and those with, each in the order of the result."""
    both = [[t for t in result.tables.values() if t.directed is way] for way in (False, True)]
    return [group for group in both if group]


def heat_tables(result: ScoreResult) -> list[PairTable]:
    """The tables shown as heat maps: the preferred one of each kind, else the first."""
    preferred_tables = []
    for group in groups(result):
        preferred = [table for table in group if table.name in HEAT]
        preferred_tables.append((preferred or group)[0])
    return [table for table in preferred_tables if defined(table)]


def defined(table: PairTable) -> bool:
    """Whether any pair of different tasks has a value."""
    import numpy as np

    k = len(table.value)
    return bool(np.isfinite(table.value[~np.eye(k, dtype=bool)]).any())


def ranked(table: PairTable) -> list[Pair]:
    """The pairs with a value, the highest first; ties in task order."""
    import numpy as np

    value = np.array(table.value, dtype=float)
    np.fill_diagonal(value, np.nan)
    if not table.directed:
        value[np.tril_indices(len(value))] = np.nan
    order = np.argsort(-value, axis=None, kind="stable")[: np.isfinite(value).sum()]
    return [(int(n) // len(value), int(n) % len(value)) for n in order]


def folded(result: ScoreResult) -> tuple[ScoreResult, list[str]]:
    """The result without scores that say nothing of any pair, and a line on each of those."""
    if len(result.tasks) > WIDE:
        return result, []
    silent = {name: text for name, t in result.tables.items() if (text := _silence(result, t))}
    spoken = {name: table for name, table in result.tables.items() if name not in silent}
    return replace(result, tables=spoken), list(silent.values())


def _silence(result: ScoreResult, table: PairTable) -> str:
    """Why no pair has a number that means something; empty where one has."""
    pairs = pairs_of(result, table)
    notes = [_unsaid(table, *pair) for pair in pairs]
    if not pairs or None in notes:
        return ""
    words = ["vacuous" if str(note).startswith(VACUOUS) else "undefined" for note in notes]
    which = " or ".join(sorted(set(words)))
    told = Counter(str(note).removeprefix(f"{VACUOUS}: ") for note in notes if note)
    many = "the only pair" if len(pairs) == 1 else f"all {len(pairs):,} pairs"
    reason = told.most_common(1)[0][0] if told else "no reason given"
    more = f", and {len(told) - 1:,} other reasons" if len(told) > 1 else ""
    return f"{table.name}: {which} for {many}: {reason}{more}"


def _unsaid(table: PairTable, i: int, j: int) -> str | None:
    """Why a pair has no number that means something; None where it has one."""
    note = note_at(table, i, j)
    if table.at(i, j).value is None:
        return note
    return note if note.startswith(VACUOUS) else None


def labels_text(task: TaskSummary) -> str:
    """``2 classes``, ``28 labels``, ``1 target``, ``none``."""
    return kind_text(task.schema.kind, task.schema.width)


def kind_text(kind: str, width: int) -> str:
    """The label kind with its width, in words."""
    words = {"classes": "class", "multilabel": "label", "regression": "target"}
    if kind not in words:
        return kind
    word = words[kind]
    plural = {"class": "classes"}.get(word, f"{word}s")
    return f"{width:,} {word if width == 1 else plural}"


def headline(result: ScoreResult) -> str:
    """The result in one line of trusted text and numbers; names are left to the caller."""
    k = len(result.tasks)
    count_text = f"{k:,} tasks, {k * (k - 1) // 2:,} pairs"
    ranges = []
    for table in heat_tables(result):
        order = ranked(table)
        ends = [cell(table, *order[-1]).value, cell(table, *order[0]).value]
        ranges.append(f"{table.name} {' to '.join(dict.fromkeys(ends))}")
    return "; ".join([count_text, *ranges])
