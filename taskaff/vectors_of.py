"""From a data set to the rows that the probe trains on: vectors, labels, content hashes, splits.

Memory stays bounded: of a large split only the rows with the smallest content hashes are kept.
Which ones these are depends neither on the order of the rows nor on the other data sets, and a row
that two data sets share is kept in both or is among the largest hashes of one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from taskaff import data, embed, moments
from taskaff.errors import ProbeError, TaskaffError, UsageError
from taskaff.parallel import ordered_map
from taskaff.probe_records import ProbeSettings
from taskaff.probing.synthetic import PREFIX, synthetic_task
from taskaff.records import (
    SPLITS,
    DataRequest,
    EncoderCard,
    RowBatch,
    SplitName,
    Task,
    TaskInfo,
    TaskVectors,
)
from taskaff.signing import is_signature
from taskaff.workbench import Workbench

if TYPE_CHECKING:
    from taskaff.records import Floats, Floats32, Hashes, Ints

DRAWS = 4
"""Rows kept for every row that one seed can use, so that the seeds draw different ones."""


def tasks_of(
    bench: Workbench, requests: Sequence[DataRequest], settings: ProbeSettings
) -> tuple[list[TaskVectors], list[str]]:
    """The rows of every data set, padded to one width, and what there is to say of them.

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
    for request in requests:
        if str(request.source).startswith(PREFIX):
            tasks.append(synthetic_task(str(request.source), request.name))
            cards.append(embed.vectors_card(tasks[-1].X.shape[1]))
        else:
            opened = data.open_task(request)
            try:
                tasks.append(_collect(bench, opened, caps(settings)))
            except TaskaffError as error:
                raise error.for_task(opened.info.name) from error.__cause__
            cards.append(bench.card(opened.info))
            notes += _notes(opened.info, tasks[-1])
            layouts.add(opened.info.layout)
        _require_one_encoder(tasks, cards)
    return _same_width(tasks) if layouts == {"single", "pair"} else tasks, notes


def caps(settings: ProbeSettings) -> dict[SplitName, int]:
    """Most rows to keep of each split."""
    held_out = settings.validation_rows + settings.test_rows
    trained = max(settings.source_rows, settings.target_rows)
    return {
        "train": DRAWS
        * (trained + held_out),  # held-out rows are drawn from it when there are none
        "validation": DRAWS * max(settings.validation_rows, settings.test_rows),
        "test": DRAWS * settings.test_rows,
    }


class Smallest:
    """The rows with the smallest hashes among all that were added, at most ``cap``."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.largest = np.uint64(np.iinfo(np.uint64).max)
        """A row with a larger hash need not be added."""
        self._parts: list[tuple[Hashes, Floats32, Ints | Floats]] = []

    def add(self, hashes: Hashes, X: Floats32, labels: Ints | Floats) -> None:
        """Add ``n`` rows; memory stays within about twice ``cap`` rows and a batch."""
        self._parts.append((hashes, X, labels))
        if sum(len(part[0]) for part in self._parts) > 2 * self.cap:
            self.rows()

    def rows(self) -> tuple[Hashes, Floats32, Ints | Floats] | None:
        """Hashes ``(n,)``, ``X (n, d)`` and labels of the rows, in the order of their coming."""
        if not self._parts:
            return None
        hashes, X, labels = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        if len(hashes) > self.cap:
            kept = np.sort(np.argsort(hashes, kind="stable")[: self.cap])
            hashes, X, labels = hashes[kept], X[kept], labels[kept]
            self.largest = hashes.max()
        self._parts = [(hashes, X, labels)]
        return hashes, X, labels


def _collect(bench: Workbench, task: Task, caps: Mapping[SplitName, int]) -> TaskVectors:
    info = task.info
    if info.schema.kind == "none":
        hint = "name the label column with --label, and see taskaff inspect"
        raise ProbeError("no labels, and the probe trains on labels", hint=hint)
    encoder = bench.encoder_for(info)
    kept = {split: Smallest(cap) for split, cap in caps.items()}

    def embed_rows(batch: RowBatch) -> tuple[RowBatch, Hashes, Floats32, Ints | Floats]:
        hashes, labels = moments.row_hashes(batch), batch.labels
        assert labels is not None
        wanted = hashes <= kept[batch.split].largest
        if batch.text and not wanted.all():  # what will not be kept need not be embedded
            texts = tuple(text.take(np.flatnonzero(wanted)) for text in batch.text)
            X, _ = embed.embed_batch(encoder, replace(batch, text=texts))
        else:
            X = embed.embed_batch(encoder, batch)[0][wanted]
        return batch, hashes[wanted], X, labels[wanted]

    done, total = 0, sum(info.rows.values())
    # Every core embeds; matrix products with threads of their own would fight for the cores.
    with threadpool_limits(1, user_api="blas"):
        mapped = ordered_map(embed_rows, task.batches(), bench.settings.workers)
        for batch, hashes, X, labels in mapped:
            kept[batch.split].add(hashes, X, labels)
            done += batch.rows
            if bench.progress:
                bench.progress("embed", info.name, done, total)
    return _joined(info, {split: part.rows() for split, part in kept.items()})


def _joined(
    info: TaskInfo, parts: Mapping[SplitName, tuple[Hashes, Floats32, Ints | Floats] | None]
) -> TaskVectors:
    found = [(SPLITS.index(split), part) for split, part in parts.items() if part is not None]
    if not found:
        raise ProbeError("no rows", hint="give labelled rows, or leave this data set out")
    hashes, X, labels = (np.concatenate([part[n] for _, part in found]) for n in range(3))
    splits = np.repeat([split for split, _ in found], [len(part[0]) for _, part in found])
    return TaskVectors(info.name, X, labels, hashes, splits.astype(np.int64), info.schema)


def _notes(info: TaskInfo, task: TaskVectors) -> list[str]:
    found = [f"{info.name}: {note}" for note in info.notes]
    total = sum(info.rows.values())
    if task.rows < total:
        found.append(
            f"{info.name}: {task.rows:,} of {total:,} rows take part, chosen by their content"
        )
    return found


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
