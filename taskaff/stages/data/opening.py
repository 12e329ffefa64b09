"""``open_task``: locate, choose, scan, decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from taskaff.core.errors import DataError, Place, TaskaffError, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.absent import absent
from taskaff.stages.data.classlabel import agreed
from taskaff.stages.data.columns import Choice, Chooser
from taskaff.stages.data.data_file import DataFile
from taskaff.stages.data.formats import Format
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import UNSUPERVISED, task_name
from taskaff.stages.data.readers import open_reader, options_of
from taskaff.stages.data.scan import FileScan, Marks, RowCheck, SplitAssigner, scan_file
from taskaff.stages.data.sources import locate
from taskaff.stages.data.summary import Summary
from taskaff.stages.data.task import FileTask
from taskaff.stages.data.tokens import joined
from taskaff.stages.data.unlabelled import Lost, unlabelled


def open_task(request: DataRequest, formats: Mapping[str, Format]) -> FileTask:
    """Scan and validate one data set; every error carries its name."""
    name = request.name or _provisional(request.source)
    try:
        if request.limit is not None and request.limit < 1:
            raise UsageError(f"limit {request.limit} leaves no rows", hint="--limit 1000")
        located = locate(request)
        name = request.name or located.name
        return _Opening(request, name, located.files, list(located.notes), formats).task()
    except TaskaffError as error:
        raise error.for_task(name) from error.__cause__
    except OSError as error:
        where = Place(str(error.filename or request.source))
        raise DataError(
            error.strerror or str(error),
            task=name,
            where=where,
            hint="check the path and its permissions",
        ) from error


def _provisional(source: Any) -> str:
    """Name for errors until the files are located."""
    if isinstance(source, str | PathLike):
        return task_name(str(source), folder=False)
    return "table"


class _Opening:
    """First pass over the files of one task; ``task`` runs its steps in order."""

    def __init__(
        self,
        request: DataRequest,
        name: str,
        data_files: list[DataFile],
        notes: list[str],
        formats: Mapping[str, Format],
    ) -> None:
        self._request, self._name, self._notes = request, name, notes
        self._apart: Counter[str] = Counter()
        """Rows of test files without a label column, by reason."""
        self._data_files = data_files
        options = options_of(request)
        readers = [joined(open_reader(f, options, formats), request, f.path) for f in data_files]
        only = all(f.split == UNSUPERVISED for f in data_files)
        self._files = [
            FileScan(f.path, "train" if only or f.split is None else f.split, reader)
            for f, reader in zip(data_files, readers, strict=True)
        ]
        self._blob_stamps = [f.blob.stamp() if f.blob else None for f in data_files]

    def task(self) -> FileTask:
        first = next((f for f in self._files if f.split != "test"), self._files[0])
        choice = Chooser(self._request, first.reader, first.path).choose()
        self._leave_out(unlabelled(self._files, choice))
        for number, file in enumerate(self._files):
            file.number = number
            if file is not first:
                _same_columns(self._request, choice, first.path, file)
        ids = self._ids(choice)
        missing = absent(self._request.missing_label)
        row_check = RowCheck(choice, any(f.reader.nullable for f in self._files), missing, ids)
        tally = LabelTally(choice.labels, self._request.label_kind, ids)
        assigner = SplitAssigner(choice.split, self._request.limit)
        for file in self._files:
            scan_file(file, row_check, assigner, tally, self._request.label_kind)
            self._complain(file.bad, file.path)
        labelling = self._decided(tally, choice)
        schema = labelling.schema
        if choice.binary and schema.kind != "multilabel":
            raise DataError(
                "no column has a name that says label, and the other columns are not all 0/1",
                where=Place(first.path),
                hint=f"--label {choice.labels[0]} (or --label-kind none to compare inputs only)",
            )
        if schema.kind in ("regression", "multilabel"):
            for file in self._files:
                file.bad += file.nonfinite
                self._complain(file.nonfinite, file.path)
        summary = Summary(
            self._request, self._name, self._files, self._data_files, self._notes, self._apart
        )
        info = summary.info(labelling, tally, row_check)
        stamps = {f.path: s for f, s in zip(self._data_files, self._blob_stamps, strict=True)}
        return FileTask(
            info, self._files, self._data_files, row_check, labelling, stamps, self._request.limit
        )

    def _leave_out(self, lost: list[Lost]) -> None:
        """Take out the files of the test split that have no labels, and count their rows."""
        for file, reason, rows in lost:
            at = self._files.index(file)
            for files in (self._files, self._data_files, self._blob_stamps):
                del files[at]
            self._apart[reason] += rows

    def _complain(self, marks: list[Marks], path: str) -> None:
        if not marks or self._request.on_bad_row == "skip":
            return
        first = min(marks, key=lambda mark: int(mark.rows[0]))
        total = len(np.unique(np.concatenate([mark.rows for mark in marks])))
        more = f" ({total} such rows in the file)" if total > 1 else ""
        raise DataError(
            first.reason + more,
            where=Place(path, row=int(first.rows[0])),
            hint="fix the row, or leave such rows out and have them counted: --on-bad-row skip",
        )

    def _ids(self, choice: Choice) -> tuple[str, ...]:
        """Names of the ids of the label column; amounts have none."""
        if len(choice.labels) != 1 or self._request.label_kind in ("regression", "none"):
            return ()
        [label] = choice.labels
        named = [
            (file.path, column.names)
            for file in self._files
            for column in file.reader.columns
            if column.name == label and column.names
        ]
        return agreed(named)

    def _decided(self, tally: LabelTally, choice: Choice) -> Labelling:
        """The labelling; without labels where no row has one."""
        labelling = tally.decide()
        if choice.labels and labelling.schema.kind == "none":
            if self._request.label_kind is None:
                self._notes.append("no row has a label: only the inputs are compared")
            for file in self._files:
                file.unlabelled.clear()
            return labelling
        for (number, code), counts in tally.lost_rows(labelling).items():
            self._files[number].unlabelled.setdefault(code, Counter()).update(counts)
        return labelling


def _same_columns(request: DataRequest, choice: Choice, first: str, file: FileScan) -> None:
    """Every file of a data set must be understood like the first one."""
    other = Chooser(request, file.reader, file.path).choose()
    for what, mine, theirs in (
        ("input", choice.inputs, other.inputs),
        ("label", choice.labels, other.labels),
        ("split", (choice.split,), (other.split,)),
    ):
        if set(mine) != set(theirs):
            raise DataError(
                f"the {what} columns are {_shown(theirs)}, and in {first} {_shown(mine)}",
                where=Place(file.path),
                hint="give the files the same columns, or name the ones to use: 'DIR/train*.csv'",
            )


def _shown(names: tuple[str | None, ...]) -> str:
    return ", ".join(str(name) for name in names[:6] if name) or "none"
