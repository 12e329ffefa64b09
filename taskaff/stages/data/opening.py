"""``open_task``: locate, choose, scan, decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import PurePath
from typing import Any

from taskaff.core.errors import DataError, Place, TaskaffError, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.absent import missing_values
from taskaff.stages.data.classlabel import agreed
from taskaff.stages.data.columns import Choice, Chooser
from taskaff.stages.data.data_file import DataFile, Located
from taskaff.stages.data.formats import Format
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import UNSUPERVISED, task_name
from taskaff.stages.data.readers import open_reader
from taskaff.stages.data.row_check import RowCheck
from taskaff.stages.data.scan import (
    FileScan,
    Marks,
    SplitAssigner,
    TaskScan,
    rows_of,
    scan_file,
)
from taskaff.stages.data.sources import locate
from taskaff.stages.data.summary import info
from taskaff.stages.data.task import FileTask
from taskaff.stages.data.tokens import joined


def open_task(request: DataRequest, formats: Mapping[str, Format]) -> FileTask:
    """Scan and validate one data set; every error carries its name."""
    name = request.name or _provisional(request.source)
    try:
        if request.limit is not None and request.limit < 1:
            raise UsageError(f"limit {request.limit} leaves no rows", hint="--limit 1000")
        located = locate(request)
        name = request.name or located.name
        return _scanned(_begun(request, name, located, formats))
    except TaskaffError as error:
        raise error.for_task(name) from error.__cause__
    except OSError as error:
        where = Place(str(error.filename or request.source))
        hint = "check the path and its permissions"
        raise DataError(error.strerror or str(error), task=name, where=where, hint=hint) from error


def _provisional(source: Any) -> str:
    """Name for errors until the files are located."""
    return task_name(str(source), folder=False) if isinstance(source, str | PathLike) else "table"


def _begun(
    request: DataRequest, name: str, located: Located, formats: Mapping[str, Format]
) -> TaskScan:
    """A data set with its files opened and nothing read."""
    only = all(file.split == UNSUPERVISED for file in located.files)

    def begin(file: DataFile) -> FileScan:
        reader = joined(open_reader(file, request, formats), request, file.path)
        split = "train" if only or file.split is None else file.split
        return FileScan(file, split, reader, file.blob.stamp() if file.blob else None)

    return TaskScan(request, name, [begin(file) for file in located.files], list(located.notes))


def _scanned(task: TaskScan) -> FileTask:
    """First pass over the files, step by step."""
    request = task.request
    first = next((f for f in task.files if f.split != "test"), task.files[0])
    choice = Chooser(request, first.reader, first.path).choose()
    _leave_out_unlabelled(task, choice)
    for number, file in enumerate(task.files):
        file.number = number
        if file is not first:
            _require_same_columns(request, choice, first.path, file)
    ids = _label_ids(task, choice)
    nullable = any(file.reader.nullable for file in task.files)
    row_check = RowCheck(choice, nullable, missing_values(request.missing_label), ids)
    tally = LabelTally(choice.labels, request.label_kind, ids)
    assigner = SplitAssigner(choice.split, request.limit)
    for file in task.files:
        scan_file(file, row_check, assigner, tally, request.label_kind)
        _complain(request, file.bad, file.path)
    labelling = _decided(task, tally, choice)
    if choice.binary and labelling.schema.kind != "multilabel":
        raise DataError(
            "no column has a name that says label, and the other columns are not all 0/1",
            where=Place(first.path),
            hint=f"--label {choice.labels[0]} (or --label-kind none to compare inputs only)",
        )
    if labelling.schema.kind in ("regression", "multilabel"):
        for file in task.files:
            file.bad += file.nonfinite
            _complain(request, file.nonfinite, file.path)
    known = info(task, labelling, tally, row_check)
    return FileTask(known, task.files, row_check, labelling, request.limit)


def _leave_out_unlabelled(task: TaskScan, choice: Choice) -> None:
    """Take out files of the test split without a label column, such as ``test.tsv`` of GLUE.

    Their rows are counted. Columns without names are ``c0``, ``c1``, ..., and then any column of
    the other files that a file lacks says that its columns are other ones: ``test.tsv`` of CoLA has
    two of four.
    """
    if all(file.split == "test" for file in task.files):
        return
    for file in [file for file in task.files if file.split == "test"]:
        names = [column.name for column in file.reader.columns]
        numbered = names == [f"c{at}" for at in range(len(names))]
        needed = (*choice.labels, *choice.inputs) if numbered and choice.labels else choice.labels
        lost = [name for name in needed if name not in names]
        if lost:
            reason = f"no column {lost[0]!r} in {PurePath(file.path).name}"
            task.apart[reason] += sum(batch.num_rows for batch in file.reader.scan([]))
            task.files.remove(file)


def _complain(request: DataRequest, marks: list[Marks], path: str) -> None:
    if not marks or request.on_bad_row == "skip":
        return
    first = min(marks, key=lambda mark: int(mark.rows[0]))
    total = rows_of(marks)
    more = f" ({total} such rows in the file)" if total > 1 else ""
    raise DataError(
        first.reason + more,
        where=Place(path, row=int(first.rows[0])),
        hint="fix the row, or leave such rows out and have them counted: --on-bad-row skip",
    )


def _label_ids(task: TaskScan, choice: Choice) -> tuple[str, ...]:
    """Names of the ids of the label column; amounts have none."""
    if len(choice.labels) != 1 or task.request.label_kind in ("regression", "none"):
        return ()
    [label] = choice.labels
    columns = [(file.path, column) for file in task.files for column in file.reader.columns]
    return agreed([(path, c.names) for path, c in columns if c.name == label and c.names])


def _decided(task: TaskScan, tally: LabelTally, choice: Choice) -> Labelling:
    """The labelling; without labels where no row has one."""
    labelling = tally.decide()
    if choice.labels and labelling.schema.kind == "none":
        if task.request.label_kind is None:
            task.notes.append("no row has a label: only the inputs are compared")
        for file in task.files:
            file.unlabelled.clear()
        return labelling
    for (number, code), counts in tally.lost_rows(labelling).items():
        task.files[number].unlabelled.setdefault(code, Counter()).update(counts)
    return labelling


def _require_same_columns(request: DataRequest, choice: Choice, first: str, file: FileScan) -> None:
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
