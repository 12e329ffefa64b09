"""What belongs to one task of a run: its head, its alignment matrix, its learned loss weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import align
from taskaff.stages.probe.model import slot_state

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32
    from taskaff.stages.probe.records import Run, State


class SlotPart:
    """Weights of slot ``s``: ``A (width + 1, c)`` as matrix and bias, parts of ``R``, ``s``."""

    def __init__(self, run: Run, s: int, width: int, c: int, d: int, device: torch.device) -> None:
        self.s, self.form, self.d = s, run.align, d
        initial = slot_state(run, s, width, c, d)

        def put(value: Any) -> Tensor:
            return torch.tensor(np.array(value), dtype=torch.float32, device=device)

        self.A, self.bias = put(initial[f"A{s}"][:-1]), put(initial[f"A{s}"][-1])
        self.turn = {name: put(initial[f"{name}{s}"]) for name in align.FORMS[run.align]}
        self.deviation = put(initial[f"s{s}"]) if run.uncertain else None

    def heads(self) -> list[Tensor]:
        """All but the parts of ``R``."""
        return [self.A, self.bias] + ([] if self.deviation is None else [self.deviation])

    def outputs(self, z: Tensor) -> Tensor:
        """``(n, c)`` of pooled vectors ``(n, width)``."""
        return torch.addmm(self.bias, z, self.A)

    def matrix(self) -> Tensor | None:
        """``R (d, d)``, with a gradient to its parts; None without alignment."""
        if not self.form:
            return None
        parts = {name: value[None] for name, value in self.turn.items()}
        unit = torch.eye(self.d, device=self.A.device)[None]
        return align.aligned(self.form, parts, unit)[0]

    def weights(self) -> dict[str, Floats32]:
        """A copy by the names of a run's state."""
        parts = {"A": torch.cat([self.A, self.bias[None]]), **self.turn}
        if self.deviation is not None:
            parts["s"] = self.deviation
        return {f"{n}{self.s}": v.detach().cpu().numpy().copy() for n, v in parts.items()}

    @torch.no_grad()
    def set(self, weights: State) -> None:
        """Take back what ``weights`` gave."""
        given = {n: torch.from_numpy(weights[f"{n}{self.s}"]) for n in ("A", *self.turn)}
        self.A.copy_(given["A"][:-1])
        self.bias.copy_(given["A"][-1])
        for name, value in self.turn.items():
            value.copy_(given[name])
