"""The pretrained module on one device, and its passes over rows of the training data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.tokens import TokenData

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.records import State

PREFIX = "body."
"""Of the body's weights in the state of a run."""

BUDGET = {"cuda": 1 << 16}
"""Padded tokens of a pass without gradient; elsewhere ``SMALL``, which fits a core's cache."""

SMALL = 1 << 12

TABLES = 64
"""Sets of rows whose vectors are cached as long as the body does not move."""


class Body:
    """A module as ``TokenLayer.load`` gives it, and how to come back to its pretrained weights.

    The module is called with ``(ids, mask, types, align=None)`` and gives ``(n, width)``; its
    ``embedded(ids, mask, types)`` is what ``align (d, d)`` multiplies, ``(n, tokens, d)``. It has
    ``width`` and ``pad``, a token number for the places beyond a row's end.
    """

    def __init__(self, tokens: TokenData, device: torch.device) -> None:
        if tokens.layer.load is None:
            raise ProbeError(
                f"{tokens.layer.id} has no layers to fine-tune",
                hint="--encoder st:MODEL or hf:MODEL, or --trunk lstm",
            )
        self.tokens, self.device = tokens, device
        self.module: Any = tokens.layer.load().to(device).eval()
        self.width: int = self.module.width
        self.weights: dict[str, Tensor] = dict(self.module.named_parameters())
        self.pristine = {n: p.detach().to("cpu", copy=True) for n, p in self.weights.items()}
        self.moved = False
        self.budget = BUDGET.get(device.type, SMALL)
        self.tables: dict[bytes, Tensor] = {}
        self.grad(False)

    def grad(self, wanted: bool) -> None:
        """Whether gradients reach the weights."""
        for weight in self.weights.values():
            weight.requires_grad_(wanted)

    def start(self, given: State) -> None:
        """Pretrained weights, but for those that ``given`` has, by ``PREFIX`` and name."""
        own = {name: given[PREFIX + name] for name in self.weights if PREFIX + name in given}
        if self.moved or own:
            self.set(self.pristine | {n: torch.from_numpy(np.array(v)) for n, v in own.items()})
        self.moved = bool(own)

    @torch.no_grad()
    def set(self, values: Mapping[str, Tensor]) -> None:
        """Overwrite weights by name."""
        self.tables.clear()
        for name, value in values.items():
            self.weights[name].copy_(value)

    def will_move(self) -> None:
        """The caller is about to change weights."""
        self.moved = True
        self.tables.clear()

    # ------------------------------------------------------------------ passes

    def pooled(self, rows: Ints, R: Tensor | None) -> Tensor:
        """Vectors ``(n, width)`` float32 of one padded batch; with a gradient, if asked."""
        with self._autocast():
            vectors: Tensor = self.module(*self._padded(rows), R)
        return vectors.float()

    @torch.no_grad()
    def sweep(self, rows: Ints, R: Tensor | None) -> Tensor:
        """The same for any number of rows, in batches of equal budget, without a gradient."""
        return self._swept(rows, lambda part: self.pooled(part, R))

    def still(self, rows: Ints) -> Tensor:
        """``sweep`` of a body that does not move: each set of rows once, and always as one."""
        key = hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=16).digest()
        if key not in self.tables:
            if len(self.tables) >= TABLES:
                self.tables.pop(next(iter(self.tables)))
            self.tables[key] = self.sweep(rows, None)
        return self.tables[key]

    @torch.no_grad()
    def embedded(self, rows: Ints) -> Floats:
        """Mean over a row's tokens of what ``R`` multiplies, ``(n, d)`` float64."""

        def means(part: Ints) -> Tensor:
            ids, mask, types = self._padded(part)
            each = self.module.embedded(ids, mask, types).double() * mask[..., None]
            mean: Tensor = each.sum(1) / mask.sum(1, keepdim=True)
            return mean

        means_of_rows: Floats = self._swept(rows, means).cpu().numpy()
        return means_of_rows

    def _swept(self, rows: Ints, forward: Callable[[Ints], Tensor]) -> Tensor:
        lengths = self.tokens.lengths(torch.from_numpy(rows).to(self.tokens.ids.device))
        order = np.argsort(-lengths.cpu().numpy(), kind="stable")
        sizes = lengths.cpu().numpy()[order]
        parts = [
            piece
            for part in _cuts(sizes, self.budget)
            for piece in self._fitting(rows[order[part]], forward)
        ]
        swept = torch.cat(parts)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return swept[torch.from_numpy(back).to(swept.device)]

    def _fitting(self, rows: Ints, forward: Callable[[Ints], Tensor]) -> Iterator[Tensor]:
        """Results of a batch, in halves where the memory does not hold all of it."""
        try:
            yield forward(rows)
            return
        except RuntimeError as error:
            if not out_of_memory(error) or len(rows) == 1:
                raise
        free(self.device)
        self.budget = max(1, self.budget // 2)
        middle = len(rows) // 2
        yield from self._fitting(rows[:middle], forward)
        yield from self._fitting(rows[middle:], forward)

    def _padded(self, rows: Ints) -> tuple[Tensor, Tensor, Tensor | None]:
        at = torch.from_numpy(rows).to(self.tokens.ids.device)
        ids, mask, types = self.tokens.padded(at, self.module.pad)
        there = None if types is None else types.to(self.device)
        return ids.to(self.device), mask.to(self.device), there

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device, or the allocator of the processor, had no room."""
    words = str(error)
    known = "out of memory" in words or "can't allocate memory" in words
    return known or isinstance(error, torch.OutOfMemoryError)


def free(device: torch.device) -> None:
    """Give back what the allocator of a device holds without need."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _cuts(sizes: Ints, budget: int) -> Iterator[slice]:
    """Pieces of rows in order of falling ``sizes`` whose padded tokens stay within the budget."""
    start = 0
    while start < len(sizes):
        end = start + max(1, budget // int(sizes[start]))
        yield slice(start, end)
        start = end
