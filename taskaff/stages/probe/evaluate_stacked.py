"""Held-out losses of a chunk: validation losses, best weights, and the final test.

A *unit* is one tested slot of one run, stopped on its own best validation loss. Units with the same
held-out rows are one matrix product: their shared modules side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import align
from taskaff.stages.probe.evaluation import constant_loss, due_evaluations, slot_outcome
from taskaff.stages.probe.losses import CLASSES, mean_loss, row_losses
from taskaff.stages.probe.metrics import metrics
from taskaff.stages.probe.model import Parameters, finish_trunk, head_outputs
from taskaff.stages.probe.records import RunOutcome, Slot, SlotOutcome
from taskaff.stages.probe.stacked import Chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints

CPU_LOGITS, CUDA_LOGITS = 1 << 19, 1 << 24
"""Entries of the largest block of held-out outputs: on a processor 2 MB, as much as its cache."""

STAY = 0.8
"""Ended runs are taken out of a chunk when no larger share of it is still in training."""


class HeldOut:
    """Evaluates a chunk while it is trained, stores every unit's best weights, says what has ended.

    Runs and heads are numbered by their places in the chunk at the start.
    """

    def __init__(self, chunk: Chunk) -> None:
        self.chunk, self.runs = chunk, list(chunk.runs)
        tested = [
            (i, s)
            for i, run in enumerate(self.runs)
            for s, slot in enumerate(run.slots)
            if slot.tested
        ]
        self.index = {at: u for u, at in enumerate(tested)}
        self.slots = [self.runs[i].slots[s] for i, s in tested]
        self.first_run = self._long([i for i, _ in tested])
        self.first_head = self._long([i * chunk.S + s for i, s in tested])
        self.owner, self.own_slot = (np.array(part) for part in zip(*tested, strict=True))
        self.limits = [chunk.planner.schedule(self.runs[i]).limits(s) for i, s in tested]
        self.due = self._due(tested)
        self.best = torch.full((len(tested),), torch.inf, device=chunk.device)
        self.best_step = np.zeros(len(tested), np.int64)
        self.updates = np.zeros(len(tested), np.int64)
        self.open = np.ones(len(tested), bool)
        self.scale, self.shift, self.over = chunk.scale, chunk.shift, chunk.over
        self.deviations = torch.zeros(len(self.runs), chunk.S, device=chunk.device)
        self._follow()
        self.best_weights = self._weights(slice(None))
        self._store_states(tested)
        self.curves: list[list[tuple[float, float]]] = [[] for _ in tested]
        self.families = {role: list(self._grouped(role)) for role in ("validation", "test")}

    def _due(self, tested: Sequence[tuple[int, int]]) -> dict[int, tuple[Ints, Ints]]:
        """Round to the units that are evaluated after it, and their updates then."""
        units: dict[int, list[tuple[int, int]]] = {}
        known: dict[tuple[object, ...], dict[int, int]] = {}
        for u, (i, s) in enumerate(tested):
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
                self._look_at(group, chosen)
        for u in units:
            self.open[u] = not self.limits[u].ended(self.curves[u])
        if self.chunk.uncertain:
            runs = np.unique(self.owner[units])
            places = self._long(self.places[runs])
            self.deviations[self._long(runs)] = self.chunk.p["s"].view(-1, self.chunk.S)[places]
        self._leave()

    def _look_at(self, group: Group, units: Ints) -> None:
        at = self._long(units)
        weights = self._weights(at)
        loss = torch.cat([group.loss(out) for _, out in group.outputs(weights, at)])
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
        self.run, self.head = self._long(run), self._long(run * self.chunk.S + self.own_slot)

    def outcomes(self) -> list[RunOutcome]:
        """Test loss and metrics of every unit at its best weights, gathered by run."""
        tested: dict[int, tuple[np.ndarray, dict[str, np.ndarray], int, np.ndarray | None]] = {}
        for group in self.families["test"]:
            at = self._long(group.units)
            for part, out in group.outputs({k: v[at] for k, v in self.best_weights.items()}, at):
                losses = group.row_losses(out).cpu().numpy()
                outputs = out.mT.cpu().numpy()
                scores = metrics(group.kind, outputs, *group.truth())
                for j, u in enumerate(group.units[part].tolist()):
                    kept = self.runs[self.owner[u]].keep_outputs
                    tested[u] = (losses[j], scores, j, outputs[j].copy() if kept else None)
        built = [self._outcome(u, *tested[u]) for u in range(len(self.slots))]
        return [self._run_outcome(i, built) for i in range(len(self.runs))]

    # ------------------------------------------------------------------ parts

    def _outcome(
        self,
        u: int,
        rows: np.ndarray,
        scores: dict[str, np.ndarray],
        j: int,
        predicted: np.ndarray | None,
    ) -> SlotOutcome:
        task = self.slots[u].task
        return slot_outcome(
            self.curves[u],
            (float(self.best[u]), int(self.best_step[u])),
            int(self.updates[u]),
            self.limits[u],
            constant_loss(self.chunk.data.kinds[task], self.chunk.data.widths[task]),
            losses=rows,
            metrics={name: float(value[j]) for name, value in scores.items()},
            state=self._state(u),
            outputs=predicted,
        )

    def _run_outcome(self, i: int, built: Sequence[SlotOutcome]) -> RunOutcome:
        run = self.runs[i]
        units = [self.index.get((i, s)) for s in range(len(run.slots))]
        weights: tuple[float, ...] = ()
        if self.chunk.uncertain:
            learned = torch.exp(-self.deviations[i, : len(units)])
            weights = tuple(learned.tolist())
        outcomes = tuple(None if u is None else built[u] for u in units)
        return RunOutcome(run.key, outcomes, weights)

    # ---------------------------------------------------------- complete states

    def _store_states(self, tested: Sequence[tuple[int, int]]) -> None:
        """Room for the weights of all slots, for every unit whose run's state is asked for."""
        stored = [u for u, (i, _) in enumerate(tested) if self.runs[i].keep_state]
        self.keepers = {u: k for k, u in enumerate(stored)}
        places = np.full(len(tested), -1)
        places[stored] = np.arange(len(stored))
        self.place = self._long(places.tolist())
        runs = self._long([tested[u][0] for u in stored])
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

    # ------------------------------------------------------------------ parts

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

    def _grouped(self, role: str) -> Iterator[Group]:
        """Units with the same held-out rows and the same standardisation of labels."""
        groups: dict[tuple[int, int, int], list[int]] = {}
        for u, slot in enumerate(self.slots):
            key = (slot.task, id(getattr(slot, role)), id(slot.train))
            groups.setdefault(key, []).append(u)
        for members in groups.values():
            slot = self.slots[members[0]]
            yield self.group(slot, getattr(slot, role), np.array(members))

    def group(self, slot: Slot, rows: Ints, units: Ints) -> Group:
        """How the outputs of units with the same rows are computed."""
        return Group(self, slot, rows, units)

    def _long(self, values: Sequence[int] | NDArray[np.int64]) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.int64), device=self.chunk.device)


