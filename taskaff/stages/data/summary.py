"""Summary of a scanned data set for the results: rows, labels, files and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import SPLITS, DataRequest, InputFile, Reject, TaskInfo
from taskaff.stages.data.columns import Choice
from taskaff.stages.data.data_file import DataFile
from taskaff.stages.data.label_sanity import sanity_note, unlabelled_note
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import UNSUPERVISED
from taskaff.stages.data.scan import SHOWN, FileScan, Marks, RowCheck


class Summary:
    """The counts of all files of a data set, put together."""

    def __init__(
        self,
        request: DataRequest,
        name: str,
        files: Sequence[FileScan],
        data_files: Sequence[DataFile],
        notes: Sequence[str],
        apart: Mapping[str, int],
    ) -> None:
        self._request, self._name, self._notes = request, name, notes
        self._files, self._data_files, self._apart = files, data_files, apart

    def info(self, labelling: Labelling, tally: LabelTally, row_check: RowCheck) -> TaskInfo:
        """Assemble the ``TaskInfo`` of the data set."""
        choice, schema = row_check.choice, labelling.schema
        inputs = [entry for i in range(len(self._files)) for entry in self._inputs(i, choice)]
        rows = {s: sum(e.rows for e in inputs if e.split == s) for s in SPLITS}
        if not sum(rows.values()):
            skipped = sum(entry.rejected + entry.unlabelled for entry in inputs)
            raise DataError(
                f"all {skipped} rows were skipped" if skipped else "there is a header and no row",
                where=Place(self._files[0].path),
                hint="check the file; taskaff inspect shows its columns",
            )
        first = self._files[0].reader
        width = len(choice.inputs) if choice.features else row_check.width
        return TaskInfo(
            name=self._name,
            files=tuple(e for e in inputs if e.rows or e.rejected or e.unlabelled),
            layout=choice.layout,
            text_columns=choice.inputs,
            schema=schema,
            rows={split: count for split, count in rows.items() if count},
            label_counts=tally.counts(labelling),
            vector_width=width if choice.layout == "vectors" else None,
            dialect=dict(first.dialect),
            rejects=self._rejects(),
            unlabelled=self._unlabelled(),
            label_ids=row_check.ids,
            columns=tuple(column.name for column in first.columns),
            split_column=choice.split,
            notes=(*self._notes, *choice.notes, *self._remarks(labelling, tally)),
        )

    def _inputs(self, index: int, choice: Choice) -> Iterator[InputFile]:
        file, data_file = self._files[index], self._data_files[index]
        digest, size = _identity(data_file, choice)
        for code, split in enumerate(SPLITS):
            rejected = _rows_of(file.bad, code)
            if file.admitted[code]:
                lost = file.unlabelled.get(code, Counter()).total()
                rows = file.admitted[code] - rejected - lost
                yield InputFile(
                    file.path, data_file.format, split, rows, size, digest, rejected, lost
                )

    def _unlabelled(self) -> dict[str, dict[str, int]]:
        """Rows without a label, by split and reason."""
        counts: dict[str, dict[str, int]] = {}
        for code, split in enumerate(SPLITS):
            total: Counter[str] = Counter()
            for file in self._files:
                total.update(file.unlabelled.get(code, Counter()))
            if total:
                counts[split] = dict(sorted(total.items()))
        if self._apart:
            counts.setdefault("test", {}).update(self._apart)
        if apart := sum(file.apart for file in self._files):
            counts[UNSUPERVISED] = {"that split has none": apart}
        return counts

    def _rejects(self) -> tuple[Reject, ...]:
        out = []
        for file in self._files:
            reasons: dict[int, str] = {}
            for mark in file.bad:
                for row in mark.rows[:SHOWN]:
                    reasons.setdefault(int(row), mark.reason)
            out += [Reject(file.path, row, reasons[row]) for row in sorted(reasons)]
        return tuple(out[:SHOWN])

    def _remarks(self, labelling: Labelling, tally: LabelTally) -> list[str]:
        notes = unlabelled_note(self._unlabelled())
        notes += sanity_note(tally, labelling, [file.path for file in self._files])
        unnamed = [f.path for f in self._data_files if f.split is None]
        named = [f for f in self._data_files if f.split is not None]
        if unnamed and named:
            notes.append(f"{len(unnamed)} files name no split and count as train: {unnamed[0]}")
        if self._request.limit is not None:
            notes.append(f"only the first {self._request.limit} rows of each split are used")
        empty = [file.path for file in self._files if not file.total]
        if empty:
            notes.append(f"{len(empty)} files have no rows: {empty[0]}")
        return notes


def _identity(file: DataFile, choice: Choice) -> tuple[str, int]:
    if file.table is not None:
        return file.table.sha256(choice.used), file.table.nbytes
    assert file.blob is not None
    return file.blob.sha256(), file.blob.size


def _rows_of(marks: list[Marks], code: int) -> int:
    rows = [mark.rows[mark.codes == code] for mark in marks]
    return len(np.unique(np.concatenate(rows))) if rows else 0
