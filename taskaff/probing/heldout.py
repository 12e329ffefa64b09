"""Held-out losses of a chunk: looks at the validation rows, best weights, and the final test.

A *unit* is one judged slot of one run, stopped on its own best validation loss. Units with the same
held-out rows are one matrix product: their shared modules side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.probing import align
from taskaff.probing.batches import looks
from taskaff.probing.chunk import Chunk
from taskaff.probing.judge import constant_loss, diverged
from taskaff.probing.losses import CLASSES, mean_loss
from taskaff.probing.metrics import metrics
from taskaff.probing.model import Parameters, finish_trunk
from taskaff.probing.records import Run, RunOutcome, Slot, SlotOutcome

if TYPE_CHECKING:
    from taskaff.probing.records import Ints

LOGITS = 1 << 24
"""Entries of the largest block of held-out outputs."""


class HeldOut:
    """Looks at a chunk while it is trained, and keeps every unit's best weights."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        judged = [
            (i, s)
            for i, run in enumerate(chunk.runs)
            for s, slot in enumerate(run.slots)
            if slot.judged
        ]
        self.index = {at: u for u, at in enumerate(judged)}
        self.slots = [chunk.runs[i].slots[s] for i, s in judged]
        self.run = self._long([i for i, _ in judged])
        self.head = self._long([i * chunk.S + s for i, s in judged])
        self.plans = [(run.steps, run.initial is not None) for run in self._runs(judged)]
        self.grids = {plan: frozenset(looks(*plan)) for plan in set(self.plans)}
        self.updates = sorted(set().union(*self.grids.values()))
        self.best = torch.full((len(judged),), torch.inf, device=chunk.device)
        self.best_step = torch.zeros(len(judged), dtype=torch.long, device=chunk.device)
        self.kept = self._weights(slice(None))
        self._keep_whole(judged)
        self.seen: list[tuple[int, list[int], np.ndarray]] = []
        self.groups: dict[tuple[tuple[int, bool], ...], list[Group]] = {}

    def look(self) -> None:
        """Held-out loss of the units whose grid has this update; keep the weights that are best."""
        now = self.chunk.t
        due = tuple(plan for plan, grid in sorted(self.grids.items()) if now in grid)
        if due not in self.groups:
            units = [u for u, plan in enumerate(self.plans) if plan in due]
            self.groups[due] = list(self._grouped(units, "validation"))
        for group in self.groups[due]:
            weights = self._weights(group.units)
            loss = torch.cat([group.loss(out) for _, out in group.outputs(weights)])
            better = loss < self.best[group.units]
            improved = group.units[better]
            self.best[improved] = loss[better]
            self.best_step[improved] = now
            for name, value in weights.items():
                self.kept[name][improved] = value[better]
            self._update_whole(improved)
            self.seen.append((now, group.units.tolist(), loss.cpu().numpy()))

    def outcomes(self) -> list[RunOutcome]:
        """Test loss and metrics of every unit at its best weights, gathered by run."""
        curves: list[list[tuple[float, float]]] = [[] for _ in self.slots]
        for update, units, losses in self.seen:
            for u, loss in zip(units, losses, strict=True):
                curves[u].append((update, float(loss)))
        tested: dict[int, tuple[float, dict[str, np.ndarray], int]] = {}
        for group in self._grouped(range(len(self.slots)), "test"):
            for part, out in group.outputs({k: v[group.units] for k, v in self.kept.items()}):
                loss = group.loss(out).cpu().numpy()
                found = metrics(group.kind, out.mT.cpu().numpy(), *group.truth())
                for j, u in enumerate(group.units[part].tolist()):
                    tested[u] = (float(loss[j]), found, j)
        built = [self._outcome(u, np.array(curves[u]), *tested[u]) for u in range(len(self.slots))]
        return [self._run_outcome(i, built) for i in range(len(self.chunk.runs))]

    # ------------------------------------------------------------------ parts

    def _outcome(
        self, u: int, curve: np.ndarray, loss: float, found: dict[str, np.ndarray], j: int
    ) -> SlotOutcome:
        task = self.slots[u].task
        constant = constant_loss(self.chunk.bank.kinds[task], self.chunk.bank.widths[task])
        reason = diverged(curve[:, 1], loss, constant)
        if reason:
            nan = float("nan")
            return SlotOutcome(nan, nan, dict.fromkeys(found, nan), 0, curve, reason)
        values = {name: float(value[j]) for name, value in found.items()}
        return SlotOutcome(float(self.best[u]), loss, values, int(self.best_step[u]), curve)

    def _run_outcome(self, i: int, built: Sequence[SlotOutcome]) -> RunOutcome:
        chunk, run = self.chunk, self.chunk.runs[i]
        units = [self.index.get((i, s)) for s in range(len(run.slots))]
        weights: tuple[float, ...] = ()
        if chunk.uncertain:
            of_run = torch.exp(-chunk.p["s"].view(-1, chunk.S)[i, : len(units)])
            weights = tuple(of_run.tolist())
        outcomes = tuple(None if u is None else built[u] for u in units)
        return RunOutcome(run.key, outcomes, self._state(i), weights)

    # ---------------------------------------------------------- whole states

    def _keep_whole(self, judged: Sequence[tuple[int, int]]) -> None:
        """Room for the weights of all slots of the runs whose state is asked for."""
        first: dict[int, int] = {}
        for u, run in enumerate(self._runs(judged)):
            if run.keep_state:
                first.setdefault(judged[u][0], u)
        self.keepers = {i: k for k, i in enumerate(first)}
        places = np.full(len(judged), -1)
        places[list(first.values())] = np.arange(len(first))
        self.place = self._long(places.tolist())
        runs = self._long(list(first))
        self.whole = {name: value[runs] for name, value in self._by_run().items()}

    def _update_whole(self, improved: Tensor) -> None:
        if not self.keepers:
            return
        place = self.place[improved]
        runs = self.run[improved][place >= 0]
        for name, value in self._by_run().items():
            self.whole[name][place[place >= 0]] = value[runs]

    def _by_run(self) -> Parameters:
        """All present weights with a leading axis of runs, then one of slots for their parts."""
        chunk = self.chunk
        return {
            name: value.view(-1, chunk.S, *value.shape[1:]) if name in chunk.slot_parts else value
            for name, value in chunk.p.items()
        }

    def _state(self, i: int) -> dict[str, np.ndarray] | None:
        """Unpadded weights of a run at the best look of its first judged slot."""
        if i not in self.keepers:
            return None
        chunk, run = self.chunk, self.chunk.runs[i]
        whole = {name: value[self.keepers[i]].cpu().numpy() for name, value in self.whole.items()}
        state = {k: whole[k][:a, :b].copy() for k, (a, b) in chunk.cuts[i].items()}
        for s, slot in enumerate(run.slots):
            A, c = whole["A"][s], chunk.bank.widths[slot.task]
            state[f"A{s}"] = np.concatenate([A[: run.r, :c], A[-1:, :c]])
            for name in chunk.slot_parts[1:]:
                state[f"{name}{s}"] = whole[name][s].copy()
        return state

    # ------------------------------------------------------------------ parts

    def _runs(self, judged: Sequence[tuple[int, int]]) -> list[Run]:
        return [self.chunk.runs[i] for i, _ in judged]

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

    def _grouped(self, units: Sequence[int], role: str) -> Iterator[Group]:
        groups: dict[tuple[int, int, int], list[int]] = {}
        for u in units:
            slot = self.slots[u]
            key = (slot.task, id(getattr(slot, role)), id(slot.train))
            groups.setdefault(key, []).append(u)
        for members in groups.values():
            slot = self.slots[members[0]]
            yield self.group(slot, getattr(slot, role), self._long(members))

    def group(self, slot: Slot, rows: Ints, units: Tensor) -> Group:
        """How the outputs of units with the same rows are computed."""
        return Group(self.chunk, slot, rows, units, self)

    def _long(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=self.chunk.device)


