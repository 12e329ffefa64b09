"""Signatures of tasks: sums that add over shards, and sketches of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskaff.core.records.data import InputFile, LabelSchema, Layout
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.shown import Shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats, Hashes, Ints

FOLDS = 4
"""Enough for cross-validation and a jackknife, few enough to store ``d * d`` numbers of each."""


@dataclass(frozen=True, slots=True, eq=False)
class NearKeys:
    """Keys of rows, by which near copies are known: two rows that share one are near copies."""

    counts: NDArray[np.uint8]
    """``(m,)`` keys of each row."""
    keys: Hashes
    """One row after the other, ascending within a row; numbers of 40 bits."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """64-bit content hashes of the distinct rows of a split, sorted; the smallest ones if too many.

    ``rows`` counts all rows, ``distinct`` the distinct ones (estimated when not ``exact``).
    ``threshold`` is the largest hash that could be in ``hashes``: hashes up to it are complete.
    """

    hashes: Hashes
    rows: int
    distinct: int
    threshold: int
    exact: bool
    conflicts: int = 0
    """Distinct rows that occur with different labels in one file."""
    near: NearKeys | None = None
    """Of the first rows of ``hashes``; None for ready vectors, and in files that lack them."""

    @property
    def near_threshold(self) -> int:
        """The largest hash up to which every row's near keys are kept."""
        count = len(self.near.counts) if self.near else 0
        if count == len(self.hashes):
            return self.threshold
        return int(self.hashes[count - 1]) if count else 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TaskSignature(Shown):
    """Everything that the scoring stage needs of a task: sums that add over shards, and no row.

    The sums are float64 over the rows of ``split`` and carry a leading axis of ``FOLDS``. They
    hold exactly what ``docs/signature.md`` lists; ``sketches`` (one a split) serve overlap.
    """

    name: str
    encoder: EncoderCard
    layout: Layout
    schema: LabelSchema
    split: str
    """Split whose rows were summed: ``train``, ``validation``, ``test`` or ``all``."""
    n: Ints
    """``(FOLDS,)`` rows."""
    sx: Floats
    """``(FOLDS, d)`` sum of x."""
    sxx: Floats
    """``(FOLDS, d, d)`` sum of x x'."""
    sxy: Floats
    """``(FOLDS, d, c)`` sum of x y'."""
    sy: Floats
    """``(FOLDS, c)`` sum of y."""
    syy: Floats
    """``(FOLDS, c, c)`` sum of y y'."""
    sketches: Mapping[str, Sketch]
    counts: EncodeCounts
    inputs: tuple[InputFile, ...]
    padded_from: int | None = None
    """Width before zero-padding, when the comparison asked for it."""
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """``d``."""
        return int(self.sx.shape[1])

    @property
    def rows(self) -> int:
        """``n`` over all folds."""
        return int(self.n.sum())
