"""From data sets to the rows that the probe trains on: vectors, labels, content hashes, splits.

Trunks that are fine-tuned get the texts too, as token numbers. One pass over a data set gives its
rows, and with them the signature that predictions are made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from taskaff.core.errors import ProbeError, TaskaffError, UsageError
from taskaff.core.records.data import SPLITS, DataRequest, Task, TaskInfo
from taskaff.core.records.embedding import EncoderCard, TaskVectors
from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.pipeline import kept_rows, unknown_words
from taskaff.pipeline.kept_rows import Collected, KeptRows, require_texts
from taskaff.pipeline.row_pass import GiveawayReader, read_rows
from taskaff.pipeline.session import Session
from taskaff.pipeline.signatures import OptionalSignature, is_signature
from taskaff.stages import data, embed
from taskaff.stages.embed import tokenrows
from taskaff.stages.probe.synthetic import PREFIX, synthetic_task
from taskaff.stages.signature.conflicts import Conflicts


class ProbeInputs(NamedTuple):
    """What one pass over each data set gives a probe."""

    tasks: list[TaskVectors]
    """Their rows, padded to one width."""
    notes: list[str]
    """What there is to say of them."""
    signatures: list[TaskSignature | TaskaffError]
    """The signature of each, or why it has none; empty where none are asked for."""


def tasks_of(
    session: Session,
    requests: Sequence[DataRequest],
    settings: ProbeSettings,
    *,
    signatures: bool = False,
) -> ProbeInputs:
    """The rows of every data set, and their signatures where these are asked for.

    Raises
    ------
    UsageError : a stored signature, which has no rows.
    ProbeError : no labels, or vectors of different encoders.
    """
    for request in requests:
        _refuse_signature(request)
    tasks: list[TaskVectors] = []
    cards: list[EncoderCard] = []
    notes: list[str] = []
    layouts: set[str] = set()
    texts: list[np.ndarray] = []
    made: list[TaskSignature | TaskaffError] = []
    for request in requests:
        if str(request.source).startswith(PREFIX):
            require_texts(settings, str(request.source))
            tasks.append(synthetic_task(str(request.source), request.name))
            cards.append(embed.vectors_card(tasks[-1].X.shape[1]))
        else:
            opened = data.open_task(request)
            optional = OptionalSignature(session, opened, request) if signatures else None
            try:
                found, said = _read(session, opened, request, settings, optional)
            except TaskaffError as error:
                raise error.for_task(opened.info.name) from error.__cause__
            made += [optional.result()] if optional else []
            tasks.append(found.task)
            texts += [] if found.tokens is None else [found.tokens]
            cards.append(session.card(opened.info))
            notes += unknown_words.note(opened.info.name, found.counts, cards[-1].id)
            notes += _notes(opened.info, found, said, settings)
            layouts.add(opened.info.layout)
            encoder = session.encoder_for(opened.info)
        _require_one_encoder(tasks, cards)
    if texts:
        rows = tokenrows.joined(encoder, texts)
        tasks = [replace(task, tokens=own) for task, own in zip(tasks, rows, strict=True)]
    padded = _same_width(tasks) if layouts == {"single", "pair"} else tasks
    return ProbeInputs(padded, notes, made)


def _read(
    session: Session,
    task: Task,
    request: DataRequest,
    settings: ProbeSettings,
    optional: OptionalSignature | None,
) -> tuple[Collected, tuple[str, ...]]:
    """The pass over one data set: the rows that are kept, and words that give the label away."""
    kept, said = KeptRows(session, task, settings), GiveawayReader(session, task, request)
    read_rows(session, task, [said, kept, *([optional] if optional else [])])
    return kept.collected(), said.notes()


def _notes(
    info: TaskInfo, found: Collected, said: tuple[str, ...], settings: ProbeSettings
) -> list[str]:
    notes = list(info.notes)
    total, rows = sum(info.rows.values()), found.task.rows
    if rows < total:
        whole = (
            settings.target_rows == ALL_ROWS and info.rows.get("train", total) > kept_rows.MOST_ROWS
        )
        most = f"; no more than {kept_rows.MOST_ROWS:,} rows to train on are kept" if whole else ""
        notes.append(f"{rows:,} of {total:,} rows take part, chosen by their content{most}")
    if found.cut:
        limit = f"{settings.max_tokens:,}" if settings.max_tokens else "the model's limit of"
        notes.append(f"{found.cut:,} rows were cut at {limit} tokens (--max-tokens)")
    notes += [*_torn(found.task), *said]
    return [f"{info.name}: {note}" for note in notes]


def _torn(task: TaskVectors) -> Iterator[str]:
    """What there is to say of rows of one content with different labels, among those kept."""
    for number, split in enumerate(SPLITS):
        conflicts, rows = Conflicts(), task.splits == number
        conflicts.add(task.hashes[rows], task.labels[rows])
        if count := conflicts.count():
            yield f"{count:,} distinct rows of {split} occur with different labels"


def _same_width(tasks: Sequence[TaskVectors]) -> list[TaskVectors]:
    """Zero-pad single texts when a task of text pairs takes part (W, section 2.1)."""
    width = max(task.X.shape[1] for task in tasks)
    more = ((0, width - task.X.shape[1]) for task in tasks)
    return [
        replace(task, X=np.pad(task.X, ((0, 0), wider)))
        for task, wider in zip(tasks, more, strict=True)
    ]


def _require_one_encoder(tasks: Sequence[TaskVectors], cards: Sequence[EncoderCard]) -> None:
    first, last = cards[0], cards[-1]
    if first.fingerprint != last.fingerprint:
        raise ProbeError(
            f"vectors of {last.id} ({last.width:,} dimensions), "
            f"but {tasks[0].name} has those of {first.id} ({first.width:,})",
            task=tasks[-1].name,
            hint="probe texts with texts, or ready vectors with ready vectors of the same encoder",
        )


def _refuse_signature(request: DataRequest) -> None:
    if is_signature(request.source):
        name = getattr(request.source, "name", request.source)
        raise UsageError(
            f"{name} is a signature, which holds no rows, and the probe trains on rows",
            hint="name the data set that the signature was made of",
        )