class Group:
    """Units that share held-out rows and the standardisation of their labels."""

    def __init__(self, chunk: Chunk, slot: Slot, rows: Ints, units: Tensor, owner: HeldOut) -> None:
        bank = chunk.bank
        at = torch.from_numpy(rows).to(chunk.device)
        self.chunk, self.units = chunk, units
        self.kind, self.c = bank.kinds[slot.task], bank.widths[slot.task]
        self.X, self.codes = bank.X[at], bank.codes[at]
        self.values = self.X.new_zeros((1, 0))
        if self.kind != CLASSES:
            head = owner.head[units[0]]
            raw = bank.values[at][:, : self.c]
            self.values = (raw - chunk.shift[head, :, : self.c]) * chunk.over[head, :, : self.c]
        self.scale = None if chunk.scale is None else chunk.scale[owner.run[units]]

    def outputs(self, weights: Parameters) -> Iterator[tuple[slice, Tensor]]:
        """Outputs ``(m, c, n)``, in blocks of units that fit the memory."""
        n, wide = len(self.X), max(self.c, self.chunk.r + 1)
        block = max(1, LOGITS // (n * wide))
        for start in range(0, len(self.units), block):
            part = slice(start, start + block)
            p = {name: value[part] for name, value in weights.items()}
            yield part, self._forward(p, None if self.scale is None else self.scale[part])

    def _forward(self, p: Parameters, scale: Tensor | None) -> Tensor:
        m, d, r = p["B"].shape
        B = p["B"] if scale is None else p["B"] * scale
        z = (self.X @ B.transpose(0, 1).reshape(d, m * r)).view(-1, m, r).transpose(0, 1)
        seen = finish_trunk(self.chunk.trunk, p, self.X, z)
        return torch.bmm(p["A"][:, :, : self.c].transpose(1, 2), seen.h.transpose(1, 2))

    def loss(self, outputs: Tensor) -> Tensor:
        """``(m,)``."""
        return mean_loss(outputs, self.kind, self.codes, self.values.T)

    def truth(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes ``(n,)`` and values ``(n, c)`` as the loss sees them."""
        return self.codes.cpu().numpy(), self.values.cpu().numpy()
