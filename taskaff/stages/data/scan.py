"""The first pass over a task: every file read and checked, splits and bad rows counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import SPLITS, DataRequest, LabelKind
from taskaff.stages.data.data_file import DataFile
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import UNSUPERVISED, SplitWord, split_word
from taskaff.stages.data.reader import Reader
from taskaff.stages.data.row_check import RowCheck, any_of
from taskaff.stages.data.values import Mask, words

OUT = -1
"""Split code of a row past the limit."""
APART = -2
"""Split code of a row of the split ``unsupervised``, which has no labels and joins no other."""
SHOWN = 20
"""Skipped rows that are named; the others are counted."""


class SplitAssigner:
    """Assigns each row its split, and stops each split at the limit.

    The first ``limit`` rows of a split are in, in the order of the files, skipped rows included.
    """

    def __init__(
        self, column: str | None, limit: int | None, taken: Sequence[int] = (0, 0, 0)
    ) -> None:
        self._column, self._limit = column, limit
        self.taken = list(taken)
        self.trained = np.zeros(0, dtype=np.bool_)
        """Rows of train in the last batch, past the limit or not."""

    def admit(
        self, batch: pa.RecordBatch, split: SplitWord, path: str, row: int
    ) -> NDArray[np.int8]:
        """Split codes (``OUT`` past the limit) of rows that begin at ``row``."""
        if self._column is None:
            codes = np.full(batch.num_rows, _CODES[split], dtype=np.int8)
        else:
            codes = _split_codes(batch.column(self._column), self._column, path, row)
        self.trained = codes == _CODES["train"]
        for code in range(len(SPLITS)):
            rows = np.flatnonzero(codes == code)
            if self._limit is not None and self.taken[code] + len(rows) > self._limit:
                codes[rows[max(0, self._limit - self.taken[code]) :]] = OUT
            self.taken[code] += len(rows)
        return codes


_CODES: dict[str, int] = {split: code for code, split in enumerate(SPLITS)} | {UNSUPERVISED: APART}


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
    table = np.array([_CODES[split] for split in splits if split], dtype=np.int8)
    return table[arrow.array(coded.indices)] if len(table) else np.zeros(0, np.int8)


@dataclass(slots=True)
class FileScan:
    """What the first pass found in one file."""

    file: DataFile
    split: SplitWord
    reader: Reader
    stamp: object
    """Changes when the file does; None of a table."""
    number: int = 0
    """Place among the files of the task."""
    total: int = 0
    """All rows, usable or not."""
    taken_before: tuple[int, ...] = (0, 0, 0)
    admitted: list[int] = field(default_factory=lambda: [0, 0, 0])
    apart: int = 0
    """Rows of the split ``unsupervised``."""
    unlabelled: dict[int, Counter[str]] = field(default_factory=dict)
    """Rows without a label by the code of their split, and why."""
    bad: list[Marks] = field(default_factory=list)
    """Rows that cannot be used."""
    nonfinite: list[Marks] = field(default_factory=list)
    """Rows that cannot be used if the task turns out to be a regression."""

    @property
    def path(self) -> str:
        """Path of the file, or what stands for it in messages."""
        return self.file.path


@dataclass(slots=True)
class TaskScan:
    """A data set while it is scanned."""

    request: DataRequest
    name: str
    files: list[FileScan]
    notes: list[str]
    apart: Counter[str] = field(default_factory=Counter)
    """Rows of test files without a label column, by reason."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows (1-based) of a file, their split codes, and what is wrong with them."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int8]
    reason: str


def rows_of(marks: Sequence[Marks], code: int | None = None) -> int:
    """Number of marked rows, of one split or of all."""
    rows = [mark.rows if code is None else mark.rows[mark.codes == code] for mark in marks]
    return len(np.unique(np.concatenate(rows))) if rows else 0


def scan_file(
    file: FileScan,
    row_check: RowCheck,
    assigner: SplitAssigner,
    tally: LabelTally,
    kind: LabelKind | None,
) -> None:
    """Read one file to its end; fills ``file`` and ``tally``."""
    file.taken_before = tuple(assigner.taken)
    choice = row_check.choice
    skipped = () if file.reader.nullable or choice.features else choice.inputs
    for batch in file.reader.scan([name for name in choice.used if name not in skipped]):
        row = file.total + 1
        codes = assigner.admit(batch, file.split, file.path, row)
        file.total += batch.num_rows
        file.apart += int((codes == APART).sum())
        for code in range(len(SPLITS)):
            file.admitted[code] += int((codes == code).sum())
        labels = row_check.labels(batch, kind)
        bad = row_check.inputs(batch, file.path, row) | labels.bad
        file.bad += _marks(bad, codes, row)
        file.nonfinite += _marks(labels.nonfinite, codes, row)
        if choice.labels and kind != "none":
            keep = (codes >= 0) & ~any_of(bad, batch.num_rows)
            _count_unlabelled(file, labels.unlabelled, codes, keep)
            lost = any_of(labels.unlabelled, batch.num_rows)
            _tally(file, tally, batch.select(choice.labels), codes, keep & ~lost)
            past = assigner.trained & (codes == OUT) & ~lost
            if past.any():
                arrays = [batch.column(name).filter(arrow.flags(past)) for name in choice.labels]
                tally.add_trained(arrays)


def _count_unlabelled(
    file: FileScan, masks: dict[str, Mask], codes: NDArray[np.int8], keep: Mask
) -> None:
    """Count each row once, under the first reason that fits."""
    left = keep.copy()
    for reason, mask in masks.items():
        hit = mask & left
        left &= ~mask
        for code in np.unique(codes[hit]):
            counts = file.unlabelled.setdefault(int(code), Counter())
            counts[reason] += int((codes[hit] == code).sum())


def _tally(
    file: FileScan, tally: LabelTally, batch: pa.RecordBatch, codes: NDArray[np.int8], keep: Mask
) -> None:
    arrays = list(batch.columns)
    if not keep.all():
        arrays = [array.filter(arrow.flags(keep)) for array in arrays]
    tally.add(arrays, file.number, codes[keep])


def _marks(masks: dict[str, Mask], codes: NDArray[np.int8], row: int) -> list[Marks]:
    marks = []
    for reason, mask in masks.items():
        rows = np.flatnonzero(mask & (codes >= 0))
        if len(rows):
            marks.append(Marks(rows + row, codes[rows], reason))
    return marks
