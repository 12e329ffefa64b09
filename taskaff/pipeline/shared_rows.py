"""Which rows of a data set another one has, exactly or nearly: ``taskaff overlap``.

The source is read once and remembered by hashes and keys, then the target is read and compared,
then the source again for the text of the rows that are copies. So memory grows with the rows of the
source (about 150 bytes each) and with the number of copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.records.data import LabelSchema, RowBatch, Task
from taskaff.core.records.overlap import OverlapResult, RowPlace, SharedKind, SharedRow
from taskaff.stages.signature import row_content

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes, Ints
    from taskaff.stages.signature import RowContent

Copies = list[tuple[SharedKind, int, RowPlace]]
"""Kind, number of the source's row, and the target's row."""


def shared_rows(source: Task, target: Task) -> OverlapResult:
    """Rows of ``target`` that ``source`` has, each with the first row that it is a copy of.

    Raises
    ------
    UsageError : texts are compared with ready vectors, or with pairs of texts.
    """
    one, other = source.info, target.info
    if one.layout != other.layout:
        raise UsageError(
            f"{one.name} has rows of {one.layout} layout and {other.name} of {other.layout}: "
            "they have no row in common",
            hint="choose the same kind of text columns with --text",
        )
    known = _Known(source)
    copies: Copies = []
    for batch in target.batches():
        content = row_content(batch)
        exact, near = known.exact(content.hashes), known.near(content)
        for i in np.flatnonzero((exact >= 0) | (near >= 0)).tolist():
            kind: SharedKind = "exact" if exact[i] >= 0 else "near"
            row = int(exact[i] if exact[i] >= 0 else near[i])
            copies.append((kind, row, _place(batch, i, other.schema)))
    texts = _places(source, {row for _, row, _ in copies})
    same = bool(set(one.schema.names) & set(other.schema.names))
    rows = [
        SharedRow(kind, place, texts[row], same and place.label != texts[row].label)
        for kind, row, place in copies
    ]
    return OverlapResult(one.name, other.name, rows, sum(other.rows.values()))


class _Known:
    """The rows of the source, numbered as they come."""

    def __init__(self, source: Task) -> None:
        hashes, keys, owners = [], [], []
        start = 0
        for batch in source.batches():
            content = row_content(batch)
            hashes.append(content.hashes)
            if content.near:
                keys.append(content.near.keys)
                owners.append(np.repeat(np.arange(batch.rows) + start, content.near.counts))
            start += batch.rows
        self._hashes, self._rows = _firsts(hashes, [np.arange(start)])
        self._keys, self._owners = _firsts(keys, owners)

    def exact(self, hashes: Hashes) -> Ints:
        """``(n,)`` first row with the same content; -1 where there is none."""
        return _looked_up(self._hashes, self._rows, hashes)

    def near(self, content: RowContent) -> Ints:
        """``(n,)`` first row with a key in common; -1 where there is none."""
        none = np.iinfo(np.int64).max
        first = np.full(len(content.hashes), none)
        if content.near:
            rows = np.repeat(np.arange(len(first)), content.near.counts)
            firsts = _looked_up(self._keys, self._owners, content.near.keys)
            np.minimum.at(first, rows[firsts >= 0], firsts[firsts >= 0])
        return np.where(first == none, -1, first)


def _firsts(numbers: list[Hashes], rows: list[Ints]) -> tuple[Hashes, Ints]:
    """Distinct numbers, ascending, and the first row that has each."""
    every = np.concatenate([np.empty(0, np.uint64), *numbers])
    distinct, first = np.unique(every, return_index=True)
    return distinct, np.concatenate([np.empty(0, np.int64), *rows])[first]


def _looked_up(known: Hashes, rows: Ints, wanted: Hashes) -> Ints:
    at = np.searchsorted(known, wanted)
    known_key = at < len(known)
    known_key[known_key] = known[at[known_key]] == wanted[known_key]
    out = np.full(len(wanted), -1, np.int64)
    out[known_key] = rows[at[known_key]]
    return out


def _places(task: Task, wanted: set[int]) -> dict[int, RowPlace]:
    """The rows with these numbers."""
    return {number: _place(batch, i, task.info.schema) for number, batch, i in _at(task, wanted)}


def _at(task: Task, wanted: set[int]) -> Iterator[tuple[int, RowBatch, int]]:
    ordered = np.array(sorted(wanted), np.int64)
    start = 0
    for batch in task.batches() if wanted else ():
        a, b = np.searchsorted(ordered, [start, start + batch.rows])
        for number in ordered[a:b].tolist():
            yield number, batch, number - start
        start += batch.rows


def _place(batch: RowBatch, i: int, schema: LabelSchema) -> RowPlace:
    text = " ||| ".join(column[i].as_py() for column in batch.text)
    label = "" if batch.labels is None else _label(batch.labels[i], schema)
    return RowPlace(batch.file, batch.first_row + i, batch.split, label, text)


def _label(value: Any, schema: LabelSchema) -> str:
    if schema.kind == "classes":
        return schema.names[int(value)]
    if schema.kind == "multilabel":
        names = zip(schema.names, value, strict=True)
        return ", ".join(name for name, there in names if there)
    return ", ".join(f"{number:g}" for number in value)
