"""What the stages of one call share: settings, the cache, the encoder, the progress callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from taskaff.core.records.data import TaskInfo
from taskaff.core.records.embedding import Encoder, EncoderCard
from taskaff.core.settings import RunSettings
from taskaff.core.store import Store
from taskaff.stages import embed

Progress = Callable[[str, str, int, int | None], None]
"""``progress(stage, task, done, total)``, with rows or runs; ``total`` is None when unknown."""


class Session:
    """The encoder and the cache of one call, opened when the first data set needs them.

    ``rows_again``: the call needs the vectors themselves, and so will the next one like it (the
    probe). Vectors of an encoder slower than the disk are then cached in any case.
    """

    def __init__(
        self,
        settings: RunSettings | None = None,
        progress: Progress | None = None,
        rows_again: bool = False,
    ) -> None:
        self.settings = settings or RunSettings()
        self.rows_again = rows_again
        self.progress = progress
        folder = self.settings.cache_dir
        self.store = Store(folder, self.settings.cache_mode) if folder else None
        self._encoder: Encoder | None = None
        self.computed: dict[str, str] = {}
        """Where the encoder computes and in which numbers, once one with a choice was opened."""

    def encoder_for(self, info: TaskInfo) -> Encoder | None:
        """The encoder; None for ready vectors, which need none."""
        if info.layout == "vectors":
            return None
        if self._encoder is None:
            chosen = self.settings
            opened = embed.open_encoder(chosen.encoder, store=self.store, options=chosen.options)
            slow = self.rows_again and _own_threads(opened) is not None
            keep = self.store if chosen.cache_vectors or slow else None
            for name in ("device", "dtype"):
                if hasattr(opened, name):
                    self.computed[f"encoder_{name}"] = getattr(opened, name)
            self._encoder = embed.keeping(opened, keep) if keep else opened
        return self._encoder

    def card(self, info: TaskInfo) -> EncoderCard:
        """What the vectors of a data set are made with."""
        encoder = self.encoder_for(info)
        return encoder.card if encoder else embed.vectors_card(info.vector_width or 0)

    @contextmanager
    def threads(self, encoder: Encoder | None) -> Iterator[int | None]:
        """How many threads embed batches side by side inside; None is one per core.

        Every core embeds, and matrix products with threads of their own would fight for the cores;
        a model is the other way round: its products use all cores, or another chip.
        """
        own = _own_threads(encoder)
        if own is not None:
            yield own
        else:
            with threadpool_limits(1, user_api="blas"):
                yield self.settings.workers


def _own_threads(encoder: Encoder | None) -> int | None:
    """``ThreadedEncoder.workers``, or None for an encoder without threads of its own."""
    workers: int | None = getattr(encoder, "workers", None)
    return workers
