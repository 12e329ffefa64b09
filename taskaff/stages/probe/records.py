"""The probe's own records: runs and their outcomes.

Alphabet as in ``core.records.arrays``; ``S`` slots (tasks of a run), ``b`` rows of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskaff.core.settings import Trunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats, Floats32, Ints

    State = Mapping[str, Floats32]

Key = tuple[Any, ...]
"""What a plan calls a run or, without the weight decay at its end, an arm for one seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One task inside a run. Row numbers are rows of the shared matrix (``TrainingData``)."""

    task: int
    """Index into the training data's tasks."""
    train: Ints
    validation: Ints
    test: Ints
    stream: str
    """Name of the random stream of its batches; equal names and rows give equal batches."""
    tested: bool = True
    """Evaluated during training and reported; a source that only helps is not."""
    weight: float = 1.0
    """Factor of its loss (W eq. 2)."""
    labels: Ints | None = None
    """Rows whose labels the training rows get, in their order; None for their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One small model to be trained; everything about it that can differ from its neighbours.

    Nothing here depends on which other runs are trained with it, and neither does its outcome.
    """

    key: Key
    seed: int
    slots: tuple[Slot, ...]
    stream: str
    """Name of the random stream of the shared module's initial weights."""
    trunk: Trunk = "linear"
    r: int = 16
    updates: int = 1200
    """Cap of every tested slot, in its own updates (``schedule``)."""
    patience: float = 0.0
    """A tested slot ends when so many times the updates of its best evaluation gave nothing better;
    0 trains to the cap."""
    epochs: int | None = None
    """Passes over the rows of each tested slot, in place of cap and patience."""
    shares: tuple[float, ...] = ()
    """Shares of the updates, by slot; empty means equal ones."""
    together: bool = False
    """Every update has a batch of every slot."""
    batch: int = 32
    lr: float = 0.01
    weight_decay: float = 0.0
    source_until: float = 1.0
    """Slots that are not tested have no updates after this share of the cap."""
    scale: float = 1.0
    """Vectors are multiplied by it."""
    frozen: frozenset[str] = frozenset()
    """Parts that do not move: ``trunk``, ``heads``."""
    initial: State | None = None
    """Weights to start from instead of random ones, by the names of ``model.initial_state``;
    they are evaluated before the first update."""
    keep_state: bool = False
    """Return all weights at the best evaluation of every tested slot."""
    keep_outputs: bool = False
    """Return the outputs on the test rows of every tested slot."""
    align: str = ""
    """Form of the slots' alignment matrices (``align.FORMS``); none by default."""
    align_rank: int = 0
    """Rank of the low-rank form."""
    lr_align: float = 0.001
    uncertain: bool = False
    """Learn the weights of the losses (Kendall et al. 2018)."""


@dataclass(frozen=True, slots=True, eq=False)
class SlotOutcome:
    """One tested task of one run, at the evaluation with its least validation loss."""

    validation_loss: float
    test_loss: float
    metrics: Mapping[str, float]
    """On the test rows."""
    step: int
    """The slot's own updates at its best evaluation."""
    curve: Floats
    """``(evaluations, 2)``: own updates, validation loss."""
    diverged: str = ""
    """Why the run counts as diverged; its numbers are NaN then."""
    at_cap: bool = False
    """Training ended at the cap although the best evaluation is close to the end."""
    row_losses: NDArray[np.float32] | None = None
    """``(n,)``: loss of every test row."""
    state: State | None = None
    """All weights of the run at the best evaluation."""
    outputs: Floats32 | None = None
    """``(test rows, c)``: logits, or standardised values of regressions."""


@dataclass(frozen=True, slots=True, eq=False)
class RunOutcome:
    """Outcome of one run: one outcome a slot, None for those that were not tested."""

    key: Key
    slots: tuple[SlotOutcome | None, ...]
    weights: tuple[float, ...] = ()
    """Learned weights of the slots' losses when training ended; only of uncertain runs."""

    @property
    def state(self) -> State | None:
        """All weights at the best evaluation of the first tested slot, where they were stored."""
        return next((slot.state for slot in self.slots if slot is not None), None)
