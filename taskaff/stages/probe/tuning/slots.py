"""What belongs to one task of a run: its head, its alignment matrix, its learned loss weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import align
from taskaff.stages.probe.seeding import stream

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32
    from taskaff.stages.probe.records import Run, State


class SlotPart:
    """Weights of slot ``s``: ``A (width + 1, c)`` as matrix and bias, parts of ``R``, ``s``."""

    def __init__(self, run: Run, s: int, width: int, c: int, d: int, device: torch.device) -> None:
        self.s, self.form, self.d = s, run.align, d
        initial = _initial(run, s, width, c, d)

        def put(value: Any) -> Tensor:
            return torch.tensor(np.array(value), dtype=torch.float32, device=device)

        self.A, self.bias = put(initial["A"][:-1]), put(initial["A"][-1])
        self.turn = {name: put(initial[name]) for name in align.FORMS[run.align]}
        self.deviation = put(initial["s"]) if run.uncertain else None

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

    def kept(self) -> dict[str, Floats32]:
        """A copy by the names of a run's state."""
        parts = {"A": torch.cat([self.A, self.bias[None]]), **self.turn}
        if self.deviation is not None:
            parts["s"] = self.deviation
        return {f"{n}{self.s}": v.detach().cpu().numpy().copy() for n, v in parts.items()}

    @torch.no_grad()
    def set(self, kept: State) -> None:
        """Take back what ``kept`` gave."""
        given = {n: torch.from_numpy(kept[f"{n}{self.s}"]) for n in ("A", *self.turn)}
        self.A.copy_(given["A"][:-1])
        self.bias.copy_(given["A"][-1])
        for name, value in self.turn.items():
            value.copy_(given[name])


def _initial(run: Run, s: int, width: int, c: int, d: int) -> dict[str, Any]:
    """As in ``model.initial_state``: heads uniform in ``±1/sqrt(width)``, ``R`` the identity."""
    given, name = run.initial or {}, run.slots[s].stream
    head = stream(run.seed, "A", name).uniform(-1.0, 1.0, (width + 1, c)) / np.sqrt(width)
    head[-1] = 0.0
    parts: dict[str, Any] = {"A": head, "s": np.zeros((1, 1))}
    for part, shape in align.shapes(run.align, d, run.align_rank).items():
        parts[part] = np.zeros(shape)
        if part == "U":
            parts[part] = stream(run.seed, "U", name).uniform(-1.0, 1.0, shape) / np.sqrt(d)
    return {part: given.get(f"{part}{s}", value) for part, value in parts.items()}
