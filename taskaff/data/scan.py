"""The first pass over a task: every file read and judged, splits and bad rows counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from taskaff import arrow
from taskaff.data.columns import Choice
from taskaff.data.encode import unfit
from taskaff.data.labels import LabelTally
from taskaff.data.names import split_word
from taskaff.data.reader import Reader
from taskaff.data.values import Mask, WidthError, matrix, missing, numbers, words
from taskaff.errors import DataError, Place
from taskaff.records import SPLITS, LabelKind, SplitName

OUT = -1
"""Split code of a row past the limit."""
SHOWN = 20
"""Skipped rows that are named; the others are counted."""


class Gate:
    """Gives each row its split, and stops each split at the limit.

    The first ``limit`` rows of a split are in, in the order of the files, skipped rows included.
    """

    def __init__(
        self, column: str | None, limit: int | None, taken: Sequence[int] = (0, 0, 0)
    ) -> None:
        self._column, self._limit = column, limit
        self.taken = list(taken)

    def admit(
        self, batch: pa.RecordBatch, split: SplitName, path: str, row: int
    ) -> NDArray[np.int8]:
        """Split codes (``OUT`` past the limit) of rows that begin at ``row``."""
        if self._column is None:
            codes = np.full(batch.num_rows, SPLITS.index(split), dtype=np.int8)
        else:
            codes = _split_codes(batch.column(self._column), self._column, path, row)
        for code in range(len(SPLITS)):
            rows = np.flatnonzero(codes == code)
            if self._limit is not None and self.taken[code] + len(rows) > self._limit:
                codes[rows[max(0, self._limit - self.taken[code]) :]] = OUT
            self.taken[code] += len(rows)
        return codes


def _split_codes(array: pa.Array, column: str, path: str, row: int) -> NDArray[np.int8]:
    coded = words(array).dictionary_encode()
    splits = [split_word(word) for word in coded.dictionary.to_pylist()]
    if coded.null_count or None in splits:
        codes = coded.indices.to_pylist()
        bad = next(i for i, code in enumerate(codes) if code is None or splits[code] is None)
        raise DataError(
            f"{array[bad].as_py()!r} is not a split",
            where=Place(path, row=row + bad, column=column),
            hint="write train, validation (valid, val, dev) or test in every row; if the column "
            "holds something else: --split-column none",
        )
    table = np.array([SPLITS.index(split) for split in splits if split], dtype=np.int8)
    return table[arrow.array(coded.indices)] if len(table) else np.zeros(0, np.int8)


@dataclass(slots=True)
class Judge:
    """Which rows cannot be used, and why: the same in both passes once the kind is known."""

    choice: Choice
    nullable: bool
    width: int | None = None
    """Vector width, from the first row that has one."""
    width_path: str = ""

    def inputs(self, batch: pa.RecordBatch, path: str, row: int) -> dict[str, Mask]:
        """Masks of rows with an unusable text or vector, by reason."""
        names = [name for name in self.choice.inputs if name in batch.schema.names]
        if self.choice.features:
            reasons = {}
            for name in names:
                bad = ~np.isfinite(numbers(batch.column(name)))
                if bad.any():
                    reasons[f"feature {name!r} is not a finite number"] = bad
            return reasons
        if self.choice.layout == "vectors" and names:
            return self._vectors(batch.column(names[0]), path, row)
        return {
            f"text is missing in column {name!r}": arrow.is_null(batch.column(name))
            for name in names
            if batch.column(name).null_count
        }

    def _vectors(self, array: pa.Array, path: str, row: int) -> dict[str, Mask]:
        try:
            values = matrix(array, self.width)
        except WidthError as error:
            raise DataError(
                f"the vector has {error.found} numbers where earlier rows have {error.width}",
                where=Place(path, row=row + error.row, column=self.choice.inputs[0]),
                hint="write vectors of one width",
            ) from None
        if values.shape[1]:
            self.width = values.shape[1]
        elif len(array) > array.null_count:
            raise DataError(
                "the vector is empty",
                where=Place(path, row=row, column=self.choice.inputs[0]),
                hint="write vectors of at least one number",
            )
        null = arrow.is_null(array)
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32)).all(axis=1)
        return {"vector is missing": null, "vector is not finite": ~finite & ~null}

    def labels(
        self, batch: pa.RecordBatch, kind: LabelKind | None
    ) -> tuple[dict[str, Mask], dict[str, Mask]]:
        """Masks of rows whose label is missing, and of rows that regression could not use."""
        absent: dict[str, Mask] = {}
        endless: dict[str, Mask] = {}
        for name in self.choice.labels:
            array = batch.column(name)
            lost = missing(array)
            absent[f"label is missing in column {name!r}"] = lost
            endless[f"label is not a finite number in column {name!r}"] = unfit(array, kind) & ~lost
        return absent, endless


def any_of(masks: dict[str, Mask], rows: int) -> Mask:
    """Rows that any of the masks names."""
    out = np.zeros(rows, dtype=np.bool_)
    for mask in masks.values():
        out |= mask
    return out


@dataclass(slots=True)
class FileScan:
    """What the first pass found in one file."""

    path: str
    split: SplitName
    reader: Reader
    total: int = 0
    """All rows, whatever became of them."""
    taken_before: tuple[int, ...] = (0, 0, 0)
    admitted: list[int] = field(default_factory=lambda: [0, 0, 0])
    bad: list[Marks] = field(default_factory=list)
    """Rows that cannot be used."""
    endless: list[Marks] = field(default_factory=list)
    """Rows that cannot be used if the task turns out to be a regression."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows (1-based) of a file, their split codes, and what is wrong with them."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int8]
    reason: str


def scan_file(
    file: FileScan, judge: Judge, gate: Gate, tally: LabelTally, kind: LabelKind | None
) -> None:
    """Read one file to its end; fills ``file`` and ``tally``."""
    file.taken_before = tuple(gate.taken)
    choice = judge.choice
    skipped = () if file.reader.nullable or choice.features else choice.inputs
    for batch in file.reader.scan([name for name in choice.used if name not in skipped]):
        row = file.total + 1
        codes = gate.admit(batch, file.split, file.path, row)
        file.total += batch.num_rows
        for code in range(len(SPLITS)):
            file.admitted[code] += int((codes == code).sum())
        absent, endless = judge.labels(batch, kind)
        bad = judge.inputs(batch, file.path, row) | absent
        file.bad += _marks(bad, codes, row)
        file.endless += _marks(endless, codes, row)
        if choice.labels:
            _tally(tally, batch, choice, codes, bad, file.reader.typed)


def _tally(
    tally: LabelTally,
    batch: pa.RecordBatch,
    choice: Choice,
    codes: NDArray[np.int8],
    bad: dict[str, Mask],
    typed: bool,
) -> None:
    keep = (codes != OUT) & ~any_of(bad, batch.num_rows)
    arrays = [batch.column(name) for name in choice.labels]
    if not keep.all():
        arrays = [array.filter(arrow.flags(keep)) for array in arrays]
    tally.add(arrays, typed)


def _marks(masks: dict[str, Mask], codes: NDArray[np.int8], row: int) -> list[Marks]:
    found = []
    for reason, mask in masks.items():
        rows = np.flatnonzero(mask & (codes != OUT))
        if len(rows):
            found.append(Marks(rows + row, codes[rows], reason))
    return found
