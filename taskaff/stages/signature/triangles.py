"""Symmetric sums as their upper triangles, row after row: half the bytes, nothing lost."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints


def size(width: int) -> int:
    """Numbers in the triangle of a ``(width, width)`` matrix."""
    return width * (width + 1) // 2


def packed(matrices: Floats) -> Floats:
    """``(m, size(d))`` triangles of symmetric ``(m, d, d)`` matrices."""
    m, d, _ = matrices.shape
    return np.concatenate([np.empty((m, 0)), *(matrices[:, i, i:] for i in range(d))], axis=1)


def unpacked(triangles: Floats, width: int) -> Floats:
    """Symmetric matrices ``(m, d, d)`` of packed triangles."""
    places = _places(width)
    out = np.empty((len(triangles), width * width))
    for triangle, flat in zip(triangles, out, strict=True):
        np.take(triangle, places, out=flat, mode="clip")
    return out.reshape(len(triangles), width, width)


@lru_cache(maxsize=1)
def _places(width: int) -> Ints:
    """Position in the triangle of each entry of a matrix: ``(width * width,)``."""
    rows, columns = np.triu_indices(width)
    places = np.empty((width, width), np.int64)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return places.ravel()
