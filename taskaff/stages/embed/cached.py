"""Vectors of a batch from the cache, for encoders that are slower than reading them back.

The key is the encoder's fingerprint and the texts themselves, so that the same rows of another
file, or of the same file under another name, are found. (``glove`` is faster than the disk.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file, save

from taskaff.core.records.embedding import EncodeCounts, Encoder, PairEncoder
from taskaff.core.store import Store, digest_key
from taskaff.stages.embed.vocabulary import update_strings

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32

KIND = "embedded"
FORMAT_VERSION = 2


class CachedEncoder:
    """An encoder whose vectors ``store`` caches, batch by batch."""

    def __init__(self, encoder: Encoder, store: Store) -> None:
        self._encoder, self._store = encoder, store
        self.card = encoder.card

    def encode(self, texts: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, d)`` float32 and counts of ``n`` texts, from the cache if it has them."""
        return self._cached((texts,), self._encoder.encode)

    def encode_pairs(self, first: pa.Array, second: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, d)`` float32 and counts of ``n`` pairs, each encoded as one sequence."""
        return self._cached((first, second), cast("PairEncoder", self._encoder).encode_pairs)

    def __getattr__(self, name: str) -> Any:
        """Other attributes of the wrapped encoder: its threads, its tokens."""
        return getattr(self._encoder, name)

    def _cached(
        self,
        columns: tuple[pa.Array, ...],
        encode: Callable[..., tuple[Floats32, EncodeCounts]],
    ) -> tuple[Floats32, EncodeCounts]:
        key = digest_key(
            encoder=self.card.fingerprint,
            texts=[texts_digest(column) for column in columns],
            format=FORMAT_VERSION,
        )
        entry = self._store.get(KIND, key)
        if entry is not None:
            tensors = load_file(entry)
            return tensors["X"], EncodeCounts(*tensors["counts"].tolist())
        X, counts = encode(*columns)
        self._store.put(KIND, key, lambda path: _save(path, X, counts))
        return X, counts


def texts_digest(texts: pa.Array) -> str:
    """SHA-256 of the strings in order, whatever their offsets in Arrow's buffers."""
    digest = hashlib.sha256()
    update_strings(digest, texts.cast(pa.large_string()))
    return digest.hexdigest()


def _save(path: Path, X: Floats32, counts: EncodeCounts) -> None:
    tensors: dict[str, np.ndarray] = {"X": np.ascontiguousarray(X)}
    tensors["counts"] = np.array(astuple(counts), np.int64)
    path.write_bytes(save(tensors))  # save_file has an error of its own for a full disk
