"""What both arms of a comparison predict of the test rows, for whoever checks the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

from taskaff.core.records.probe import PredictedRows
from taskaff.stages.probe.records import Slot, SlotOutcome
from taskaff.stages.probe.training_data import KINDS

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Floats32, Hashes
    from taskaff.stages.probe.prepare import Prepared


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A task's test rows for one seed, and how outputs become predictions."""

    kind: str
    ids: Hashes
    labels: Floats
    """``(n, w)``: one code of classes, else the labels as they are in the data."""
    moments: tuple[Floats, Floats] | None
    """Mean and deviation by which a regression is standardised."""

    def rows(self, base: SlotOutcome, other: SlotOutcome) -> PredictedRows | None:
        """Both arms' predictions, where their outputs were stored."""
        if base.outputs is None or other.outputs is None:
            return None
        both = self.predicted(base.outputs), self.predicted(other.outputs)
        return PredictedRows(self.ids, self.labels, *both)

    def predicted(self, outputs: Floats32) -> Floats:
        """Probabilities of classes or labels, or values, ``(n, c)``."""
        out = outputs.astype(np.float64)
        if self.moments is not None:
            return out * self.moments[1] + self.moments[0]
        probabilities: Floats = softmax(out, axis=1) if self.kind == "classes" else expit(out)
        return probabilities


def truth(prepared: Prepared, slot: Slot) -> Truth:
    """Labels of the test rows of a slot."""
    data, task = prepared.data, prepared.tasks[slot.task]
    rows = slot.test - data.starts[slot.task]
    kind = KINDS[data.kinds[slot.task]]
    labels = np.asarray(task.labels)[rows].astype(np.float64).reshape(len(rows), -1)
    moments = data.moments(slot.task, slot.train) if kind == "regression" else None
    return Truth(kind, task.hashes[rows], labels, moments)


def truths(
    prepared: Prepared, slots: Mapping[tuple[int, int], Slot] | None = None
) -> dict[tuple[int, int], Truth]:
    """By task and seed number, as the keys of arms end; empty where ``keep_outputs`` is off.

    ``slots`` are those of the tested tasks; by default every task's as a target.
    """
    settings = prepared.settings
    if not settings.keep_outputs:
        return {}
    if slots is None:
        keys = product(range(len(prepared.tasks)), range(len(settings.seeds)))
        slots = {key: prepared.target_slot(*key) for key in keys}
    return {key: truth(prepared, slot) for key, slot in slots.items()}
