"""From a data set to its signature: data -> embed -> moments, file by file, through the cache.

A *source* is anything that ``DataRequest.source`` may be, or a stored signature (``*.taskaff``),
which needs no rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.parallel import ordered_map
from taskaff.core.records.data import DataRequest, InputFile, RowBatch, Task, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, EncoderCard, TaskVectors
from taskaff.core.records.signature import TaskSignature
from taskaff.core.store import digest_key
from taskaff.pipeline.session import Session
from taskaff.stages import data, embed
from taskaff.stages.signature import (
    FORMAT_VERSION,
    Accumulator,
    giveaways,
    load,
    merge,
    pad,
    row_content,
    save,
)
from taskaff.stages.signature.labelwords import LabelWords

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
        return _profile(session, task, request)
    except TaskaffError as error:
        raise error.for_task(task.info.name) from error.__cause__


def _profile(session: Session, task: Task, request: DataRequest) -> TaskSignature:
    info = task.info
    card = session.card(info)
    _require_rows(info, session.settings.split)
    sample, unread = LabelWords(), list(info.files)

    def part(file: InputFile) -> TaskSignature:
        return _cached_part(session, task, file, card, request, (sample, unread))

    # One at a time: a thousand shards need the room of two.
    whole = reduce(_merge_two, map(part, info.files))
    store = session.store if request.limit is None else None
    said = giveaways.cached_notes(store, task, sample, unread)
    return replace(whole, name=info.name, inputs=info.files, notes=(*info.notes, *said))


def _require_rows(info: TaskInfo, split: str) -> None:
    if split == "all" or info.rows.get(split):
        return
    have = [name for name, rows in info.rows.items() if rows]
    raise UsageError(
        f"no rows in split {split!r}; there are: {', '.join(have)}",
        task=info.name,
        hint=f"use --split {have[0] if have else 'all'}",
    )


def _cached_part(
    session: Session,
    task: Task,
    file: InputFile,
    card: EncoderCard,
    request: DataRequest,
    labelled: tuple[LabelWords, list[InputFile]],
) -> TaskSignature:
    """The partial signature of one file, from the cache when its content was seen before.

    ``labelled``: the words of the rows that are read, and the files that are not yet.
    """
    if session.store is None or request.limit is not None:
        return _part(session, task, file, card, labelled)
    key = _part_key(request, task.info, file, card, session.settings.split)
    found = session.store.get("signature", key)
    if found is not None:
        return load(found)
    part = _part(session, task, file, card, labelled)
    session.store.put("signature", key, lambda path: save(part, path))
    return part


def _part(
    session: Session,
    task: Task,
    file: InputFile,
    card: EncoderCard,
    labelled: tuple[LabelWords, list[InputFile]],
) -> TaskSignature:
    info, split = task.info, session.settings.split
    sample, unread = labelled
    encoder = session.encoder_for(info)

    def embed_rows(batch: RowBatch) -> tuple[RowBatch, Floats32 | None, EncodeCounts, RowContent]:
        content = row_content(batch)
        if split not in ("all", batch.split):  # only the sketch of its rows is wanted
            return batch, None, EncodeCounts(), content
        X, counts = embed.embed_batch(encoder, batch)
        return batch, X, counts, content

    accumulator = Accumulator(
        info.name, card, info.layout, info.schema, split, embed.row_width(card, info.layout)
    )
    batches = task.batches(file)
    with session.threads(encoder) as workers:
        for batch, X, counts, content in ordered_map(embed_rows, batches, workers):
            hashes, near = content.hashes, content.near
            accumulator.add(batch.split, X, batch.labels, hashes, counts, near)
            giveaways.add(sample, batch, content)
            if session.progress:
                session.progress("embed", info.name, batch.first_row + batch.rows - 1, file.rows)
    unread.remove(file)
    return accumulator.finish((file,))


def _stored_signature(request: DataRequest) -> TaskSignature:
    source = request.source
    signature = source if isinstance(source, TaskSignature) else load(Path(source))
    return replace(signature, name=request.name) if request.name else signature


def _merge_two(one: TaskSignature, other: TaskSignature) -> TaskSignature:
    return merge([one, other], allow_repeats=True)


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
