"""Encoders by name, and the layout of the vector that they make of a row.

Light at import: numpy, Arrow and the encoders load with the first call.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.core.errors import UsageError
from taskaff.core.records.data import Layout, RowBatch
from taskaff.core.records.embedding import EncodeCounts, Encoder, EncoderCard
from taskaff.core.registry import resolve
from taskaff.core.settings import EncoderOptions

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32
    from taskaff.core.store import Store
    from taskaff.stages.embed.wordfiles import WordVectorInfo

ENCODERS: dict[str, str] = {
    "glove": "taskaff.stages.embed.glove:open_glove",
    "vectors": "taskaff.stages.embed.ready:open_ready",
    "st": "taskaff.stages.embed.transformer.opening:open_st",
    "hf": "taskaff.stages.embed.transformer.opening:open_hf",
}
"""Name to opener ``(argument, store, options) -> Encoder``; users write ``name:argument``."""

PAIR_BLOCKS = 4
"""A pair of texts becomes ``[u; v; |u - v|; u * v]``: four times the width of one text."""


def open_encoder(
    spec: str,
    *,
    cache_dir: Path | None = None,
    store: Store | None = None,
    options: EncoderOptions | None = None,
) -> Encoder:
    """Open ``glove``, ``glove:PATH``, ``vectors``, ``st:MODEL`` or ``hf:MODEL``.

    ``store`` caches converted files. ``options`` are those of models; word vectors have none.
    """
    name, colon, argument = spec.partition(":")
    if colon and not argument:
        raise UsageError(f"encoder {spec!r} ends in a colon", hint=f"--encoder {name}, or :PATH")
    opener = resolve("encoder", ENCODERS, name)
    encoder: Encoder = opener(argument, store or _store(cache_dir), options or EncoderOptions())
    return encoder


def keeping(encoder: Encoder, store: Store) -> Encoder:
    """Wrap the encoder so that ``store`` caches its vectors; for encoders slower than the disk."""
    from taskaff.stages.embed.cached import CachedEncoder

    return CachedEncoder(encoder, store)


def embed_batch(encoder: Encoder | None, batch: RowBatch) -> tuple[Floats32, EncodeCounts]:
    """Vectors ``(n, row_width)`` of a batch; ready vectors pass through."""
    from taskaff.stages.embed.batches import embed

    return embed(encoder, batch)


def row_width(card: EncoderCard, layout: Layout) -> int:
    """Width of a row's vector: that of one text, and of a pair what ``card.pairs`` makes of two."""
    apart = layout == "pair" and card.pairs == "apart"
    return PAIR_BLOCKS * card.width if apart else card.width


def vectors_card(width: int) -> EncoderCard:
    """Card of ready vectors, of which only the width is known."""
    return EncoderCard(id="vectors", fingerprint=f"vectors-{width}", width=width)


def describe(path: str | Path, *, store: Store | None = None) -> WordVectorInfo:
    """Facts about a word-vector file, from reading all of it."""
    from taskaff.stages.embed import wordfiles

    return wordfiles.describe(str(path), store or _store(None))


def convert(path: str | Path, out: Path) -> WordVectorInfo:
    """Convert a word-vector file into one safetensors file that opens at once."""
    from taskaff.stages.embed import wordfiles

    return wordfiles.convert(str(path), out)


def _store(cache_dir: Path | None) -> Store:
    from taskaff.core.store import Store

    return Store(cache_dir, "use") if cache_dir else Store(Path(), "off")
