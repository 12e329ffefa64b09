"""CKA: do the source's model outputs arrange the target's rows as its labels do?

Linear centred kernel alignment (Cortes, Mohri and Rostamizadeh, JMLR 2012; Kornblith et al., ICML
2019) of the outputs ``Z`` of the source's linear model on the target's rows and the target's label
columns ``Y``, both centred:

    |Z'Y|_F^2 / (|Z'Z|_F |Y'Y|_F).

0: the outputs say nothing about the labels; 1: distances between rows are the same up to a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.source_outputs import Outputs, of_pairs

if TYPE_CHECKING:
    from taskaff.stages.score.task_statistics import TaskView

EXPLAIN = (
    "How alike the target's rows are arranged by what the source's linear model says of them, and "
    "by their own labels (centred kernel alignment). 0: nothing in common, 1: the same."
)


def cka(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """Linear CKA of the source's outputs and the target's labels, on the target's rows."""
    return of_pairs("cka", EXPLAIN, alignment, views, settings, (0.0, 1.0))


def alignment(outputs: Outputs) -> float:
    """Linear CKA; 0 where the source's outputs do not vary on the target's rows."""
    norm = float(np.linalg.norm(outputs.C) * np.linalg.norm(outputs.Y))
    return float((outputs.S**2).sum()) / norm if norm > 0 else 0.0
