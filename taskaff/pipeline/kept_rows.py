"""The rows of one data set that a probe keeps, and what it keeps of them.

Memory stays bounded: of a large split only the rows with the smallest content hashes are kept, and
only these are embedded; the hashes are read before. Which ones these are depends neither on the
order of the rows nor on the other data sets, and a row that two data sets share is kept in both or
is among the largest hashes of one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.data import SPLITS, InputFile, RowBatch, SplitName, Task, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, Encoder, TaskVectors
from taskaff.core.records.signature import NearKeys
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.pipeline.row_pass import BatchRows, read_rows
from taskaff.pipeline.session import Session
from taskaff.stages.embed import tokenrows
from taskaff.stages.probe.class_order import in_content_order
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned
from taskaff.stages.signature import row_hashes
from taskaff.stages.signature.near import MOST_KEYS

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes

DRAWS = 4
"""Rows kept for every row that one seed can use, so that the seeds draw different ones."""

MOST_ROWS = 500_000
"""Rows kept of a split of which all are asked for; memory has to end somewhere."""

LARGEST_HASH = np.uint64(np.iinfo(np.uint64).max)

Columns = tuple[np.ndarray, ...]
"""Of some rows: hashes, vectors, labels, near keys, and what fine-tuned trunks read."""


def collect(session: Session, task: Task, settings: ProbeSettings, draws: int = DRAWS) -> Collected:
    """Read and embed the rows of a data set that a probe needs; raises what ``KeptRows`` raises."""
    kept = KeptRows(session, task, settings, draws)
    read_rows(session, task, [kept])
    return kept.collected()


class KeptRows:
    """Keeps the rows with the smallest hashes of every split, in a pass over a data set.

    Raises
    ------
    ProbeError : no labels, or at the end no rows.
    UsageError : an encoder, or ready vectors, that the trunk cannot read.
    """

    def __init__(
        self, session: Session, task: Task, settings: ProbeSettings, draws: int = DRAWS
    ) -> None:
        self._info, self._settings = task.info, settings
        if task.info.schema.kind == "none":
            hint = "name the label column with --label, and see taskaff inspect"
            raise ProbeError("no labels, and the probe trains on labels", hint=hint)
        require_texts(settings, task.info.name, task.info)
        encoder = session.encoder_for(task.info)
        _require_trunk_fits(settings, encoder, session.settings.encoder)
        most = caps(settings, draws)
        self._kept = {split: Smallest(cap) for split, cap in most.items()}
        self._largest = _largest(task, most)
        self._counts = EncodeCounts()

    def begin(self, _: InputFile) -> bool:
        """Every file."""
        return True

    def make(self, rows: BatchRows) -> tuple[Columns, EncodeCounts]:
        """Columns of the rows with hashes up to the largest that is kept."""
        largest = self._largest[rows.batch.split]
        if largest < LARGEST_HASH:
            rows = rows.only(rows.hashes <= largest)
        labels, content = rows.batch.labels, rows.content
        assert labels is not None
        X, counts = np.zeros((len(labels), 1), np.float32), EncodeCounts()
        if _reads_vectors(self._settings):
            X, counts = rows.embedded
        columns = content.hashes, X, labels, _table(content.near, len(labels))
        if not fine_tuned(self._settings.trunk):
            return columns, counts
        limit = self._settings.max_tokens
        return (*columns, *tokenrows.token_batch(rows.encoder, rows.batch, limit)), counts

    def add(self, batch: RowBatch, made: tuple[Columns, EncodeCounts]) -> None:
        """Keep them, as long as they are among the smallest."""
        columns, counts = made
        self._kept[batch.split].add(*columns)
        self._counts += counts

    def end(self) -> None:
        """A file is nothing to it."""

    def collected(self) -> Collected:
        """What was kept, after the pass."""
        parts = {split: part.rows() for split, part in self._kept.items()}
        return _joined(self._info, parts, self._counts)


def caps(settings: ProbeSettings, draws: int = DRAWS) -> dict[SplitName, int]:
    """Most rows to keep of each split."""
    held_out = settings.validation_rows + settings.test_rows
    trained = max(settings.source_rows, settings.target_rows)
    train = draws * (trained + held_out)  # held-out rows are drawn from it when there are none
    return {
        "train": MOST_ROWS if settings.target_rows == ALL_ROWS else train,
        "validation": draws * max(settings.validation_rows, settings.test_rows),
        "test": draws * settings.test_rows,
    }


class Smallest:
    """The rows with the smallest hashes among all that were added, at most ``cap``.

    A row has a hash and an entry in each of some columns, such as its vector and its label.
    """

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.largest = LARGEST_HASH
        """A row with a larger hash need not be added."""
        self._parts: list[Columns] = []

    def add(self, hashes: Hashes, *columns: np.ndarray) -> None:
        """Add ``n`` rows; memory stays within about twice ``cap`` rows and a batch."""
        self._parts.append((hashes, *columns))
        if sum(len(part[0]) for part in self._parts) > 2 * self.cap:
            self.rows()

    def rows(self) -> Columns | None:
        """Hashes ``(n,)`` and columns of the rows, in the order of their coming."""
        if not self._parts:
            return None
        hashes, *columns = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        if len(hashes) > self.cap:
            kept = np.sort(np.argsort(hashes, kind="stable")[: self.cap])
            hashes, *columns = (column[kept] for column in (hashes, *columns))
            self.largest = hashes.max()
        self._parts = [(hashes, *columns)]
        return hashes, *columns


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """The kept rows of one data set."""

    task: TaskVectors
    counts: EncodeCounts
    """Of the rows that were embedded: those of ``task``, and others with the same hash."""
    tokens: np.ndarray | None = None
    cut: int = 0
    """Rows that were cut at the limit of tokens."""


def _largest(task: Task, most: Mapping[SplitName, int]) -> dict[SplitName, np.uint64]:
    """The largest hash that is kept of each split.

    The rows are read for it only where some split is too large to be kept whole. Ready vectors are
    not, since they cost no more to embed than to hash.
    """
    found = {split: Smallest(cap) for split, cap in most.items()}
    large = {split for split, cap in most.items() if task.info.rows.get(split, 0) > cap}
    if large and task.info.layout != "vectors":
        for batch in task.batches():
            if batch.split in large:
                found[batch.split].add(row_hashes(batch))
    for smallest in found.values():
        smallest.rows()
    return {split: smallest.largest for split, smallest in found.items()}


def _table(near: NearKeys | None, rows: int) -> Hashes:
    """Keys ``(rows, MOST_KEYS)`` of the rows of a batch, 0 where a row has fewer."""
    found = np.zeros((rows, MOST_KEYS if near else 0), np.uint64)
    if near is not None:
        counts = near.counts.astype(np.int64)
        place = np.arange(len(near.keys)) - np.repeat(np.cumsum(counts) - counts, counts)
        found[np.repeat(np.arange(rows), counts), place] = near.keys
    return found


def _reads_vectors(settings: ProbeSettings) -> bool:
    """A transformer's own vectors are dear, and nothing looks at them but Algorithm 2."""
    return TRUNKS[settings.trunk].reads != "transformer" or settings.weights == "svd"


