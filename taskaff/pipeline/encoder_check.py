"""``--encoder-check``: does an encoder give the same vectors however it is run?

A sample of the data is embedded three times: as asked, in batches of another size and order, and
plainly: in float32 on the processor, one text at a time, without padding. What batching, padding,
a device or a narrow dtype does to a vector is then a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.records.data import DataRequest, RowBatch, Task
from taskaff.core.records.embedding import EncodeCounts, Encoder, EncoderCard
from taskaff.core.settings import EncoderOptions
from taskaff.pipeline.session import Session
from taskaff.pipeline.signatures import is_signature
from taskaff.stages import data, embed

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32, Ints

SAMPLE = 256
OTHER_SIZES = (7, 5)
"""Texts at once of the second time; the first that is not what was asked for."""
TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3}
"""Largest cosine error that counts as rounding, by what the encoder computes in."""


@dataclass(frozen=True, slots=True)
class EncoderCheck:
    """Result of ``--encoder-check``; errors are ``1 - cosine``, the largest over the rows."""

    encoder: EncoderCard
    device: str
    dtype: str
    rows: int
    tasks: tuple[str, ...]
    counts: EncodeCounts
    shortest: int
    """Tokens of the row with the fewest, and of both texts of a pair together."""
    median: int
    longest: int
    batch_size: int
    """Texts at once of the second time."""
    batch_error: float
    plain_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether both errors are within the tolerance."""
        return max(self.batch_error, self.plain_error) <= self.tolerance


def check_encoder(session: Session, requests: Sequence[DataRequest]) -> EncoderCheck:
    """Embed a sample of the data sets three times and compare.

    Raises
    ------
    UsageError : nothing to embed: signatures or ready vectors.
    """
    samples = {}
    for request in requests:
        task = _text_task(request)
        samples[task.info.name] = sample(task, max(1, SAMPLE // len(requests)))
    batches = list(samples.values())
    options = session.settings.options
    size = next(n for n in OTHER_SIZES if n != options.batch_size)
    asked = _open(session, options)
    X, counts = _embed(asked, batches)
    other, _ = _embed(_open(session, replace(options, batch_size=size)), _reversed(batches))
    plain, lengths = _one_by_one(
        session, replace(options, device="cpu", dtype="float32", batch_size=1), batches
    )
    dtype = getattr(asked, "dtype", "float32")
    return EncoderCheck(
        encoder=asked.card,
        device=getattr(asked, "device", "cpu"),
        dtype=dtype,
        rows=sum(len(x) for x in X),
        tasks=tuple(samples),
        counts=counts,
        shortest=int(lengths.min()),
        median=int(np.median(lengths)),
        longest=int(lengths.max()),
        batch_size=size,
        batch_error=_largest(X, [x[::-1] for x in other[::-1]]),
        plain_error=_largest(X, plain),
        tolerance=TOLERANCE[dtype],
    )


def sample(task: Task, most: int) -> RowBatch:
    """At most ``most`` rows of a task, from the shortest to the longest, in their own order."""
    sizes = np.concatenate([_sizes(batch) for batch in task.batches()] or [np.zeros(0, np.int64)])
    if not len(sizes):
        raise UsageError("no rows to embed", task=task.info.name, hint="name another data set")
    order = np.argsort(sizes, kind="stable")
    places = np.linspace(0, len(sizes) - 1, min(most, len(sizes))).round().astype(np.int64)
    chosen = np.sort(order[places])
    parts, first = [], 0
    for batch in task.batches():
        here = chosen[(chosen >= first) & (chosen < first + batch.rows)] - first
        parts.append([text.take(pa.array(here)) for text in batch.text])
        first += batch.rows
    text = tuple(pa.concat_arrays(column) for column in zip(*parts, strict=True))
    info = task.info
    return RowBatch(info.name, "train", 0, text, None, None)


def cosine_errors(X: Floats32, Z: Floats32) -> Floats32:
    """``1 - cosine`` of each row of ``X (n, d)`` and ``Z (n, d)``; 0 for two zero vectors."""
    a, b = X.astype(np.float64), Z.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.where(norms > 0, norms, 1.0)
    both_zero = ~X.any(axis=1) & ~Z.any(axis=1)
    errors: Floats32 = np.where(both_zero, 0.0, np.maximum(0.0, 1.0 - cosine)).astype(np.float32)
    return errors


def _text_task(request: DataRequest) -> Task:
    hint = "name data sets of texts"
    if is_signature(request.source):
        raise UsageError("a signature holds no texts to embed", task=request.name, hint=hint)
    task = data.open_task(request)
    if task.info.layout == "vectors":
        problem = "ready vectors need no encoder that could be checked"
        raise UsageError(problem, task=task.info.name, hint=hint)
    return task


def _open(session: Session, options: EncoderOptions) -> Encoder:
    return embed.open_encoder(session.settings.encoder, store=session.store, options=options)


def _embed(encoder: Encoder, batches: Sequence[RowBatch]) -> tuple[list[Floats32], EncodeCounts]:
    vectors, total = [], EncodeCounts()
    for batch in batches:
        try:
            X, counts = embed.embed_batch(encoder, batch)
        except TaskaffError as error:
            raise error.for_task(batch.file) from error.__cause__
        vectors.append(X)
        total += counts
    return vectors, total


def _one_by_one(
    session: Session, options: EncoderOptions, batches: Sequence[RowBatch]
) -> tuple[list[Floats32], Ints]:
    """The vectors of every batch, embedded row by row, and the tokens of each row."""
    encoder = _open(session, options)
    vectors, lengths = [], []
    for batch in batches:
        singles = (tuple(t.slice(i, 1) for t in batch.text) for i in range(batch.rows))
        rows = [embed.embed_batch(encoder, replace(batch, text=text)) for text in singles]
        vectors.append(np.concatenate([X for X, _ in rows]))
        lengths += [counts.tokens for _, counts in rows]
    return vectors, np.array(lengths, np.int64)


def _reversed(batches: Sequence[RowBatch]) -> list[RowBatch]:
    def backwards(batch: RowBatch) -> RowBatch:
        order = pa.array(np.arange(batch.rows)[::-1])
        return replace(batch, text=tuple(text.take(order) for text in batch.text))

    return [backwards(batch) for batch in reversed(batches)]


def _sizes(batch: RowBatch) -> Ints:
    """Bytes of each row, both texts together."""
    sizes: Ints = np.zeros(batch.rows, np.int64)
    for text in batch.text:
        sizes += pc.binary_length(text).to_numpy()
    return sizes


def _largest(one: Sequence[Floats32], other: Sequence[Floats32]) -> float:
    pairs = zip(one, other, strict=True)
    return max(float(cosine_errors(X, Z).max()) for X, Z in pairs)
