"""The stages in order, on one screen: data -> embed -> moments -> scoring.

Every command and every function of the Python API comes through here. A *source* is anything that
``DataRequest.source`` may be, or a stored signature (``*.taskaff``), which needs no rows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from taskaff import data, embed, moments, scoring
from taskaff.errors import TaskaffError, UsageError
from taskaff.parallel import ordered_map
from taskaff.provenance import environment
from taskaff.records import (
    DataRequest,
    EncodeCounts,
    Encoder,
    EncoderCard,
    InputFile,
    RowBatch,
    ScoreResult,
    ScoreSettings,
    Task,
    TaskInfo,
    TaskSignature,
)
from taskaff.store import Store, digest_key

if TYPE_CHECKING:
    from taskaff.records import Floats32, Hashes

SIGNATURE_SUFFIX = ".taskaff"

Progress = Callable[[str, str, int, int | None], None]
"""``progress(stage, task, done, total)``, called with rows; ``total`` is None when unknown."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that is not about one data set."""

    encoder: str = "glove"
    split: str = "train"
    """Split that the signature sums: ``train``, ``validation``, ``test`` or ``all``."""
    cache_mode: str = "use"
    cache_dir: Path | None = None
    """None means no cache at all."""
    workers: int | None = None
    """Threads of the embedding stage; None means one per core."""
    score: ScoreSettings = field(default_factory=ScoreSettings)


def inspect(request: DataRequest) -> TaskInfo:
    """What is understood of a data set; needs no encoder."""
    return data.open_task(request).info


def profile(
    request: DataRequest, settings: RunSettings | None = None, progress: Progress | None = None
) -> TaskSignature:
    """The signature of one data set: one pass over its rows, then never the rows again."""
    run = _Run(settings or RunSettings(), progress)
    return run.signature(request)


def score(
    sources: Sequence[DataRequest],
    settings: RunSettings | None = None,
    progress: Progress | None = None,
) -> ScoreResult:
    """Every pair of the data sets or stored signatures, scored from signatures alone."""
    settings = settings or RunSettings()
    run = _Run(settings, progress)
    started = time.perf_counter()
    signatures = distinct_names([run.signature(source) for source in sources])
    embedded = time.perf_counter()
    result = scoring.score(same_width(signatures), settings.score)
    ended = time.perf_counter()
    timings = {"signatures": embedded - started, "scoring": ended - embedded, **result.timings}
    return replace(result, environment=environment(), timings=timings)


def merge(paths: Sequence[Path], name: str | None = None) -> TaskSignature:
    """One signature from those of a task's shards."""
    merged = moments.merge([moments.load(path) for path in paths])
    return replace(merged, name=name) if name else merged


def save(signature: TaskSignature, path: Path) -> None:
    """Write a ``.taskaff`` file."""
    moments.save(signature, path)


def distinct_names(signatures: Sequence[TaskSignature]) -> list[TaskSignature]:
    """Number the repeats of a name: ``mr``, ``mr-2``; names are how results refer to tasks."""
    seen: Counter[str] = Counter()
    taken = {signature.name for signature in signatures}
    out = []
    for signature in signatures:
        seen[signature.name] += 1
        name, count = signature.name, seen[signature.name]
        while count > 1 and name in taken:
            name, count = f"{signature.name}-{count}", count + 1
        taken.add(name)
        out.append(signature if name == signature.name else replace(signature, name=name))
    return out


def same_width(signatures: Sequence[TaskSignature]) -> list[TaskSignature]:
    """Zero-pad single texts when a task of text pairs is in the comparison (W, section 2.1)."""
    layouts = {signature.layout for signature in signatures}
    if layouts != {"single", "pair"}:
        return list(signatures)
    width = max(signature.width for signature in signatures)
    return [moments.pad(signature, width) for signature in signatures]


