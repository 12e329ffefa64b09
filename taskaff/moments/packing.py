"""Symmetric matrices as their upper triangles: half the file."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskaff.errors import SignatureError

if TYPE_CHECKING:
    from taskaff.records import Floats

TOLERANCE = 1e-9
"""Of the largest entry: what rounding may leave of asymmetry."""


def triangle_size(d: int) -> int:
    """Entries on and above the diagonal of a ``(d, d)`` matrix."""
    return d * (d + 1) // 2


def pack(matrices: Floats) -> Floats:
    """Upper triangles, row by row.

    Parameters
    ----------
    matrices : ``(m, d, d)``, each symmetric.

    Returns
    -------
    ``(m, d (d + 1) / 2)``.

    Raises
    ------
    SignatureError : one is not symmetric.
    """
    gap = np.abs(matrices - matrices.transpose(0, 2, 1)).max(initial=0.0)
    if gap > TOLERANCE * np.abs(matrices).max(initial=0.0):
        raise SignatureError("a sum of products is not symmetric")
    rows, columns = np.triu_indices(matrices.shape[1])
    return np.ascontiguousarray(matrices[:, rows, columns])


def unpack(triangles: Floats, d: int) -> Floats:
    """The symmetric matrices ``(m, d, d)`` of upper triangles ``(m, d (d + 1) / 2)``."""
    # One gather through an index is twice as fast as copying row by row or masking (d = 384).
    return triangles.take(_positions(d), axis=1).reshape(len(triangles), d, d)


@lru_cache(maxsize=2)
def _positions(d: int) -> NDArray[np.intp]:
    """``(d * d,)``: where entry ``(i, j)`` stands in the packed triangle."""
    at = np.zeros((d, d), dtype=np.intp)
    rows, columns = np.triu_indices(d)
    at[rows, columns] = at[columns, rows] = np.arange(triangle_size(d))
    return at.ravel()
