"""The second pass: batches of rows of a scanned data set, as often as asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place, TaskaffError
from taskaff.core.records.data import SPLITS, InputFile, RowBatch, TaskInfo
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.names import SplitWord
from taskaff.stages.data.plain import plain_pieces
from taskaff.stages.data.row_check import RowCheck, any_of
from taskaff.stages.data.scan import FileScan, SplitAssigner
from taskaff.stages.data.spelling import spelled
from taskaff.stages.data.values import is_words, matrix, numbers, words


class FileTask:
    """A scanned data set; ``batches`` reads it again."""

    def __init__(
        self,
        info: TaskInfo,
        files: list[FileScan],
        row_check: RowCheck,
        labelling: Labelling,
        limit: int | None,
    ) -> None:
        self.info, self._choice, self._limit = info, row_check.choice, limit
        self._row_check, self._labelling = row_check, labelling
        self._scans = {scan.path: scan for scan in files}

    def batches(self, file: InputFile | None = None) -> Iterator[RowBatch]:
        """Rows of one file (all by default); raises ``DataError`` if the file has changed since."""
        try:
            for entry in (file,) if file is not None else self.info.files:
                yield from self._file(entry)
        except TaskaffError as error:
            raise error.for_task(self.info.name) from error.__cause__
        except OSError as error:
            raise DataError(
                error.strerror or str(error),
                task=self.info.name,
                where=Place(str(error.filename or self.info.name)),
                hint="the file was there when it was first read: run again",
            ) from error

    def _file(self, entry: InputFile) -> Iterator[RowBatch]:
        scan = self._scans[entry.path]
        if scan.file.blob is not None and scan.file.blob.stamp() != scan.stamp:
            raise _changed(entry.path)
        row_check = replace(self._row_check, width=self.info.vector_width)
        assigner = SplitAssigner(self._choice.split, self._limit, scan.taken_before)
        total = given = 0
        for batch in scan.reader.batches(self._choice.used):
            keep = self._keep(batch, row_check, assigner, entry, total + 1, scan.split)
            given += int(keep.sum())
            yield from self._row_batches(batch, keep, entry, total + 1)
            total += batch.num_rows
        if total != scan.total or given != entry.rows:
            raise _changed(entry.path)

    def _keep(
        self,
        batch: pa.RecordBatch,
        row_check: RowCheck,
        assigner: SplitAssigner,
        entry: InputFile,
        row: int,
        split: SplitWord,
    ) -> NDArray[np.bool_]:
        codes = assigner.admit(batch, split, entry.path, row)
        labels = row_check.labels(batch, self.info.schema.kind)
        late: dict[str, NDArray[np.bool_]] = {}
        if self.info.schema.kind != "none":
            late = self._labelling.unlabelled(self._arrays(batch), codes)
        inputs = row_check.inputs(batch, entry.path, row)
        keep: NDArray[np.bool_] = codes == SPLITS.index(entry.split)
        for masks in (inputs, labels.unlabelled, labels.bad, labels.nonfinite, late):
            keep &= ~any_of(masks, batch.num_rows)
        return keep

    def _arrays(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column(name) for name in self._choice.labels]

    def _row_batches(
        self, batch: pa.RecordBatch, keep: NDArray[np.bool_], entry: InputFile, row: int
    ) -> Iterator[RowBatch]:
        rows = np.flatnonzero(keep)
        if not len(rows):
            return
        if len(rows) < batch.num_rows:
            batch = batch.filter(arrow.flags(keep))
        at = 0
        for piece in plain_pieces(batch):
            text, vectors = self._inputs(piece)
            labels = self._labelling.encode(self._arrays(piece))
            first = row + int(rows[at])
            yield RowBatch(entry.path, entry.split, first, text, vectors, labels)
            at += piece.num_rows

    def _inputs(self, piece: pa.RecordBatch) -> tuple[tuple[Any, ...], Any]:
        columns = [piece.column(name) for name in self._choice.inputs]
        if self._choice.features:
            return (), np.column_stack([numbers(c) for c in columns]).astype(np.float32)
        if self._choice.layout == "vectors":
            return (), matrix(columns[0], self.info.vector_width).astype(np.float32)
        # Texts as they are written; numbers with one spelling a value.
        return tuple(words(c) if is_words(c.type) else spelled(c) for c in columns), None


def _changed(path: str) -> DataError:
    hint = "run again when it is complete"
    return DataError("the file changed while it was read", where=Place(path), hint=hint)
