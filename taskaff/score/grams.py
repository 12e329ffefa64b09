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

from taskaff.parallel import cores, ordered_map

if TYPE_CHECKING:
    from taskaff.records import Floats
    from taskaff.score.views import TaskView

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_THREADS = 1e8
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
    height = max(1, min(d, BAND_NUMBERS // (k * d)))

    def products(a: int) -> Floats:
        b = min(a + height, d)
        stack = np.empty((count, k, b - a, d - a), dtype=dtype)
        for i, view in enumerate(views):
            band(view, a, b, stack[:, i])
            stack[:, i, :, b - a :] *= ROOT2
        return np.stack([rows @ rows.T for rows in stack.reshape(count, k, -1)])

    grams = np.zeros((count, k, k))
    for part in on_every_core(products, range(0, d, height), count * k * k * d * d // 2):
        grams += part
    return grams


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


def chunks(k: int) -> list[range]:
    """``k`` tasks cut into one range a core."""
    size = -(-k // cores())
    return [range(start, min(start + size, k)) for start in range(0, k, size)]
