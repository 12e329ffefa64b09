"""One row a pair, a finding, a file or a shared row.

Of scores a row has four columns a score, then its further numbers; the header depends only on which
scores were asked for. Text is neutralised for spreadsheets
(:func:`taskaff.stages.report.escape.csv_cell`); numbers stay numbers, an undefined one is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from taskaff.core.answers.score import verdicts
from taskaff.core.arrow import strings
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report import predictions
from taskaff.stages.report.columns import joined
from taskaff.stages.report.escape import csv_cell
from taskaff.stages.report.numbers import rounded
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.pairs import Block, blocks
from taskaff.stages.report.rows import table_of


def render(result: Any, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Header and rows."""
    if isinstance(result, ScoreResult):
        yield from _scores(result)
        return
    header, rows = table_of(result)
    yield _line(header)
    yield from map(_line, rows)


def _line(cells: Iterable[Any]) -> str:
    return ",".join(map(_cell, cells)) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return csv_cell(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        value = rounded(value)
    return "" if value is None else str(value)


def _scores(result: ScoreResult) -> Iterator[str]:
    header = ["source", "target"]
    predicted = predictions.as_score(result)
    tables = dict(result.tables) | ({predicted.name: predicted} if predicted else {})
    for name, scores in tables.items():
        header += [name, f"{name}_low", f"{name}_high"]
        header += [f"{name}_{extra}" for extra in scores.extras] + [f"{name}_note"]
    decided = verdict_column(result)
    yield _line([*header, "verdict"])
    names = strings([csv_cell(name) for name in result.names])
    for block in blocks(result):
        columns: list[pa.Array | str] = [*block.names(names)]
        for scores in tables.values():
            columns += _columns(scores, block)
        columns.append(decided(block))
        yield "\n".join(joined(columns, ",").to_pylist()) + "\n"


def verdict_column(result: ScoreResult) -> Callable[[Block], pa.Array | str]:
    """What is decided of the pairs of a block, in the words of a probe's verdict."""
    known = verdicts(result)
    undecided = "inconclusive"
    if not set(known.values()) - {undecided}:
        return lambda _: undecided
    names = result.names

    def column(block: Block) -> pa.Array:
        ends = zip(block.source.tolist(), block.target.tolist(), strict=True)
        return strings([known.get((names[i], names[j]), undecided) for i, j in ends])

    return column


def _columns(table: PairTable, block: Block) -> list[pa.Array | str]:
    arrays = [table.value, table.low, table.high, *table.extras.values()]
    return [*(block.numbers(array, "") for array in arrays), block.notes(table, csv_cell)]
