"""Summary of a scanned data set for the results: rows, labels, files and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import SPLITS, InputFile, Reject, TaskInfo
from taskaff.stages.data.columns import Choice
from taskaff.stages.data.label_sanity import sanity_note, unlabelled_note
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import UNSUPERVISED
from taskaff.stages.data.row_check import RowCheck
from taskaff.stages.data.scan import SHOWN, FileScan, TaskScan, rows_of


def info(task: TaskScan, labelling: Labelling, tally: LabelTally, row_check: RowCheck) -> TaskInfo:
    """What was understood of a data set, once all of its files are scanned."""
    choice = row_check.choice
    inputs = [entry for file in task.files for entry in _inputs(file, choice)]
    rows = {s: sum(e.rows for e in inputs if e.split == s) for s in SPLITS}
    if not sum(rows.values()):
        skipped = sum(entry.rejected + entry.unlabelled for entry in inputs)
        raise DataError(
            f"all {skipped} rows were skipped" if skipped else "there is a header and no row",
            where=Place(task.files[0].path),
            hint="check the file; taskaff inspect shows its columns",
        )
    first = task.files[0].reader
    width = len(choice.inputs) if choice.features else row_check.width
    return TaskInfo(
        name=task.name,
        files=tuple(e for e in inputs if e.rows or e.rejected or e.unlabelled),
        layout=choice.layout,
        text_columns=choice.inputs,
        schema=labelling.schema,
        rows={split: count for split, count in rows.items() if count},
        label_counts=tally.counts(labelling),
        vector_width=width if choice.layout == "vectors" else None,
        dialect=dict(first.dialect),
        rejects=_rejects(task),
        unlabelled=_unlabelled(task),
        label_ids=row_check.ids,
        columns=tuple(column.name for column in first.columns),
        split_column=choice.split,
        notes=(*task.notes, *choice.notes, *_remarks(task, labelling, tally)),
    )


def _inputs(scan: FileScan, choice: Choice) -> Iterator[InputFile]:
    """A file by the splits that it has rows of."""
    file = scan.file
    if file.table is not None:
        digest, size = file.table.sha256(choice.used), file.table.nbytes
    else:
        assert file.blob is not None
        digest, size = file.blob.sha256(), file.blob.size
    for code, split in enumerate(SPLITS):
        if scan.admitted[code]:
            rejected = rows_of(scan.bad, code)
            lost = scan.unlabelled.get(code, Counter()).total()
            rows = scan.admitted[code] - rejected - lost
            yield InputFile(file.path, file.format, split, rows, size, digest, rejected, lost)


def _unlabelled(task: TaskScan) -> dict[str, dict[str, int]]:
    """Rows without a label, by split and reason."""
    counts: dict[str, dict[str, int]] = {}
    for code, split in enumerate(SPLITS):
        total: Counter[str] = Counter()
        for file in task.files:
            total.update(file.unlabelled.get(code, Counter()))
        if total:
            counts[split] = dict(sorted(total.items()))
    if task.apart:
        counts.setdefault("test", {}).update(task.apart)
    if apart := sum(file.apart for file in task.files):
        counts[UNSUPERVISED] = {"that split has none": apart}
    return counts


def _rejects(task: TaskScan) -> tuple[Reject, ...]:
    out = []
    for file in task.files:
        reasons: dict[int, str] = {}
        for mark in file.bad:
            for row in mark.rows[:SHOWN]:
                reasons.setdefault(int(row), mark.reason)
        out += [Reject(file.path, row, reasons[row]) for row in sorted(reasons)]
    return tuple(out[:SHOWN])


def _remarks(task: TaskScan, labelling: Labelling, tally: LabelTally) -> list[str]:
    notes = unlabelled_note(_unlabelled(task))
    notes += sanity_note(tally, labelling, [file.path for file in task.files])
    unnamed = [scan.path for scan in task.files if scan.file.split is None]
    if unnamed and len(unnamed) < len(task.files):
        notes.append(f"{len(unnamed)} files name no split and count as train: {unnamed[0]}")
    if task.request.limit is not None:
        notes.append(f"only the first {task.request.limit} rows of each split are used")
    empty = [file.path for file in task.files if not file.total]
    if empty:
        notes.append(f"{len(empty)} files have no rows: {empty[0]}")
    return notes