def _joined(
    info: TaskInfo, parts: Mapping[SplitName, Columns | None], counts: EncodeCounts
) -> Collected:
    found = [(SPLITS.index(split), part) for split, part in parts.items() if part is not None]
    if not found:
        raise ProbeError("no rows", hint="give labelled rows, or leave this data set out")
    columns = [np.concatenate(arrays) for arrays in zip(*(p for _, p in found), strict=True)]
    hashes, X, labels, near, *tokens = columns
    splits = np.repeat([split for split, _ in found], [len(part[0]) for _, part in found])
    trained = info.rows.get("train", 0) or sum(info.rows.values())
    own = splits.astype(np.int64)
    task = TaskVectors(info.name, X, labels, hashes, own, info.schema, training_rows=trained)
    task = replace(task, near=near if info.layout != "vectors" else None)
    cut = int(tokens[1].sum()) if tokens else 0
    return Collected(in_content_order(task), counts, tokens[0] if tokens else None, cut)


def require_texts(settings: ProbeSettings, name: str, info: TaskInfo | None = None) -> None:
    """Refuse data sets of vectors where the trunk reads texts."""
    if fine_tuned(settings.trunk) and (info is None or info.layout == "vectors"):
        raise UsageError(
            f"--trunk {settings.trunk} is fine-tuned on texts, and {name} holds vectors",
            hint="--trunk linear, relu or mlp train on vectors",
        )


def _require_trunk_fits(settings: ProbeSettings, encoder: Encoder | None, spec: str) -> None:
    """Refuse an encoder that does not give the tokens that the trunk reads."""
    wanted = TRUNKS[settings.trunk].reads
    if wanted == "vectors" or tokenrows.reads(encoder) == wanted:
        return
    words = wanted == "words"
    what = "word vectors" if words else "a transformer"
    others = "transformer" if words else "lstm, cnn or mlp-tokens"
    raise UsageError(
        f"--trunk {settings.trunk} starts from {what}, and --encoder {spec} is none",
        hint=f"--encoder {'glove' if words else 'st:MODEL or hf:MODEL'}, or --trunk {others}",
    )