class _Run:
    """The encoder and the cache of one call, opened when the first data set needs them."""

    def __init__(self, settings: RunSettings, progress: Progress | None) -> None:
        self.settings = settings
        self.progress = progress
        self.store = Store(settings.cache_dir, settings.cache_mode) if settings.cache_dir else None
        self._encoder: Encoder | None = None

    def signature(self, request: DataRequest) -> TaskSignature:
        stored = _stored_signature(request)
        if stored is not None:
            return stored
        task = data.open_task(request)
        try:
            return self._profile(task, request)
        except TaskaffError as error:
            raise error.for_task(task.info.name) from error.__cause__

    def _profile(self, task: Task, request: DataRequest) -> TaskSignature:
        info = task.info
        card = self._card(info)
        self._require_rows(info)
        parts = (self._cached_part(task, file, card, request) for file in info.files)
        whole = reduce(_merge_two, parts)  # one at a time: a thousand shards need the room of two
        return replace(whole, name=info.name, inputs=info.files, notes=info.notes)

    def _require_rows(self, info: TaskInfo) -> None:
        split = self.settings.split
        if split == "all" or info.rows.get(split):
            return
        have = [name for name, rows in info.rows.items() if rows]
        raise UsageError(
            f"no rows in split {split!r}; there are: {', '.join(have)}",
            task=info.name,
            hint=f"use --split {have[0] if have else 'all'}",
        )

    def _encoder_for(self, info: TaskInfo) -> Encoder | None:
        if info.layout == "vectors":
            return None
        if self._encoder is None:
            self._encoder = embed.open_encoder(self.settings.encoder, store=self.store)
        return self._encoder

    def _card(self, info: TaskInfo) -> EncoderCard:
        encoder = self._encoder_for(info)
        return encoder.card if encoder else embed.vectors_card(info.vector_width or 0)

    def _cached_part(
        self, task: Task, file: InputFile, card: EncoderCard, request: DataRequest
    ) -> TaskSignature:
        """The partial signature of one file, from the cache when its content was seen before."""
        if self.store is None or request.limit is not None:
            return self._part(task, file, card)
        key = _part_key(request, task.info, file, card, self.settings.split)
        found = self.store.get("signature", key)
        if found is not None:
            return moments.load(found)
        part = self._part(task, file, card)
        self.store.put("signature", key, lambda path: moments.save(part, path))
        return part

    def _summed(self, batch: RowBatch) -> bool:
        return self.settings.split in ("all", batch.split)

    def _part(self, task: Task, file: InputFile, card: EncoderCard) -> TaskSignature:
        info = task.info
        encoder = self._encoder_for(info)

        def embed_rows(batch: RowBatch) -> tuple[RowBatch, Floats32 | None, EncodeCounts, Hashes]:
            hashes = moments.row_hashes(batch)
            if not self._summed(batch):  # only the sketch of its rows is wanted
                return batch, None, EncodeCounts(), hashes
            X, counts = embed.embed_batch(encoder, batch)
            return batch, X, counts, hashes

        accumulator = moments.Accumulator(
            info.name, card, info.layout, info.schema, self.settings.split, _width(info, card)
        )
        batches = task.batches(file)
        # Every core embeds; matrix products with threads of their own would fight for the cores.
        with threadpool_limits(1, user_api="blas"):
            for batch, X, counts, hashes in ordered_map(embed_rows, batches, self.settings.workers):
                accumulator.add(batch.split, X, batch.labels, hashes, counts)
                if self.progress:
                    self.progress("embed", info.name, batch.first_row + batch.rows - 1, file.rows)
        return accumulator.finish((file,))


def _stored_signature(request: DataRequest) -> TaskSignature | None:
    source = request.source
    if isinstance(source, (str, Path)) and Path(source).suffix == SIGNATURE_SUFFIX:
        source = moments.load(Path(source))
    if not isinstance(source, TaskSignature):
        return None
    signature = source
    return replace(signature, name=request.name) if request.name else signature


def _merge_two(one: TaskSignature, other: TaskSignature) -> TaskSignature:
    return moments.merge([one, other], allow_repeats=True)


def _width(info: TaskInfo, card: EncoderCard) -> int:
    return embed.PAIR_BLOCKS * card.width if info.layout == "pair" else card.width


def _part_key(
    request: DataRequest, info: TaskInfo, file: InputFile, card: EncoderCard, split: str
) -> str:
    """Everything that changes a partial signature; the file's name and place do not."""
    return digest_key(
        version=moments.FORMAT_VERSION,
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
    )
