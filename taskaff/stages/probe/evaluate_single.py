"""Evaluation of one run while it is trained: validation losses, best weights, the final test.

For trainers that hold one model of their own (transformers); ``evaluate_stacked`` evaluates many
runs at once. What both share is in ``evaluation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe.evaluation import constant_loss, due_evaluations, slot_outcome
from taskaff.stages.probe.losses import CLASSES, REGRESSION, row_losses
from taskaff.stages.probe.metrics import metrics
from taskaff.stages.probe.records import RunOutcome, SlotOutcome
from taskaff.stages.probe.schedule import DENSE, Grid, Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints
    from taskaff.stages.probe.records import Run, Slot, State
    from taskaff.stages.probe.training_data import TrainingData


class Model(Protocol):
    """A run in training, as the evaluator needs it."""

    schedule: Schedule
    t: int
    """Updates made."""

    def update(self) -> None:
        """Train on the next batch."""
        ...

    def outputs(self, s: int, rows: Ints) -> Tensor:
        """Outputs ``(len(rows), c)`` of slot ``s`` at the present weights, without a gradient."""
        ...

    def snapshot(self, s: int) -> Any:
        """A copy of the weights that the outputs of slot ``s`` depend on."""
        ...

    def restore(self, s: int, weights: Any) -> None:
        """Take back what ``snapshot`` gave."""
        ...

    def state(self) -> State:
        """All weights by name, copied."""
        ...

    def loss_weights(self) -> tuple[float, ...]:
        """Learned weights of the slots' losses; nothing where they are not learned."""
        ...


class SlotLabels:
    """Labels of one slot as its loss sees them: regressions standardised on its training rows."""

    def __init__(self, data: TrainingData, slot: Slot) -> None:
        self.data, self.slot = data, slot
        self.kind, self.c = data.kinds[slot.task], data.widths[slot.task]
        self.moments: tuple[Tensor, Tensor] | None = None
        if self.kind == REGRESSION:
            scale = data.moments(slot.task, slot.train)
            mean, deviation = (data.values.new_tensor(np.asarray(part)) for part in scale)
            self.moments = mean, deviation

    def of(self, rows: Ints) -> tuple[Tensor, Tensor]:
        """Codes ``(n,)`` and values ``(n, c)``; those of them that the kind does not use are 0."""
        at = torch.from_numpy(np.asarray(rows)).to(self.data.codes.device)
        codes = self.data.codes[at]
        if self.kind == CLASSES:
            return codes, self.data.values.new_zeros((1, 0))
        values = self.data.values[at][:, : self.c]
        if self.moments:
            values = (values - self.moments[0]) / self.moments[1]
        return codes, values

    def loss(self, outputs: Tensor, rows: Ints) -> Tensor:
        """Mean loss, a scalar with a gradient, of ``outputs (n, c)`` and the labels of ``rows``."""
        codes, values = self.of(rows)
        return row_losses(outputs.T.unsqueeze(0), self.kind, codes, values.T).mean(1)[0]

    def objective(self, outputs: Tensor, rows: Ints, s: Tensor | None = None) -> Tensor:
        """The loss as a run adds it up: times the slot's weight (W eq. 2), or a learned one.

        ``s`` is the log-variance of Kendall et al. (2018): ``exp(-s) L + s / 2`` for likelihoods
        of classes, ``exp(-s) L / 2 + s / 2`` for Gaussian ones.
        """
        loss = self.slot.weight * self.loss(outputs, rows)
        if s is None:
            return loss
        half = 0.5 if self.kind == REGRESSION else 1.0
        return half * torch.exp(-s.reshape(())) * loss + 0.5 * s.reshape(())

    def row_losses(self, outputs: Tensor, rows: Ints) -> NDArray[np.float32]:
        """``(n,)``."""
        codes, values = self.of(rows)
        tensor = row_losses(outputs.T.unsqueeze(0), self.kind, codes, values.T)[0]
        losses: NDArray[np.float32] = tensor.detach().cpu().numpy()
        return losses

    def metrics(self, outputs: Tensor, rows: Ints) -> dict[str, float]:
        """Metrics of ``outputs (n, c)`` by name."""
        codes, values = (part.cpu().numpy() for part in self.of(rows))
        values_of = metrics(self.kind, outputs[None].float().cpu().numpy(), codes, values)
        return {name: float(value[0]) for name, value in values_of.items()}

    def constant_loss(self) -> float:
        """About the loss of a prediction that ignores the input."""
        return constant_loss(self.kind, self.c)


