"""Tested slots of stacked runs, and their outputs on held-out rows.

A *unit* is one tested slot of one run. Units with the same held-out rows are one matrix product:
their shared modules side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe.losses import CLASSES, row_losses
from taskaff.stages.probe.model import Parameters, finish_trunk, head_outputs
from taskaff.stages.probe.records import Slot
from taskaff.stages.probe.stacked import Chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints

CPU_LOGITS, CUDA_LOGITS = 1 << 19, 1 << 24
"""Entries of the largest block of held-out outputs: on a processor 2 MB, as much as its cache."""


class Units:
    """The tested slots of the runs of a chunk, as numbered by their places in it at the start."""

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
        self.first_run = self.long([i for i, _ in tested])
        self.first_head = self.long([i * chunk.S + s for i, s in tested])
        self.owner, self.own_slot = (np.array(part) for part in zip(*tested, strict=True))
        self.scale, self.shift, self.over = chunk.scale, chunk.shift, chunk.over

    def grouped(self, role: str) -> Iterator[Group]:
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

    def long(self, values: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """Numbers as an index on the chunk's device."""
        return torch.as_tensor(np.asarray(values, np.int64), device=self.chunk.device)


class Group:
    """Units that share held-out rows and the standardisation of their labels."""

    def __init__(self, owner: Units, slot: Slot, rows: Ints, units: Ints) -> None:
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

    def row_losses(self, outputs: Tensor) -> Tensor:
        """``(m, n)``."""
        return row_losses(outputs, self.kind, self.codes, self.values.T)
