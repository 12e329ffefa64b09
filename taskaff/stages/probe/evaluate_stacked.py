"""Held-out losses of a chunk: validation losses, best weights, and the final test.

Every unit (``units``) is stopped on its own best validation loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import align
from taskaff.stages.probe.evaluation import constant_loss, due_evaluations, slot_outcome
from taskaff.stages.probe.metrics import metrics
from taskaff.stages.probe.model import Parameters
from taskaff.stages.probe.records import RunOutcome, SlotOutcome
from taskaff.stages.probe.stacked import Chunk
from taskaff.stages.probe.units import Group, Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints

STAY = 0.8
"""Ended runs are taken out of a chunk when no larger share of it is still in training."""


class HeldOut(Units):
    """Evaluates a chunk in training, stores every unit's best weights, says what has ended."""

    def __init__(self, chunk: Chunk) -> None:
        super().__init__(chunk)
        self.limits = [chunk.planner.schedule(self.runs[i]).limits(s) for i, s in self.index]
        self.due = self._due()
        self.best = torch.full((len(self.slots),), torch.inf, device=chunk.device)
        self.best_step = np.zeros(len(self.slots), np.int64)
        self.updates = np.zeros(len(self.slots), np.int64)
        self.open = np.ones(len(self.slots), bool)
        self.deviations = torch.zeros(len(self.runs), chunk.S, device=chunk.device)
        self._follow()
        self.best_weights = self._weights(slice(None))
        self._store_states()
        self.curves: list[list[tuple[float, float]]] = [[] for _ in self.slots]
        self.families = {role: list(self.grouped(role)) for role in ("validation", "test")}

    def _due(self) -> dict[int, tuple[Ints, Ints]]:
        """Round to the units that are evaluated after it, and their updates then."""
        units: dict[int, list[tuple[int, int]]] = {}
        known: dict[tuple[object, ...], dict[int, int]] = {}
        for (i, s), u in self.index.items():
            run = self.runs[i]
            schedule = self.chunk.planner.schedule(run)
            key = (schedule, s, self.limits[u], run.initial is None)
            if key not in known:
                known[key] = due_evaluations(run, schedule, s)
            for rounds, updates in known[key].items():
                units.setdefault(rounds, []).append((u, updates))
        return {
            rounds: (np.array([u for u, _ in due]), np.array([n for _, n in due]))
            for rounds, due in sorted(units.items())
        }

    def next_round(self) -> int | None:
        """The next round after which something is evaluated, or nothing when all has ended."""
        for rounds, (units, _) in self.due.items():
            if self.open[units].any():
                return rounds
        return None

    def evaluate(self) -> None:
        """Held-out loss of the units that are due; keep the weights that are best.

        Runs of which every unit has ended leave the chunk once they are enough to be worth it.
        """
        self._follow()
        due_now, updates = self.due.pop(self.chunk.rounds)
        here = self.open[due_now]
        units = due_now[here]
        self.updates[units] = updates[here]
        due = np.zeros(len(self.slots), bool)
        due[units] = True
        for group in self.families["validation"]:
            chosen = group.units[due[group.units]]
            if len(chosen):
                self._evaluate_group(group, chosen)
        for u in units:
            self.open[u] = not self.limits[u].ended(self.curves[u])
        if self.chunk.uncertain:
            runs = np.unique(self.owner[units])
            places = self.long(self.places[runs])
            self.deviations[self.long(runs)] = self.chunk.p["s"].view(-1, self.chunk.S)[places]
        self._leave()

    def _evaluate_group(self, group: Group, units: Ints) -> None:
        at = self.long(units)
        weights = self._weights(at)
        loss = torch.cat([group.row_losses(out).mean(1) for _, out in group.outputs(weights, at)])
        better = loss < self.best[at]
        improved = at[better]
        self.best[improved] = loss[better]
        self.best_step[units[better.cpu().numpy()]] = self.updates[units[better.cpu().numpy()]]
        for name, value in weights.items():
            self.best_weights[name][improved] = value[better]
        self._update_states(improved)
        for u, value in zip(units.tolist(), loss.tolist(), strict=True):
            self.curves[u].append((float(self.updates[u]), value))

    def _leave(self) -> None:
        """Take runs out of the chunk of which every unit has ended."""
        stay = np.flatnonzero(self.training())
        if 0 < len(stay) <= STAY * len(self.chunk.ids):
            self.chunk.select(stay)

    def training(self) -> NDArray[np.bool_]:
        """Which of the chunk's runs have not ended."""
        open_runs = np.zeros(len(self.runs), bool)
        open_runs[self.owner[self.open]] = True
        return open_runs[self.chunk.ids]

    def _follow(self) -> None:
        """Places of the units' runs and heads in the chunk now."""
        self.places = np.full(len(self.runs), -1)
        self.places[self.chunk.ids] = np.arange(len(self.chunk.ids))
        run = self.places[self.owner]
        self.run, self.head = self.long(run), self.long(run * self.chunk.S + self.own_slot)

    def outcomes(self) -> list[RunOutcome]:
        """Test loss and metrics of every unit at its best weights, gathered by run."""
        built: dict[int, SlotOutcome] = {}
        for group in self.families["test"]:
            at, constant = self.long(group.units), constant_loss(group.kind, group.c)
            labels = group.codes.cpu().numpy(), group.values.cpu().numpy()
            for part, out in group.outputs({k: v[at] for k, v in self.best_weights.items()}, at):
                losses = group.row_losses(out).cpu().numpy()
                outputs = out.mT.cpu().numpy()
                scores = metrics(group.kind, outputs, *labels)
                for j, u in enumerate(group.units[part].tolist()):
                    asked = self.runs[self.owner[u]].keep_outputs
                    built[u] = slot_outcome(
                        self.curves[u],
                        (float(self.best[u]), int(self.best_step[u])),
                        int(self.updates[u]),
                        self.limits[u],
                        constant,
                        losses=losses[j],
                        metrics={name: float(value[j]) for name, value in scores.items()},
                        state=self._state(u),
                        outputs=outputs[j].copy() if asked else None,
                    )
        return [self._run_outcome(i, built) for i in range(len(self.runs))]

    def _run_outcome(self, i: int, built: Mapping[int, SlotOutcome]) -> RunOutcome:
        run = self.runs[i]
        units = [self.index.get((i, s)) for s in range(len(run.slots))]
        weights: tuple[float, ...] = ()
        if self.chunk.uncertain:
            learned = torch.exp(-self.deviations[i, : len(units)])
            weights = tuple(learned.tolist())
        outcomes = tuple(None if u is None else built[u] for u in units)
        return RunOutcome(run.key, outcomes, weights)

    # ---------------------------------------------------------- complete states

    def _store_states(self) -> None:
        """Room for the weights of all slots, for every unit whose run's state is asked for."""
        stored = [u for (i, _), u in self.index.items() if self.runs[i].keep_state]
        self.keepers = {u: k for k, u in enumerate(stored)}
        places = np.full(len(self.slots), -1)
        places[stored] = np.arange(len(stored))
        self.place = self.long(places.tolist())
        runs = self.long(self.owner[stored])
        self.states = {name: value[runs] for name, value in self._by_run().items()}

    def _update_states(self, improved: Tensor) -> None:
        if not self.keepers:
            return
        place = self.place[improved]
        runs = self.run[improved][place >= 0]
        for name, value in self._by_run().items():
            self.states[name][place[place >= 0]] = value[runs]

    def _by_run(self) -> Parameters:
        """All present weights with a leading axis of runs, then one of slots for their parts."""
        chunk = self.chunk
        return {
            name: value.view(-1, chunk.S, *value.shape[1:]) if name in chunk.slot_parts else value
            for name, value in chunk.p.items()
        }

    def _state(self, u: int) -> dict[str, np.ndarray] | None:
        """Unpadded weights of a unit's run at the unit's best evaluation."""
        if u not in self.keepers:
            return None
        chunk, i = self.chunk, int(self.owner[u])
        run = self.runs[i]
        complete = {
            name: value[self.keepers[u]].cpu().numpy() for name, value in self.states.items()
        }
        state = {k: complete[k][:a, :b].copy() for k, (a, b) in chunk.cuts[i].items()}
        for s, slot in enumerate(run.slots):
            A, c = complete["A"][s], chunk.data.widths[slot.task]
            state[f"A{s}"] = np.concatenate([A[: run.r, :c], A[-1:, :c]])
            for name in chunk.slot_parts[1:]:
                state[f"{name}{s}"] = complete[name][s].copy()
        return state

    def _weights(self, units: Tensor | slice) -> Parameters:
        """A copy of the units' present weights, ``R`` and ``B`` as their product."""
        chunk, p = self.chunk, self.chunk.p
        run, head = self.run[units], self.head[units]
        out = {name: p[name][run] for name in chunk.shared}
        if chunk.form:
            parts = {name: p[name][head] for name in align.FORMS[chunk.form]}
            out["B"] = align.aligned(chunk.form, parts, out["B"])
        out["A"] = p["A"][head]
        return out


class Watching(Protocol):
    """Measures something of a chunk between rounds, and leaves the chunk as it is."""

    next_round: int
    """The round after which to measure next."""

    def measure(self, training: NDArray[np.bool_]) -> None:
        """Measure those runs of the chunk that are in training, and move ``next_round`` on."""
        ...


def train_stacked(
    chunk: Chunk, held_out: HeldOut, watch: Watching | None = None
) -> list[RunOutcome]:
    """Train a chunk to its end, from evaluation to evaluation."""
    while (rounds := held_out.next_round()) is not None:
        while watch and watch.next_round < rounds:
            if watch.next_round > chunk.rounds:
                chunk.advance(watch.next_round)
            watch.measure(held_out.training())
        if rounds > chunk.rounds:
            chunk.advance(rounds)
        held_out.evaluate()
    return held_out.outcomes()
