"""What the stages of one call share: settings, the cache, the encoder, the progress callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from taskaff import embed
from taskaff.records import Encoder, EncoderCard, EncoderOptions, ScoreSettings, TaskInfo
from taskaff.store import Store

Progress = Callable[[str, str, int, int | None], None]
"""``progress(stage, task, done, total)``, with rows or runs; ``total`` is None when unknown."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that is not about one data set."""

    encoder: str = "glove"
    options: EncoderOptions = field(default_factory=EncoderOptions)
    """How the encoder runs."""
    split: str = "train"
    """Split that the signature sums: ``train``, ``validation``, ``test`` or ``all``."""
    cache_mode: str = "use"
    cache_dir: Path | None = None
    """None means no cache at all."""
    cache_vectors: bool = False
    """Keep the vectors of rows too; signatures are kept in any case."""
    workers: int | None = None
    """Threads of the embedding stage; None means one per core."""
    score: ScoreSettings = field(default_factory=ScoreSettings)


class Workbench:
    """The encoder and the cache of one call, opened when the first data set needs them."""

    def __init__(
        self, settings: RunSettings | None = None, progress: Progress | None = None
    ) -> None:
        self.settings = settings or RunSettings()
        self.progress = progress
        folder = self.settings.cache_dir
        self.store = Store(folder, self.settings.cache_mode) if folder else None
        self._encoder: Encoder | None = None

    def encoder_for(self, info: TaskInfo) -> Encoder | None:
        """The encoder; None for ready vectors, which need none."""
        if info.layout == "vectors":
            return None
        if self._encoder is None:
            opened = embed.open_encoder(self.settings.encoder, store=self.store)
            keep = self.store if self.settings.cache_vectors else None
            self._encoder = embed.keeping(opened, keep) if keep else opened
        return self._encoder

    def card(self, info: TaskInfo) -> EncoderCard:
        """What the vectors of a data set are made with."""
        encoder = self.encoder_for(info)
        return encoder.card if encoder else embed.vectors_card(info.vector_width or 0)
