"""One pass over the rows of a data set, for all who need them: no batch is embedded twice.

A *reader* makes what it keeps of a batch on one of several threads, and takes it in the order of
the rows: ``signatures.SignatureReader``, ``kept_rows.KeptRows``, ``GiveawayReader``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from taskaff.core.parallel import ordered_map
from taskaff.core.records.data import DataRequest, InputFile, RowBatch, Task
from taskaff.core.records.embedding import EncodeCounts, Encoder
from taskaff.pipeline.session import Session
from taskaff.stages import embed
from taskaff.stages.signature import giveaways, row_content, row_hashes
from taskaff.stages.signature.labelwords import LabelWords

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats32, Hashes
    from taskaff.stages.signature import RowContent


class BatchRows:
    """``n`` rows, and what is computed of them: each once, and only if a reader asks."""

    def __init__(self, encoder: Encoder | None, batch: RowBatch) -> None:
        self.encoder = encoder
        self.batch = batch

    @cached_property
    def content(self) -> RowContent:
        """Hashes, words and near keys."""
        return row_content(self.batch)

    @cached_property
    def hashes(self) -> Hashes:
        """``(n,)`` content hashes, which cost less than the rest of ``content``."""
        return self.content.hashes if "content" in self.__dict__ else row_hashes(self.batch)

    @cached_property
    def embedded(self) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, d)``, and the counts of their encoding."""
        return embed.embed_batch(self.encoder, self.batch)

    def only(self, wanted: NDArray[np.bool_]) -> BatchRows:
        """Some of the rows of a batch of texts; ``self`` when it is all of them."""
        if wanted.all():
            return self
        text = tuple(column.take(np.flatnonzero(wanted)) for column in self.batch.text)
        labels = None if self.batch.labels is None else self.batch.labels[wanted]
        return BatchRows(self.encoder, replace(self.batch, text=text, labels=labels))


class RowReader(Protocol):
    """Takes part in a pass; for a file that it begins, it is given all batches and the end."""

    def begin(self, file: InputFile, /) -> bool:
        """Whether it needs the rows of the file."""
        ...

    def make(self, rows: BatchRows) -> Any:
        """What it keeps of a batch; several threads call it at a time."""
        ...

    def add(self, batch: RowBatch, made: Any) -> None:
        """Take what ``make`` gave, in the order of the rows."""
        ...

    def end(self) -> None:
        """All rows of the file were added."""
        ...


def read_rows(session: Session, task: Task, readers: Sequence[RowReader]) -> None:
    """Give each file's rows to the readers that need them; a file that none needs is not read."""
    done, total = 0, sum(task.info.rows.values())
    for file in task.info.files:
        active = [reader for reader in readers if reader.begin(file)]
        if active:
            _read_file(session, task, file, active, done, total)
        done += file.rows


def _read_file(
    session: Session,
    task: Task,
    file: InputFile,
    readers: Sequence[RowReader],
    done: int,
    total: int,
) -> None:
    encoder = session.encoder_for(task.info)

    def make(batch: RowBatch) -> tuple[RowBatch, list[Any]]:
        rows = BatchRows(encoder, batch)
        return batch, [reader.make(rows) for reader in readers]

    with session.threads(encoder) as workers:
        for batch, made in ordered_map(make, task.batches(file), workers):
            for reader, item in zip(readers, made, strict=True):
                reader.add(batch, item)
            done += batch.rows
            if session.progress:
                session.progress("embed", task.info.name, done, total)
    for reader in readers:
        reader.end()


class GiveawayReader:
    """Words that give the label away, of all rows; none are needed where the cache has the note."""

    def __init__(self, session: Session, task: Task, request: DataRequest) -> None:
        self._task, self._sample = task, LabelWords()
        self._store = session.store if request.limit is None else None
        self._needed = giveaways.needs_rows(self._store, task.info)

    def begin(self, _: InputFile) -> bool:
        """Every file or none."""
        return self._needed

    def make(self, rows: BatchRows) -> RowContent:
        """The words, and the hashes by which rows are sampled."""
        return rows.content

    def add(self, batch: RowBatch, made: RowContent) -> None:
        """Count them."""
        giveaways.add(self._sample, batch, made)

    def end(self) -> None:
        """A file is nothing to it."""

    def notes(self) -> tuple[str, ...]:
        """At most one sentence."""
        return giveaways.cached_notes(self._store, self._task, self._sample)
