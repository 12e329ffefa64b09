"""Content hashes of rows: the same row gives the same 64 bits in every file, shard and release.

They decide the fold of a row and count repeats and overlap. The label takes no part, so that a text
that occurs with two labels stays in one fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import Place, SignatureError
from taskaff.core.records.data import RowBatch
from taskaff.core.records.signature import FOLDS, NearKeys
from taskaff.stages.signature.near import near_keys
from taskaff.stages.signature.text_normalization import normal_forms
from taskaff.stages.signature.words import BETWEEN, RowWords, row_words

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32, Hashes, Ints


@dataclass(frozen=True, slots=True, eq=False)
class RowContent:
    """Hashes, words and near keys of ``n`` rows, from one pass over their normal forms."""

    hashes: Hashes
    """``(n,)`` as ``row_hashes`` gives them."""
    words: RowWords | None
    """None for ready vectors."""
    near: NearKeys | None
    """Keys that near copies share; None for ready vectors."""


def row_hashes(batch: RowBatch) -> Hashes:
    """64-bit content hash of each row: BLAKE2b of its normal form, read little endian.

    The normal form of a text is that of ``stages.signature.text_normalization``. The two texts of a
    pair are joined in order. A ready vector is its float32 little-endian bytes, negative zero made
    zero.

    Parameters
    ----------
    batch : ``n`` rows of texts, pairs of texts or ready vectors.

    Returns
    -------
    ``(n,)`` uint64.

    Raises
    ------
    SignatureError : a text is not valid UTF-8.
    """
    if not batch.text:
        return _digests(_vector_bytes(batch.vectors))
    return _digests(row_forms(batch))


def row_content(batch: RowBatch) -> RowContent:
    """Hashes, words and near keys of the rows of a batch.

    Raises
    ------
    SignatureError : a text is not valid UTF-8.
    """
    if not batch.text:
        return RowContent(row_hashes(batch), None, None)
    forms = row_forms(batch)
    words = row_words(forms)
    return RowContent(_digests(forms), words, near_keys(words))


def row_forms(batch: RowBatch) -> list[bytes]:
    """The normal form of each row of texts; of a pair, both with ``BETWEEN`` between them.

    Raises
    ------
    SignatureError : a text is not valid UTF-8.
    """
    try:
        forms = [normal_forms(column) for column in batch.text]
    except UnicodeDecodeError as error:
        raise SignatureError(
            f"a text is not valid UTF-8: {error}",
            where=Place(batch.file),
            hint="name the encoding of the file with --encoding",
        ) from error
    return [BETWEEN.join(row) for row in zip(*forms, strict=True)]


def fold_of(hashes: Hashes) -> Ints:
    """Fold of each row: the low two bits of its hash.

    The sketch keeps the smallest hashes, which is a matter of the high bits; folds stay balanced
    among the rows that it keeps.

    Parameters
    ----------
    hashes : ``(n,)`` uint64 content hashes.

    Returns
    -------
    ``(n,)`` int64 in ``0 .. FOLDS - 1``.
    """
    return (hashes & np.uint64(FOLDS - 1)).astype(np.int64)


def _vector_bytes(vectors: Floats32 | None) -> list[bytes]:
    if vectors is None:
        raise TypeError("a batch holds neither texts nor vectors")
    rows = np.ascontiguousarray(vectors, dtype="<f4") + np.float32(0.0)  # -0.0 + 0.0 is 0.0
    return [row.tobytes() for row in rows]


def _digests(rows: list[bytes]) -> Hashes:
    joined = b"".join([blake2b(row, digest_size=8).digest() for row in rows])
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)
