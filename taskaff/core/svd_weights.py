"""The weights of Algorithm 2 (Wu, Zhang and Re, ICLR 2020), for scores and probes alike.

For labels ``y_i`` on the same ``X``: ``theta_i = X'y_i``, ``U_r`` the best rank-``r`` approximation
of all of them, ``alpha_i = |theta_i' U_r|``: a task whose labels point where the others' point is
weighted up, one whose labels are noise down. Deviations from the printed form: every ``theta_i`` is
divided by its norm, so that a task is not weighted for the units or the number of its labels; and
the weights are scaled to mean 1.

The paper takes ``r`` as an input. Without one we take the directions that several tasks share, by
parallel analysis (Horn 1965): those with more energy than the same ``theta_i`` turned at random
would give in 19 cases of 20. More than the mean energy is not enough: the direction of a task of
noise has about the mean, and a little more by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

EMPTY = 1e-12
"""Singular values below this share of the largest are rounding."""
DRAWS = 200
"""Number of random turns of the tasks."""
QUANTILE = 0.95
"""Quantile of the energies under random turns; a shared direction has more."""


def svd_weights(
    thetas: Sequence[Floats],
    rank: int | None = None,
    *,
    normalise: bool = True,
    spectrum: Floats | None = None,
) -> tuple[Floats, int]:
    """Algorithm 2, steps 2 and 3, on ``theta_i (d, c_i)``: weights ``(k,)`` and the rank used.

    ``normalise=False`` is the printed form: no division by ``|theta_i|``, weights not scaled. Raw
    ``X'y_i`` are then what the paper takes. A task with ``theta_i = 0`` has weight 0.
    ``spectrum`` are the eigenvalues of ``X'X``, by which labels of noise prefer some directions;
    without it they prefer none.
    """
    norms = np.array([float(np.linalg.norm(theta)) for theta in thetas])
    scale = np.where(norms > 0, norms, 1.0) if normalise else np.ones(len(norms))
    blocks = [theta / s for theta, s in zip(thetas, scale, strict=True)]
    U, sizes, _ = np.linalg.svd(np.concatenate(blocks, axis=1), full_matrices=False)
    rank = shared_rank(blocks, spectrum) if rank is None else min(rank, len(sizes))
    weights = np.array([float(np.linalg.norm(U[:, :rank].T @ block)) for block in blocks])
    if normalise and weights.any():
        weights /= weights.mean()
    return weights, rank


def shared_rank(blocks: Sequence[Floats], spectrum: Floats | None = None) -> int:
    """Number of directions that several tasks share; that of all when no direction is shared."""
    energy = np.linalg.svd(np.concatenate(blocks, axis=1), compute_uv=False) ** 2
    known = int(np.count_nonzero(energy > EMPTY**2 * energy.max(initial=0.0)))
    by_chance = _energies_by_chance(blocks, spectrum)
    more = energy[:known] > by_chance[:known]
    return int(np.argmin(more)) if not more.all() and more[0] else max(known, 1)


def _energies_by_chance(blocks: Sequence[Floats], spectrum: Floats | None) -> Floats:
    """What the largest, the second, ... energy is under random turns of the tasks, at most."""
    d = len(blocks[0])
    roots = np.ones(d) if spectrum is None else np.sqrt(np.maximum(spectrum, 0.0))
    live = roots > EMPTY * roots.max(initial=0.0)
    roots = roots[live]
    own = sorted(tuple(np.linalg.svd(block, compute_uv=False)) for block in blocks)
    generator = np.random.Generator(np.random.Philox(key=1965))
    turned = []
    for sizes in own:  # sorted, so that the order of the tasks does not matter
        drawn = generator.standard_normal((DRAWS, len(roots), len(sizes))) * roots[:, None]
        turned.append(np.linalg.qr(drawn)[0] * np.array(sizes)[: len(roots)])
    joined = np.concatenate(turned, axis=2)
    energies = np.linalg.svd(joined, compute_uv=False) ** 2
    quantiles: Floats = np.quantile(energies, QUANTILE, axis=0)
    return np.pad(quantiles, (0, max(d - len(quantiles), 0)))
