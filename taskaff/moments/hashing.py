"""Content hashes of rows: the same row gives the same 64 bits in every file, shard and release.

They decide the fold of a row and count repeats and overlap. The label takes no part, so that a text
that occurs with two labels stays in one fold.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from taskaff.errors import Place, SignatureError
from taskaff.moments.normal import normal_forms
from taskaff.records import FOLDS, RowBatch

if TYPE_CHECKING:
    from taskaff.records import Floats32, Hashes, Ints

BETWEEN = b"\x1f"
"""Stands between the two texts of a pair. No normal form contains it."""


def row_hashes(batch: RowBatch) -> Hashes:
    """64-bit content hash of each row: BLAKE2b of its normal form, read little endian.

    The normal form of a text is that of ``moments.normal``. The two texts of a pair are joined in
    order. A ready vector is its float32 little-endian bytes, negative zero made zero.

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
    try:
        forms = [normal_forms(column) for column in batch.text]
    except UnicodeDecodeError as error:
        raise SignatureError(
            f"a text is not valid UTF-8: {error}",
            where=Place(batch.file),
            hint="name the encoding of the file with --encoding",
        ) from error
    return _digests([BETWEEN.join(row) for row in zip(*forms, strict=True)])


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
