"""One run of a transformer in training, as ``evaluate_single.train_single`` drives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.evaluate_single import SlotLabels
from taskaff.stages.probe.schedule import Schedule
from taskaff.stages.probe.trunks import TRUNKS
from taskaff.stages.probe.tuning import CLIP, HEAD_RATE, rate
from taskaff.stages.probe.tuning.body import PREFIX, Body, free, out_of_memory
from taskaff.stages.probe.tuning.slots import SlotPart
from taskaff.stages.probe.tuning.states import copied

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32, Ints
    from taskaff.stages.probe.records import Run, State
    from taskaff.stages.probe.training_data import TrainingData

Batch = list[tuple[int, "Ints", "Ints"]]
"""Slots with their rows and the rows of the labels to use."""


class Stopped(Exception):  # noqa: N818 - not an error
    """Another worker failed, or the user interrupted."""


class Tuned:
    """Body, heads and alignment matrices of one run, and their optimisers.

    The body is left with the weights of the last slot that was restored.
    """

    def __init__(
        self, data: TrainingData, run: Run, body: Body, memory: int, stop: Event | None = None
    ) -> None:
        self.run, self.body, self.stop = run, body, stop or Event()
        self.t = 0
        self.fixed = not TRUNKS[run.trunk].moves or "trunk" in run.frozen
        self.labels = [SlotLabels(data, slot) for slot in run.slots]
        widths = [data.widths[slot.task] for slot in run.slots]
        self.parts = [
            SlotPart(run, s, body.width, c, body.tokens.d, body.device)
            for s, c in enumerate(widths)
        ]
        self.home = data.codes.device
        """Where the labels are."""
        body.start(run.initial or {})
        body.grad(not self.fixed)
        if not self.fixed:
            body.will_move()
        self._optimisers()
        self.schedule = Schedule(run)
        self.batches = self.schedule.updates()
        reference = self.schedule.limits(self.schedule.reference)
        self.last = self.schedule.total(reference.updates)
        """Updates at the cap."""
        self.micro = run.batch
        """Rows of a pass with gradient; fewer when the memory does not hold a batch."""
        tested = sum(slot.tested for slot in run.slots)
        size = 4 * sum(weight.numel() for weight in body.weights.values())
        self.on_disk = run.keep_state or tested * size > memory
        self.copy: tuple[int, dict[str, Floats32]] = (-1, {})

    def _optimisers(self) -> None:
        run, body = self.run, list(self.body.weights.values())
        heads = [weight for part in self.parts for weight in part.heads()]
        turns = [weight for part in self.parts for weight in part.turn.values()]
        moving = [] if "heads" in run.frozen else heads
        for weight in (*moving, *turns):
            weight.requires_grad_()
        groups = [*_groups(moving, HEAD_RATE * run.lr, run.weight_decay)]
        if not self.fixed:
            groups += _groups(body, run.lr, run.weight_decay)
        self.optimisers = [
            torch.optim.AdamW(chosen, fused=self.body.device.type in ("cpu", "cuda"))
            for chosen in (groups, [*_groups(turns, run.lr_align, run.weight_decay)])
            if chosen
        ]
        self.turner = self.optimisers[-1] if turns else None
        """Moves ``R``; the other optimiser, where there is one, everything else."""

    # ------------------------------------------------------------------ update

    def update(self) -> None:
        """One step on the next batch; with alignment two, of everything else and then of ``R``."""
        if self.stop.is_set():
            raise Stopped
        batch = next(self.batches)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * rate(self.t, self.last, falls=not self.run.patience)
        if self.turner and self.fixed:
            self._alternate(batch)
        else:
            for optimiser in self.optimisers:
                self._only(optimiser)
                self._move(optimiser, batch)
        self.t += 1

    def _alternate(self, batch: Batch) -> None:
        """Steps of ``A_i`` and then ``R_i`` from one pass, since the body does not move."""
        seen = self._passes(batch)
        for optimiser in self.optimisers:
            own = seen
            if seen and optimiser is not self.turner:
                own = [z.detach() for z in seen]
            self._move(optimiser, batch, own)

    def _passes(self, batch: Batch) -> list[Tensor] | None:
        """Pooled vectors of every slot with their graphs, where the memory holds them."""
        if any(len(rows) > self.micro for _, rows, _ in batch):
            return None
        try:
            return [self._pooled(s, rows) for s, rows, _ in batch]
        except RuntimeError as error:
            self._refuse(error)
        self._shrink(batch)
        return None

    def _move(
        self, optimiser: torch.optim.Optimizer, batch: Batch, seen: list[Tensor] | None = None
    ) -> None:
        while not self._gradient(batch, seen):
            seen = None
            self._shrink(batch)
        own = [p for group in optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_([p for p in own if p.grad is not None], CLIP)
        optimiser.step()

    def _gradient(self, batch: Batch, seen: Sequence[Tensor] | None) -> bool:
        """Gradients of the batch's objective, summed over parts; False when there is no room."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        try:
            for k, (s, rows, own) in enumerate(batch):
                for part in self._pieces(rows):
                    z = seen[k] if seen else self._pooled(s, rows[part])
                    share = len(rows[part]) / len(rows)
                    loss = self._objective(s, z, own[part]) * share
                    if loss.requires_grad:  # not where everything that the slot uses is frozen
                        torch.autograd.backward(loss)
        except RuntimeError as error:
            self._refuse(error)
            return False
        return True

    def _objective(self, s: int, z: Tensor, own: Ints) -> Tensor:
        part = self.parts[s]
        outputs = part.outputs(z).to(self.home)
        deviation = None if part.deviation is None else part.deviation.to(self.home)
        return self.labels[s].objective(outputs, own, deviation)

    def _pieces(self, rows: Ints) -> Iterator[slice]:
        for start in range(0, len(rows), self.micro):
            yield slice(start, start + self.micro)

    def _pooled(self, s: int, rows: Ints) -> Tensor:
        if self.fixed and not self.run.align:
            return self._known(self.run.slots[s].train, rows)
        return self.body.pooled(rows, self.parts[s].matrix())

    def _known(self, among: Ints, rows: Ints) -> Tensor:
        """Vectors of a body that does not move, computed once for a slot's rows ``among``."""
        table, order = self.body.still(among), np.argsort(among, kind="stable")
        at = order[np.searchsorted(among, rows, sorter=order)]
        return table[torch.from_numpy(at).to(table.device)]

    def _only(self, chosen: torch.optim.Optimizer) -> None:
        """No gradients for what the other optimiser moves: the body's are the greater cost."""
        if len(self.optimisers) == 1:
            return
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                for weight in group["params"]:
                    weight.requires_grad_(optimiser is chosen)

    def _refuse(self, error: RuntimeError) -> None:
        """Go on only when it was the memory and a smaller part is left to try."""
        if not out_of_memory(error):
            raise error
        if self.micro == 1:
            raise ProbeError(
                f"one row at a time does not fit the memory of {self.body.device}",
                hint="a smaller model, --max-length, or --trunk transformer-frozen",
            ) from error

    def _shrink(self, batch: Batch) -> None:
        longest = max(len(rows) for _, rows, _ in batch)
        self.micro = max(1, min(self.micro, longest) // 2)
        free(self.body.device)

    # --------------------------------------------------- evaluate_single.Model

    @torch.no_grad()
    def outputs(self, s: int, rows: Ints) -> Tensor:
        """Outputs ``(n, c)`` of slot ``s``."""
        R = self.parts[s].matrix()
        still = self.fixed and R is None
        z = self.body.still(rows) if still else self.body.sweep(rows, R)
        return self.parts[s].outputs(z).to(self.home)

    def snapshot(self, s: int) -> Any:
        """What changes: head and ``R`` of the slot, and the body where it moves."""
        return self.parts[s].weights(), self._body()

    def restore(self, s: int, weights: Any) -> None:
        """Take back a snapshot."""
        of_slot, of_body = weights
        self.parts[s].set(of_slot)
        if of_body:
            self.body.set({name: torch.from_numpy(value) for name, value in of_body.items()})

    def state(self) -> State:
        """All weights that this run moves or started from other than the pretrained ones."""
        state: dict[str, Floats32] = {}
        for part in self.parts:
            state |= part.weights()
        given = self.run.initial or {}
        body = self._body() or {
            n: given[PREFIX + n] for n in self.body.weights if PREFIX + n in given
        }
        return state | {PREFIX + name: value for name, value in body.items()}

    def loss_weights(self) -> tuple[float, ...]:
        """``exp(-s)`` of every slot."""
        learned = [part.deviation for part in self.parts if part.deviation is not None]
        return tuple(torch.exp(-s.detach()).item() for s in learned)

    def _body(self) -> dict[str, Floats32]:
        """One copy for all slots with the same best evaluation; empty where the body is fixed."""
        if self.fixed:
            return {}
        if self.copy[0] != self.t:
            self.copy = self.t, copied(self.body.weights, self.on_disk)
        return self.copy[1]


def _groups(weights: Sequence[Tensor], lr: float, decay: float) -> Iterator[dict[str, Any]]:
    """Parameter groups: decay pulls at matrices, not at biases, norms and log-variances."""
    for chosen, pull in ((True, decay), (False, 0.0)):
        own = [w for w in weights if (w.ndim > 1 and w.numel() > 1) == chosen]
        if own:
            yield {"params": own, "lr": lr, "full": lr, "weight_decay": pull}
