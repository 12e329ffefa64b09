"""Array types by their element; the alphabet of every shape.

Alphabet of every docstring: ``n`` rows, ``d`` embedding dimensions, ``c`` classes or label columns,
``k`` tasks, ``r`` capacity (output width of the shared module), ``X (n, d)``, ``Y (n, c)``,
``G = X'X``, ``C`` centred covariance, ``theta (d, c)`` linear single-task model. ``FOLDS`` rows of
a leading axis are the folds: a row's fold is a function of its content alone, so that repeated
rows never sit on both sides of a split.

The names exist for type checkers alone: importing this module loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Floats32 = NDArray[np.float32]
    Ints = NDArray[np.int64]
    Ints32 = NDArray[np.int32]
    Hashes = NDArray[np.uint64]
