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
import pyarrow.compute as pc

from taskaff.records import PairTable, ScoreResult
from taskaff.report.cells import note_at
from taskaff.report.numbers import decimal_text

if TYPE_CHECKING:
    from taskaff.records import Floats, Ints

BLOCK = 20_000
"""Pairs formatted at once."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive ordered pairs: indices ``source (m,)`` and ``target (m,)``, never equal."""

    source: Ints
    target: Ints

    def numbers(self, array: Floats, missing: str) -> pa.Array:
        """Entries of a ``(k, k)`` array as text."""
        return decimal_text(np.asarray(array)[self.source, self.target], missing)

    def notes(self, table: PairTable, quote: Callable[[str], str]) -> pa.Array:
        """Notes of a table, quoted; null where there is none."""
        if not table.notes:
            return pa.nulls(len(self.source), pa.string())
        quoted: dict[str, str | None] = {"": None}
        found: list[str | None] = []
        for i, j in zip(self.source.tolist(), self.target.tolist(), strict=True):
            text = note_at(table, i, j)
            if text not in quoted:
                quoted[text] = quote(text)
            found.append(quoted[text])
        return pa.array(found, pa.string())


def blocks(result: ScoreResult) -> Iterator[Block]:
    """Every ordered pair once: by source, then by target, in task order."""
    k = len(result.tasks)
    step = max(1, BLOCK // max(1, k))
    for start in range(0, k, step):
        source, target = np.divmod(np.arange(start * k, min(start + step, k) * k), max(1, k))
        off = source != target
        if off.any():
            yield Block(source[off], target[off])


def concat(parts: list[pa.Array | str]) -> pa.Array:
    """Columns and constants joined into one column of text."""
    return pc.binary_join_element_wise(*parts, "")
