"""A forest of regression trees as plain arrays, evaluated by NumPy: no pickle, no scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

FIELDS = ("roots", "column", "threshold", "left", "right", "value")


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The nodes of all trees one after the other; a leaf is its own child."""

    roots: np.ndarray
    """``(trees,)`` number of each tree's first node."""
    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def __call__(self, X: Floats) -> Floats:
        """``(n,)`` mean over trees of the leaf values of ``X (n, q)``, which has no NaN."""
        return np.asarray(self.value[self._leaves(X)].mean(axis=1))

    def _leaves(self, X: Floats) -> np.ndarray:
        rows = np.arange(len(X))[:, None]
        at = np.broadcast_to(self.roots, (len(X), len(self.roots)))
        while True:
            goes_left = X[rows, self.column[at]] <= self.threshold[at]
            following = np.where(goes_left, self.left[at], self.right[at])
            if np.array_equal(following, at):
                return at
            at = following

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """The forest under names that begin with ``prefix``."""
        return {prefix + name: getattr(self, name) for name in FIELDS}


def from_arrays(arrays: Mapping[str, np.ndarray], prefix: str) -> Forest:
    """The inverse of ``Forest.arrays``."""
    return Forest(*(arrays[prefix + name] for name in FIELDS))


def from_trees(estimators: Sequence[Any]) -> Forest:
    """The arrays of scikit-learn's fitted trees (``ExtraTreesRegressor.estimators_``)."""
    trees = [estimator.tree_ for estimator in estimators]
    sizes = [tree.node_count for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    own = np.concatenate([np.arange(size) for size in sizes])
    first = np.repeat(roots, sizes)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([np.asarray(getattr(tree, name)) for tree in trees])

    leaf = joined("children_left") < 0
    children = {
        side: np.where(leaf, own, joined(f"children_{side}")) + first for side in ("left", "right")
    }
    return Forest(
        roots,
        np.where(leaf, 0, joined("feature")).astype(np.int16),
        joined("threshold").astype(np.float32),
        children["left"].astype(np.int32),
        children["right"].astype(np.int32),
        joined("value").reshape(-1).astype(np.float32),
    )