class Evaluator:
    """Curves, best weights and outcome of one run."""

    def __init__(self, data: TrainingData, run: Run, schedule: Schedule, grid: Grid) -> None:
        self.run = run
        self.tested = [s for s, slot in enumerate(run.slots) if slot.tested]
        self.labels = [SlotLabels(data, slot) for slot in run.slots]
        self.limits = {s: schedule.limits(s) for s in self.tested}
        self.due: dict[int, dict[int, int]] = {}
        """Round to the slots that are evaluated after it, and their updates then."""
        for s in self.tested:
            for rounds, updates in due_evaluations(run, schedule, s, grid).items():
                self.due.setdefault(rounds, {})[s] = updates
        self.updates = dict.fromkeys(self.tested, 0)
        self.open = set(self.tested)
        self.best = dict.fromkeys(self.tested, (float("inf"), 0))
        self.curves: dict[int, list[tuple[float, float]]] = {s: [] for s in self.tested}
        self.best_weights: dict[int, Any] = {}
        self.states: dict[int, State] = {}

    def rounds(self) -> Iterator[int]:
        """Rounds after which to evaluate, until every tested slot has ended."""
        for rounds in sorted(self.due):
            if not self.open:
                return
            if self.open & self.due[rounds].keys():
                yield rounds

    def evaluate(self, model: Model, rounds: int) -> None:
        """Validation loss of every slot that is due; the best weights so far are stored."""
        for s in sorted(self.open & self.due[rounds].keys()):
            self.updates[s] = self.due[rounds][s]
            rows = self.run.slots[s].validation
            loss = float(self.labels[s].loss(model.outputs(s, rows).float(), rows))
            self.curves[s].append((self.updates[s], loss))
            if loss < self.best[s][0] or s not in self.best_weights:
                self.best[s] = loss, self.updates[s]
                self.best_weights[s] = model.snapshot(s)
                if self.run.keep_state:
                    self.states[s] = model.state()
            if self.limits[s].ended(self.curves[s]):
                self.open.discard(s)

    def outcome(self, model: Model) -> RunOutcome:
        """Test loss and metrics of every tested slot at its best weights.

        The model is left with the best weights of its last tested slot.
        """
        weights = model.loss_weights()
        slots = tuple(
            self._tested(model, s) if slot.tested else None for s, slot in enumerate(self.run.slots)
        )
        return RunOutcome(self.run.key, slots, weights)

    def _tested(self, model: Model, s: int) -> SlotOutcome:
        labels, rows = self.labels[s], self.run.slots[s].test
        model.restore(s, self.best_weights.pop(s))
        outputs = model.outputs(s, rows).float()
        return slot_outcome(
            self.curves[s],
            self.best[s],
            self.updates[s],
            self.limits[s],
            labels.constant_loss(),
            losses=labels.row_losses(outputs, rows),
            metrics=labels.metrics(outputs, rows),
            state=self.states.get(s),
            outputs=outputs.cpu().numpy() if self.run.keep_outputs else None,
        )


def train_single(data: TrainingData, run: Run, model: Model, grid: Grid = DENSE) -> RunOutcome:
    """Train a run to its end, from evaluation to evaluation."""
    evaluator = Evaluator(data, run, model.schedule, grid)
    for rounds in evaluator.rounds():
        while model.t < model.schedule.total(rounds):
            model.update()
        evaluator.evaluate(model, rounds)
    return evaluator.outcome(model)
