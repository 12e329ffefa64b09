"""From a data set to its signature: data -> embed -> moments, file by file, through the cache.

A *source* is anything that ``DataRequest.source`` may be, or a stored signature (``*.taskaff``),
which needs no rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.records.data import DataRequest, InputFile, RowBatch, Task, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, EncoderCard, TaskVectors
from taskaff.core.records.signature import TaskSignature
from taskaff.core.store import digest_key
from taskaff.pipeline.row_pass import BatchRows, GiveawayReader, read_rows
from taskaff.pipeline.session import Session
from taskaff.stages import data, embed
from taskaff.stages.signature import (
    FORMAT_VERSION,
    Accumulator,
    load,
    merge,
    pad,
    save,
)

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32
    from taskaff.stages.signature import RowContent

Named = TypeVar("Named", TaskSignature, TaskVectors)

SIGNATURE_SUFFIX = ".taskaff"


def is_signature(source: object) -> bool:
    """Whether a source is a stored signature, or one in memory."""
    path = isinstance(source, (str, Path)) and Path(source).suffix == SIGNATURE_SUFFIX
    return path or isinstance(source, TaskSignature)


def signature_of(session: Session, request: DataRequest) -> TaskSignature:
    """The signature of a source: one pass over the rows that the cache does not know."""
    if is_signature(request.source):
        return _stored_signature(request)
    task = data.open_task(request)
    try:
        said = GiveawayReader(session, task, request)
        reader = SignatureReader(session, task, request)
        read_rows(session, task, [reader, said])
        whole = reader.signature()
        return replace(whole, notes=(*whole.notes, *said.notes()))
    except TaskaffError as error:
        raise error.for_task(task.info.name) from error.__cause__


class SignatureReader:
    """Sums the rows of a task file by file; files that the cache knows are not read.

    Files are merged as they come, so that a thousand shards need the room of two.
    """

    def __init__(self, session: Session, task: Task, request: DataRequest) -> None:
        self._info, self._card = task.info, session.card(task.info)
        self._split = session.settings.split
        self._store = session.store if request.limit is None else None
        self._request = request
        self._file: InputFile
        self._sums: Accumulator
        self._whole: TaskSignature | None = None

    def begin(self, file: InputFile) -> bool:
        """Whether the cache lacks the partial signature of the file.

        Raises
        ------
        UsageError : the data set has no rows in the split.
        """
        _require_rows(self._info, self._split)
        found = self._store.get("signature", self._key(file)) if self._store else None
        if found is not None:
            self._merge(load(found))
            return False
        info, width = self._info, embed.row_width(self._card, self._info.layout)
        self._file = file
        self._sums = Accumulator(
            info.name, self._card, info.layout, info.schema, self._split, width
        )
        return True

    def make(self, rows: BatchRows) -> tuple[Floats32 | None, EncodeCounts, RowContent]:
        """Vectors of the rows of the split; of other splits, the content alone."""
        content = rows.content
        if self._split not in ("all", rows.batch.split):
            return None, EncodeCounts(), content
        return *rows.embedded, content

    def add(self, batch: RowBatch, made: tuple[Floats32 | None, EncodeCounts, RowContent]) -> None:
        """Add them to the sums and sketches of the file."""
        X, counts, content = made
        self._sums.add(batch.split, X, batch.labels, content.hashes, counts, content.near)

    def end(self) -> None:
        """Keep the partial signature of the file."""
        part = self._sums.finish((self._file,))
        if self._store is not None:
            self._store.put("signature", self._key(self._file), lambda path: save(part, path))
        self._merge(part)

    def signature(self) -> TaskSignature:
        """That of all files, with the notes of the data set, after the pass."""
        assert self._whole is not None
        info = self._info
        return replace(self._whole, name=info.name, inputs=info.files, notes=info.notes)

    def _merge(self, part: TaskSignature) -> None:
        whole = self._whole
        self._whole = part if whole is None else merge([whole, part], allow_repeats=True)

    def _key(self, file: InputFile) -> str:
        return _part_key(self._request, self._info, file, self._card, self._split)


class OptionalSignature:
    """A ``SignatureReader`` beside others: what it refuses ends nothing but the signature."""

    def __init__(self, session: Session, task: Task, request: DataRequest) -> None:
        self._reader = SignatureReader(session, task, request)
        self._name = task.info.name
        self._error: TaskaffError | None = None

    def begin(self, file: InputFile) -> bool:
        """Not after a refusal."""
        try:
            return self._error is None and self._reader.begin(file)
        except TaskaffError as error:
            self._error = error
            return False

    def make(self, rows: BatchRows) -> Any:
        """What the signature needs, or why there is none."""
        try:
            return self._reader.make(rows)
        except TaskaffError as error:
            return error

    def add(self, batch: RowBatch, made: Any) -> None:
        """Add it, up to the first refusal."""
        if isinstance(made, TaskaffError):
            self._error = self._error or made
        if self._error is None:
            self._tried(lambda: self._reader.add(batch, made))

    def end(self) -> None:
        """Keep the file's part."""
        if self._error is None:
            self._tried(self._reader.end)

    def result(self) -> TaskSignature | TaskaffError:
        """The signature, or why there is none."""
        return self._error.for_task(self._name) if self._error else self._reader.signature()

    def _tried(self, step: Callable[[], None]) -> None:
        try:
            step()
        except TaskaffError as error:
            self._error = error


def _require_rows(info: TaskInfo, split: str) -> None:
    if split == "all" or info.rows.get(split):
        return
    have = [name for name, rows in info.rows.items() if rows]
    raise UsageError(
        f"no rows in split {split!r}; there are: {', '.join(have)}",
        task=info.name,
        hint=f"use --split {have[0] if have else 'all'}",
    )


def _stored_signature(request: DataRequest) -> TaskSignature:
    source = request.source
    signature = source if isinstance(source, TaskSignature) else load(Path(source))
    return replace(signature, name=request.name) if request.name else signature


def _part_key(
    request: DataRequest, info: TaskInfo, file: InputFile, card: EncoderCard, split: str
) -> str:
    """Everything that changes a partial signature; the file's name and place do not."""
    return digest_key(
        version=FORMAT_VERSION,
        near=1,  # parts of earlier releases do not know near copies
        content=file.sha256,
        format=file.format,
        file_split=file.split,
        split=split,
        encoder=card.fingerprint,
        layout=info.layout,
        text=list(info.text_columns),
        schema=[info.schema.kind, list(info.schema.names), list(info.schema.columns)],
        dialect=dict(info.dialect),
        split_column=request.split_column,
        rejected=file.rejected,
        unlabelled=file.unlabelled,
        missing_label=list(request.missing_label),
        label_ids=list(info.label_ids),
    )


def same_width(signatures: Sequence[TaskSignature]) -> list[TaskSignature]:
    """Zero-pad single texts when a task of text pairs is in the comparison (W, section 2.1)."""
    layouts = {signature.layout for signature in signatures}
    if layouts != {"single", "pair"}:
        return list(signatures)
    width = max(signature.width for signature in signatures)
    return [pad(signature, width) for signature in signatures]


def distinct_names(tasks: Sequence[Named]) -> list[Named]:
    """Number the repeats of a name: ``mr``, ``mr-2``; names are how results refer to tasks."""
    seen: Counter[str] = Counter()
    taken = {task.name for task in tasks}
    out = []
    for task in tasks:
        seen[task.name] += 1
        name, count = task.name, seen[task.name]
        while count > 1 and name in taken:
            name, count = f"{task.name}-{count}", count + 1
        taken.add(name)
        out.append(task if name == task.name else replace(task, name=name))
    return out
