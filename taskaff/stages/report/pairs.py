"""All pairs of a result as columns of Arrow strings, a block of source rows at a time.

A result of 1,000 tasks has 999,000 ordered pairs: the formats for machines join whole columns
instead of visiting cells, and never hold more than a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from taskaff.core.arrow import strings
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report.cells import note_at
from taskaff.stages.report.columns import decimals, joined, taken
from taskaff.stages.report.escape import json_text

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints

BLOCK = 20_000
"""Pairs formatted at once."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive ordered pairs: indices ``source (m,)`` and ``target (m,)``, never equal."""

    source: Ints
    target: Ints

    def names(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Names of the sources and of the targets, out of the column of task names."""
        return taken(column, self.source), taken(column, self.target)

    def numbers(self, array: Floats, missing: str) -> pa.Array:
        """Entries of a ``(k, k)`` array as text."""
        return decimals(np.asarray(array)[self.source, self.target], missing)

    def notes(self, table: PairTable, quote: Callable[[str], str]) -> pa.Array | str:
        """Notes of a table, quoted; empty where there is none."""
        if not table.notes:
            return ""
        quoted = {"": ""}
        notes_of_pairs = []
        for i, j in zip(self.source.tolist(), self.target.tolist(), strict=True):
            text = note_at(table, i, j)
            if text not in quoted:
                quoted[text] = quote(text)
            notes_of_pairs.append(quoted[text])
        return strings(notes_of_pairs)


def blocks(result: ScoreResult) -> Iterator[Block]:
    """Every ordered pair once: by source, then by target, in task order."""
    k = len(result.tasks)
    step = max(1, BLOCK // max(1, k))
    for start in range(0, k, step):
        source, target = np.divmod(np.arange(start * k, min(start + step, k) * k), max(1, k))
        off = source != target
        if off.any():
            yield Block(source[off], target[off])


def json_lines(result: ScoreResult) -> Iterator[list[str]]:
    """One JSON object a pair and direction, in blocks."""
    names = strings([json_text(name) for name in result.names])
    for block in blocks(result):
        source, target = block.names(names)
        parts = ['{"source": ', source, ', "target": ', target, ', "scores": {']
        for n, (name, table) in enumerate(result.tables.items()):
            parts += [", " if n else "", f"{json_text(name)}: ", _estimates(table, block)]
        yield joined([*parts, "}}"]).to_pylist()


def _estimates(table: PairTable, block: Block) -> pa.Array:
    parts: list[pa.Array | str] = []
    arrays = {"value": table.value, "low": table.low, "high": table.high, **table.extras}
    for key, array in arrays.items():
        lead = ", " if parts else "{"
        parts += [f"{lead}{json_text(key)}: ", block.numbers(array, "null")]
    return joined([*parts, block.notes(table, _note), "}"])


def _note(text: str) -> str:
    return f', "note": {json_text(text)}'
