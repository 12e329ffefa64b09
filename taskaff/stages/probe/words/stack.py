"""Runs of one word trunk that are trained together: a chunk whose inputs are texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe.evaluate_stacked import HeldOut
from taskaff.stages.probe.model import DECAYED, Parameters, Pass, initial_state, with_ones
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.stacked import Chunk, _Batch
from taskaff.stages.probe.tokens import TokenData
from taskaff.stages.probe.training_data import TrainingData
from taskaff.stages.probe.units import Group
from taskaff.stages.probe.words.packing import Stepped
from taskaff.stages.probe.words.table import RowAdam, WordTable
from taskaff.stages.probe.words.trunks import Packed, word_trunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints

ROWS = 512
"""Held-out rows that go through the trunk together, alike in length."""


@dataclass(slots=True)
class _Texts:
    """Batches of texts."""

    packed: Packed
    run: Tensor
    """``(m,)``: the run of each batch."""


@dataclass(slots=True)
class _WordPass(Pass):
    """A forward pass with its graph."""

    parts: Parameters
    outputs: Tensor
    at: Tensor
    """``(m, P)``: rows of the flattened table of words that ``x`` was read from."""


class WordChunk(Chunk):
    """Runs of one trunk of words and one capacity.

    ``p["words"] (R, V + 1, d)`` are the runs' word vectors (``table``); weight decay does not pull
    at them, since zero is no better a place for a pretrained vector than its own.
    """

    decayed = DECAYED | {"H"}

    def __init__(self, data: TrainingData, runs: Sequence[Run]) -> None:
        assert data.tokens is not None
        self.tokens: TokenData = data.tokens
        self.word_trunk = word_trunk(runs[0].trunk)
        self.turning = False
        super().__init__(data, runs)
        self.table = WordTable(self.tokens, runs)
        self.p["words"] = self.table.start
        self.adam = RowAdam(self.table, self.corrections)
        self.places = self._put(self.ids)

    def select(self, places: Ints) -> None:
        """Keep the runs at these places, in this order; their words keep their numbers."""
        words = self.p.pop("words")[self._put(places)]
        super().select(places)
        self.p["words"] = words
        self.adam.select(self._put(places))
        self.places = self._put(self.ids)

    def _extend(self, updates: int) -> None:
        super()._extend(updates)
        self.adam.corrections = self.corrections

    def width(self) -> int:
        """``d`` of the word vectors."""
        return self.tokens.d

    def initial(self, run: Run) -> dict[str, NDArray[np.float32]]:
        """As for vectors, with the trunk's own biases."""
        shapes = self.word_trunk.shapes(self.d, run.r)
        state = initial_state(run, self.d, self.widths_of(run), shapes)
        biases = self.word_trunk.biases(run.r)
        return {**state, **{n: b for n, b in biases.items() if n not in (run.initial or {})}}

    def inputs(self, rows: Tensor) -> _Texts:
        """The texts of rows ``(m, b)``."""
        n = self.active()
        run = torch.arange(n, device=self.device).repeat_interleave(len(rows) // n)
        return _Texts(self.word_trunk.pack(self.tokens, rows), run)

    def forward(self, p: Parameters, x: _Texts, scale: Tensor | None) -> Pass:
        """Through present word vectors; ``scale`` is for vectors that do not move."""
        assert scale is None
        at = self.table.at(x.run, x.packed.ids, self.places)
        vectors = self.p["words"].view(-1, self.d).index_select(0, at.view(-1))
        vectors = vectors.view(*at.shape, self.d).requires_grad_(not self.turning)
        parts = {name: value.detach().requires_grad_() for name, value in p.items()}
        outputs = self.word_trunk.outputs(parts, vectors, x.packed)
        return _WordPass(vectors, None, with_ones(outputs.detach()), parts, outputs, at)

    def backward(self, p: Parameters, seen: Pass, dh: Tensor, scale: Tensor | None) -> Parameters:
        """Gradients of the trunk; that of the word vectors waits for ``_move_trunk``."""
        assert scale is None
        word_pass = cast("_WordPass", seen)
        names = ("B",) if self.turning else tuple(p)
        leaves = [word_pass.parts[name] for name in names]
        if self.turning:
            return dict(zip(names, torch.autograd.grad(word_pass.outputs, leaves, dh), strict=True))
        *gradients, g = torch.autograd.grad(word_pass.outputs, [*leaves, word_pass.x], dh)
        self.moves = word_pass.at, g
        return dict(zip(names, gradients, strict=True))

    def _move_trunk(self, n: int, gradients: Parameters) -> None:
        super()._move_trunk(n, gradients)
        self.adam.move(self.p["words"], *self.moves, self.lr.view(-1))

    def _turn(self, at: _Batch) -> None:
        self.turning = True
        super()._turn(at)
        self.turning = False


class WordHeldOut(HeldOut):
    """Looks at texts."""

    chunk: WordChunk

    def _weights(self, units: Tensor | slice) -> Parameters:
        words = self.chunk.p["words"][self.run[units]]
        return super()._weights(units) | {"words": words}

    def _state(self, u: int) -> dict[str, np.ndarray] | None:
        state = super()._state(u)
        if state is not None:
            words = self.states["words"][self.keepers[u]].cpu().numpy()
            state["words"] = self.chunk.table.whole(int(self.owner[u]), words)
        return state

    def group(self, slot: Slot, rows: Ints, units: Ints) -> Group:
        """Units with the same texts."""
        return _WordGroup(self, slot, rows, units)


class _WordGroup(Group):
    """The rows go through the trunk in blocks of texts alike in length."""

    def __init__(self, owner: WordHeldOut, slot: Slot, rows: Ints, units: Ints) -> None:
        super().__init__(owner, slot, rows, units)
        self.words = chunk = owner.chunk
        at = torch.from_numpy(rows).to(chunk.device)
        order = torch.argsort(chunk.tokens.lengths(at), stable=True)
        pack = chunk.word_trunk.pack
        self.blocks = [(o, pack(chunk.tokens, at[o][None])) for o in torch.split(order, ROWS)]

    @torch.no_grad()
    def outputs(self, weights: Parameters, units: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Outputs ``(m, c, n)``; one unit after the other on a processor, whose cache is small."""
        at_once = 1 if self.words.device.type == "cpu" else 16
        run = self.first_run[units]
        for start in range(0, len(units), at_once):
            part = slice(start, start + at_once)
            p = {name: value[part] for name, value in weights.items()}
            out = p["A"].new_empty(len(p["A"]), self.c, len(self.codes))
            for rows, packed in self.blocks:
                out[:, :, rows] = self._block(p, run[part], packed)
            yield part, out

    def _block(self, p: Parameters, run: Tensor, packed: Packed) -> Tensor:
        m = len(run)
        x = self.words.table.read(p["words"], run, packed.ids.expand(m, -1))
        h = self.words.word_trunk.outputs(p, x, _expanded(packed, m))
        A = p["A"][:, :, : self.c]
        return torch.baddbmm(A[:, -1:].mT, A[:, :-1].mT, h.mT)


def _expanded(packed: Packed, m: int) -> Packed:
    ids = packed.ids.expand(m, -1)
    if isinstance(packed, Stepped):
        return Stepped(ids, packed.sizes, packed.last.expand(m, -1))
    return type(packed)(ids, packed.first.expand(m, -1), packed.lengths.expand(m, -1))