class Group:
    """Units that share held-out rows and the standardisation of their labels."""

    def __init__(self, owner: HeldOut, slot: Slot, rows: Ints, units: Ints) -> None:
        chunk = owner.chunk
        data = chunk.data
        at = torch.from_numpy(rows).to(chunk.device)
        self.chunk, self.units, self.scale = chunk, units, owner.scale
        self.first_run = owner.first_run
        self.kind, self.c = data.kinds[slot.task], data.widths[slot.task]
        self.X, self.codes = data.X[at], data.codes[at]
        self.values = self.X.new_zeros((1, 0))
        if self.kind != CLASSES:
            head = owner.first_head[units[0]]
            raw = data.values[at][:, : self.c]
            self.values = (raw - owner.shift[head, :, : self.c]) * owner.over[head, :, : self.c]

    def outputs(self, weights: Parameters, units: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Outputs ``(m, c, n)`` of some units, in blocks that fit the memory."""
        n, wide = len(self.X), max(self.c, self.chunk.r + 1)
        most = CPU_LOGITS if self.X.device.type == "cpu" else CUDA_LOGITS
        block = max(1, most // (n * wide))
        scale = None if self.scale is None else self.scale[self.first_run[units]]
        for start in range(0, len(units), block):
            part = slice(start, start + block)
            p = {name: value[part] for name, value in weights.items()}
            yield part, self._forward(p, None if scale is None else scale[part])

    def _forward(self, p: Parameters, scale: Tensor | None) -> Tensor:
        m, d, r = p["B"].shape
        B = p["B"] if scale is None else p["B"] * scale
        z = (self.X @ B.transpose(0, 1).reshape(d, m * r)).view(-1, m, r).transpose(0, 1)
        seen = finish_trunk(self.chunk.trunk, p, self.X, z)
        return head_outputs(seen.h, p["A"][:, :, : self.c])

    def loss(self, outputs: Tensor) -> Tensor:
        """``(m,)``."""
        return mean_loss(outputs, self.kind, self.codes, self.values.T)

    def row_losses(self, outputs: Tensor) -> Tensor:
        """``(m, n)``."""
        return row_losses(outputs, self.kind, self.codes, self.values.T)

    def truth(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes ``(n,)`` and values ``(n, c)`` as the loss sees them."""
        return self.codes.cpu().numpy(), self.values.cpu().numpy()


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
