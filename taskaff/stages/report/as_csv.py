"""One row a pair and direction: four columns a score, then its further numbers.

The header depends only on which scores were asked for. Text is neutralised for spreadsheets
(:func:`taskaff.stages.report.escape.csv_cell`); numbers stay numbers, an undefined one is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from taskaff.core.answers.score import verdicts
from taskaff.core.arrow import strings
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report import predictions
from taskaff.stages.report.columns import joined
from taskaff.stages.report.document import input_file
from taskaff.stages.report.escape import csv_cell
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.pairs import Block, blocks


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Pieces of the table; of an inspection, one row a file."""
    if isinstance(result, TaskInfo):
        yield from _files(result)
        return
    header = ["source", "target"]
    predicted = predictions.table(result)
    tables = dict(result.tables) | ({predicted.name: predicted} if predicted else {})
    for name, table in tables.items():
        header += [name, f"{name}_low", f"{name}_high"]
        header += [f"{name}_{extra}" for extra in table.extras] + [f"{name}_note"]
    decided = verdict_column(result)
    yield ",".join(map(csv_cell, [*header, "verdict"])) + "\n"
    names = strings([csv_cell(name) for name in result.names])
    for block in blocks(result):
        columns: list[pa.Array | str] = [*block.names(names)]
        for table in tables.values():
            columns += _columns(table, block)
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


def _files(info: TaskInfo) -> Iterator[str]:
    files = [input_file(file) for file in info.files]
    keys = ["path", "format", "split", "rows", "rejected", "bytes", "sha256"]
    yield ",".join(["task", *keys]) + "\n"
    for file in files:
        cells = (csv_cell(v) if isinstance(v, str) else str(v) for v in map(file.get, keys))
        yield ",".join([csv_cell(info.name), *cells]) + "\n"
