"""The weights of Algorithm 2 (Wu, Zhang and Re, ICLR 2020), for scores and probes alike.

For labels ``y_i`` on the same ``X``: ``theta_i = X'y_i``, ``U_r`` the best rank-``r`` approximation
of all of them, ``alpha_i = |theta_i' U_r|``: a task whose labels point where the others' point is
weighted up, one whose labels are noise down. Deviations from the printed form: every ``theta_i`` is
divided by its norm, so that a task is not weighted for the units or the number of its labels; and
the weights are scaled to mean 1. The paper leaves ``r`` open: we take the directions with more than
the mean energy, which are those that several tasks share, since a direction that only one task has
is at the mean at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.records import Floats

SAME = 1e-9
"""Relative distance from the mean energy up to which a direction counts as being at it."""
EMPTY = 1e-12
"""Singular values below this share of the largest are rounding."""


def svd_weights(
    thetas: Sequence[Floats], rank: int | None = None, *, normalise: bool = True
) -> tuple[Floats, int]:
    """Algorithm 2, steps 2 and 3, on ``theta_i (d, c_i)``: weights ``(k,)`` and the rank used.

    ``normalise=False`` is the printed form: no division by ``|theta_i|``, weights not scaled. Raw
    ``X'y_i`` are then what the paper takes. A task with ``theta_i = 0`` has weight 0.
    """
    norms = np.array([float(np.linalg.norm(theta)) for theta in thetas])
    scale = np.where(norms > 0, norms, 1.0) if normalise else np.ones(len(norms))
    blocks = [theta / s for theta, s in zip(thetas, scale, strict=True)]
    U, sizes, _ = np.linalg.svd(np.concatenate(blocks, axis=1), full_matrices=False)
    rank = shared_rank(sizes) if rank is None else min(rank, len(sizes))
    weights = np.array([float(np.linalg.norm(U[:, :rank].T @ block)) for block in blocks])
    if normalise and weights.any():
        weights /= weights.mean()
    return weights, rank


def shared_rank(sizes: Floats) -> int:
    """Directions of more than the mean energy among singular values; all when none stands out."""
    energy = sizes[sizes > EMPTY * sizes.max(initial=0.0)] ** 2
    above = int(np.count_nonzero(energy > energy.mean() * (1.0 + SAME))) if len(energy) else 0
    return above or max(len(energy), 1)
