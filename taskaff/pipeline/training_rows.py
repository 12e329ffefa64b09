"""From a data set to the rows that the probe trains on: vectors, labels, content hashes, splits.

Trunks that are fine-tuned get the texts too, as token numbers.

Memory stays bounded: of a large split only the rows with the smallest content hashes are kept, and
only these are embedded; the hashes are read before. Which ones these are depends neither on the
order of the rows nor on the other data sets, and a row that two data sets share is kept in both or
is among the largest hashes of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import ProbeError, TaskaffError, UsageError
from taskaff.core.parallel import ordered_map
from taskaff.core.records.data import SPLITS, DataRequest, RowBatch, SplitName, Task, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, Encoder, EncoderCard, TaskVectors
from taskaff.core.records.signature import NearKeys
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.pipeline import unknown_words
from taskaff.pipeline.session import Session
from taskaff.pipeline.signatures import is_signature
from taskaff.stages import data, embed
from taskaff.stages.embed import tokenrows
from taskaff.stages.probe.class_order import in_content_order
from taskaff.stages.probe.defaults import TRUNKS, fine_tuned
from taskaff.stages.probe.synthetic import PREFIX, synthetic_task
from taskaff.stages.signature import giveaways, row_content, row_hashes
from taskaff.stages.signature.conflicts import Conflicts
from taskaff.stages.signature.labelwords import LabelWords
from taskaff.stages.signature.near import MOST_KEYS

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes

DRAWS = 4
"""Rows kept for every row that one seed can use, so that the seeds draw different ones."""

MOST_ROWS = 500_000
"""Rows kept of a split of which all are asked for; memory has to end somewhere."""

Columns = tuple[np.ndarray, ...]
"""Of some rows: hashes, vectors, labels, near keys, and what fine-tuned trunks read."""


def tasks_of(
    session: Session, requests: Sequence[DataRequest], settings: ProbeSettings
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
    texts: list[np.ndarray] = []
    for request in requests:
        if str(request.source).startswith(PREFIX):
            _require_texts(settings, str(request.source))
            tasks.append(synthetic_task(str(request.source), request.name))
            cards.append(embed.vectors_card(tasks[-1].X.shape[1]))
        else:
            opened = data.open_task(request)
            try:
                found = collect(session, opened, settings)
            except TaskaffError as error:
                raise error.for_task(opened.info.name) from error.__cause__
            tasks.append(found.task)
            texts += [] if found.tokens is None else [found.tokens]
            cards.append(session.card(opened.info))
            notes += unknown_words.note(opened.info.name, found.counts, cards[-1].id)
            notes += _notes(opened.info, found, settings)
            notes += _giveaways(session, opened, request)
            layouts.add(opened.info.layout)
            encoder = session.encoder_for(opened.info)
        _require_one_encoder(tasks, cards)
    if texts:
        rows = tokenrows.joined(encoder, texts)
        tasks = [replace(task, tokens=own) for task, own in zip(tasks, rows, strict=True)]
    return _same_width(tasks) if layouts == {"single", "pair"} else tasks, notes


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
        self.largest = np.uint64(np.iinfo(np.uint64).max)
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


def collect(session: Session, task: Task, settings: ProbeSettings, draws: int = DRAWS) -> Collected:
    """Read and embed the rows of a data set that a probe needs.

    Raises
    ------
    ProbeError : no labels or no rows.
    UsageError : an encoder, or ready vectors, that the trunk cannot read.
    """
    info = task.info
    if info.schema.kind == "none":
        hint = "name the label column with --label, and see taskaff inspect"
        raise ProbeError("no labels, and the probe trains on labels", hint=hint)
    encoder = session.encoder_for(info)
    _require_texts(settings, info.name, info)
    _require_trunk_fits(settings, encoder, session.settings.encoder)
    most = caps(settings, draws)
    kept = {split: Smallest(cap) for split, cap in most.items()}
    largest = _largest(task, most)
    counts = EncodeCounts()

    def embed_rows(batch: RowBatch) -> tuple[RowBatch, Columns, EncodeCounts]:
        return batch, *_embedded(encoder, batch, largest[batch.split], settings)

    done, total = 0, sum(info.rows.values())
    with session.threads(encoder) as workers:
        mapped = ordered_map(embed_rows, task.batches(), workers)
        for batch, columns, own in mapped:
            kept[batch.split].add(*columns)
            counts += own
            done += batch.rows
            if session.progress:
                session.progress("embed", info.name, done, total)
    return _joined(info, {split: part.rows() for split, part in kept.items()}, counts)


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


def _embedded(
    encoder: Encoder | None, batch: RowBatch, largest: np.uint64, settings: ProbeSettings
) -> tuple[Columns, EncodeCounts]:
    """Of the rows with hashes up to ``largest``: hashes, vectors, labels, near keys, tokens."""
    hashes, labels = row_hashes(batch), batch.labels
    assert labels is not None
    wanted = hashes <= largest
    if not batch.text:
        X, counts = embed.embed_batch(encoder, batch)
        return (hashes[wanted], X[wanted], labels[wanted], _table(None, int(wanted.sum()))), counts
    if not wanted.all():
        texts = tuple(text.take(np.flatnonzero(wanted)) for text in batch.text)
        batch = replace(batch, text=texts)
    X, counts = np.zeros((int(wanted.sum()), 1), np.float32), EncodeCounts()
    if _reads_vectors(settings):
        X, counts = embed.embed_batch(encoder, batch)
    near = _table(row_content(batch).near, len(X))  # dear: of the rows that are kept
    columns = hashes[wanted], X, labels[wanted], near
    if not fine_tuned(settings.trunk):
        return columns, counts
    tokens = tokenrows.token_batch(encoder, batch, settings.max_tokens)
    return (*columns, *tokens), counts


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


def _require_texts(settings: ProbeSettings, name: str, info: TaskInfo | None = None) -> None:
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


def _notes(info: TaskInfo, found: Collected, settings: ProbeSettings) -> list[str]:
    notes = list(info.notes)
    total, rows = sum(info.rows.values()), found.task.rows
    if rows < total:
        whole = settings.target_rows == ALL_ROWS and info.rows.get("train", total) > MOST_ROWS
        most = f"; no more than {MOST_ROWS:,} rows to train on are kept" if whole else ""
        notes.append(f"{rows:,} of {total:,} rows take part, chosen by their content{most}")
    if found.cut:
        limit = f"{settings.max_tokens:,}" if settings.max_tokens else "the model's limit of"
        notes.append(f"{found.cut:,} rows were cut at {limit} tokens (--max-tokens)")
    notes += _torn(found.task)
    return [f"{info.name}: {note}" for note in notes]


def _giveaways(session: Session, task: Task, request: DataRequest) -> list[str]:
    """Words that give the label away; of all rows, which are read again if the cache lacks them."""
    store = session.store if request.limit is None else None
    said = giveaways.cached_notes(store, task, LabelWords(), task.info.files)
    return [f"{task.info.name}: {note}" for note in said]


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
