"""Frobenius inner products of many symmetric matrices at once, in bounded memory.

The inner product of two symmetric matrices is the dot product of their upper triangles, the
off-diagonal entries counted twice. So ``k`` matrices of size ``d x d`` are ``k`` vectors, and all
pairs of inner products are one matrix product. It is summed over bands of rows ``a:b``; a band of
the triangle is the rectangle ``[a:b, a:d]`` whose part right of the diagonal block counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from taskaff.core.parallel import cores, ordered_map

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_THREADS = 1e9
"""Number of operations from which threads repay their start."""
ROOT2 = float(np.sqrt(2.0))
BAND_NUMBERS = 4_000_000
"""Numbers held of one band of all tasks: 32 MB for each of ``count`` matrices a task."""

Band = Callable[["TaskView", int, int, "Floats"], None]
"""``band(view, a, b, out)`` writes ``[a:b, a:]`` of each of ``count`` matrices."""


def frobenius_grams(
    views: Sequence[TaskView], count: int, band: Band, dtype: type[np.floating[Any]] = np.float64
) -> Floats:
    """Inner products ``<A_m(i), A_m(j)>_F`` of all tasks, for each of ``count`` symmetric matrices.

    ``dtype`` float32 halves the time where seven digits are enough (spreads, not values).

    Returns
    -------
    ``(count, k, k)`` float64, each symmetric.
    """
    k, d = len(views), views[0].width
    bands = row_bands(d, BAND_NUMBERS // k)

    def products(mine: Sequence[tuple[int, int]]) -> Floats:
        most = max((b - a) * (d - a) for a, b in mine)
        room = np.empty(count * k * most, dtype=dtype)  # one buffer for all bands of a core
        product, total = np.empty((k, k), dtype=dtype), np.zeros((count, k, k))
        for a, b in mine:
            stack = room[: count * k * (b - a) * (d - a)].reshape(count, k, b - a, d - a)
            for i, view in enumerate(views):
                band(view, a, b, stack[:, i])
                stack[:, i, :, b - a :] *= ROOT2
            for gram, rows in zip(total, stack.reshape(count, k, -1), strict=True):
                gram += np.matmul(rows, rows.T, out=product)
        return total

    parts = on_every_core(products, dealt(bands), count * k * k * d * d // 2)
    return np.asarray(sum(parts))


def row_bands(d: int, numbers: int) -> list[tuple[int, int]]:
    """Bands ``(a, b)`` of the rows of ``(d, d)`` with about ``numbers`` numbers right of ``a``.

    No higher than a sixteenth of the matrix: the diagonal block of a band is multiplied in full,
    and one half of it for nothing.
    """
    bands, a = [], 0
    while a < d:
        b = min(d, a + max(1, min(numbers // (d - a), d // 16)))
        bands.append((a, b))
        a = b
    return bands


def on_every_core(
    function: Callable[[Item], Result], items: Iterable[Item], operations: float
) -> Iterator[Result]:
    """``function`` of each item in order: item by item on one core each, if that is worth it.

    The matrix library works on one core meanwhile. Independent pieces are twice as fast as
    decompositions that share every step, and they do not wait for one another on a busy machine.
    """
    if operations < WORTH_THREADS:
        yield from map(function, items)
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield from ordered_map(function, items)


def dealt(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Deal ``items`` to the cores in turn: even where they shrink from first to last."""
    hands = min(cores(), len(items))
    return [items[start::hands] for start in range(hands)]
