"""``open_task``: locate, choose, scan, decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from taskaff.data.absent import absent
from taskaff.data.classlabel import agreed
from taskaff.data.columns import Choice, Chooser
from taskaff.data.found import Found
from taskaff.data.labelling import Labelling
from taskaff.data.labels import LabelTally
from taskaff.data.names import UNSUPERVISED, task_name
from taskaff.data.readers import open_reader, options_of
from taskaff.data.sanity import sanity_note, unlabelled_note
from taskaff.data.scan import SHOWN, FileScan, Gate, Judge, Marks, scan_file
from taskaff.data.sources import locate
from taskaff.data.task import FileTask
from taskaff.data.tokens import joined
from taskaff.data.unlabelled import unlabelled
from taskaff.errors import DataError, Place, TaskaffError, UsageError
from taskaff.records import (
    SPLITS,
    DataRequest,
    InputFile,
    Reject,
    TaskInfo,
)


def open_task(request: DataRequest, formats: Mapping[str, str]) -> FileTask:
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
    """A name for errors before the files are found."""
    if isinstance(source, str | PathLike):
        return task_name(str(source), folder=False)
    return "table"


class _Opening:
    """The first pass, step by step."""

    def __init__(
        self,
        request: DataRequest,
        name: str,
        found: list[Found],
        notes: list[str],
        formats: Mapping[str, str],
    ) -> None:
        self._request, self._name, self._notes = request, name, notes
        self._found = found
        options = options_of(request)
        readers = [joined(open_reader(f, options, formats), request, f.path) for f in found]
        only = all(f.split == UNSUPERVISED for f in found)
        self._files = [
            FileScan(f.path, "train" if only or f.split is None else f.split, reader)
            for f, reader in zip(found, readers, strict=True)
        ]
        self._blob_stamps = [f.blob.stamp() if f.blob else None for f in found]

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
        judge = Judge(choice, any(f.reader.nullable for f in self._files), missing, ids)
        tally = LabelTally(choice.labels, self._request.label_kind, ids)
        gate = Gate(choice.split, self._request.limit)
        for file in self._files:
            scan_file(file, judge, gate, tally, self._request.label_kind)
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
                file.bad += file.endless
                self._complain(file.endless, file.path)
        info = self._info(labelling, tally, judge)
        stamps = {f.path: s for f, s in zip(self._found, self._blob_stamps, strict=True)}
        return FileTask(
            info, self._files, self._found, judge, labelling, stamps, self._request.limit
        )

    def _leave_out(self, lost: list[tuple[FileScan, str]]) -> None:
        """Take out the files of the test split that have no labels, and say so."""
        for file, note in lost:
            at = self._files.index(file)
            for kept in (self._files, self._found, self._blob_stamps):
                del kept[at]
            self._notes.append(note)

    def _complain(self, marks: list[Marks], path: str) -> None:
        if not marks or self._request.on_bad_row == "skip":
            return
        first = min(marks, key=lambda mark: int(mark.rows[0]))
        total = len(np.unique(np.concatenate([mark.rows for mark in marks])))
        more = f" ({total} such rows in the file)" if total > 1 else ""
        raise DataError(
            first.reason + more,
            where=Place(path, row=int(first.rows[0])),
            hint="mend the row, or leave such rows out and have them counted: --on-bad-row skip",
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
        labelled = bool(tally.shapes)
        labelling = tally.decide() if labelled or not choice.labels else tally.without_labels()
        if choice.labels and labelling.schema.kind == "none":
            if self._request.label_kind is None:
                self._notes.append("no row has a label: only the inputs are compared")
            for file in self._files:
                file.unlabelled.clear()
            return labelling
        for (number, code), counts in tally.lost_rows(labelling).items():
            self._files[number].unlabelled.setdefault(code, Counter()).update(counts)
        return labelling

    def _info(self, labelling: Labelling, tally: LabelTally, judge: Judge) -> TaskInfo:
        choice, schema = judge.choice, labelling.schema
        inputs = [entry for i in range(len(self._files)) for entry in self._inputs(i, choice)]
        rows = {s: sum(e.rows for e in inputs if e.split == s) for s in SPLITS}
        if not sum(rows.values()):
            skipped = sum(entry.rejected + entry.unlabelled for entry in inputs)
            raise DataError(
                f"all {skipped} rows were skipped" if skipped else "there is a header and no row",
                where=Place(self._files[0].path),
                hint="look at the file; taskaff inspect shows its columns",
            )
        first = self._files[0].reader
        width = len(choice.inputs) if choice.features else judge.width
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
            label_ids=judge.ids,
            columns=tuple(column.name for column in first.columns),
            split_column=choice.split,
            notes=tuple(self._notes + list(choice.notes) + self._remarks(labelling, tally)),
        )

    def _inputs(self, index: int, choice: Choice) -> Iterator[InputFile]:
        file, found = self._files[index], self._found[index]
        digest, size = _identity(found, choice)
        for code, split in enumerate(SPLITS):
            rejected = _rows_of(file.bad, code)
            if file.admitted[code]:
                lost = file.unlabelled.get(code, Counter()).total()
                rows = file.admitted[code] - rejected - lost
                yield InputFile(file.path, found.format, split, rows, size, digest, rejected, lost)

    def _unlabelled(self) -> dict[str, dict[str, int]]:
        """Rows without a label, by split and reason."""
        found: dict[str, dict[str, int]] = {}
        for code, split in enumerate(SPLITS):
            total: Counter[str] = Counter()
            for file in self._files:
                total.update(file.unlabelled.get(code, Counter()))
            if total:
                found[split] = dict(sorted(total.items()))
        if apart := sum(file.apart for file in self._files):
            found[UNSUPERVISED] = {"that split has none": apart}
        return found

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
        unnamed = [f.path for f in self._found if f.split is None]
        named = [f for f in self._found if f.split is not None]
        if unnamed and named:
            notes.append(f"{len(unnamed)} files name no split and count as train: {unnamed[0]}")
        if self._request.limit is not None:
            notes.append(f"only the first {self._request.limit} rows of each split are used")
        empty = [file.path for file in self._files if not file.total]
        if empty:
            notes.append(f"{len(empty)} files have no rows: {empty[0]}")
        return notes


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


def _identity(found: Found, choice: Choice) -> tuple[str, int]:
    if found.table is not None:
        return found.table.sha256(choice.used), found.table.nbytes
    assert found.blob is not None
    return found.blob.sha256(), found.blob.size


def _rows_of(marks: list[Marks], code: int) -> int:
    rows = [mark.rows[mark.codes == code] for mark in marks]
    return len(np.unique(np.concatenate(rows))) if rows else 0
