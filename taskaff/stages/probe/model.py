"""The model of a run, ``g(xB) A`` (W eq. 1), for many runs at once, with its gradient by hand.

Parameters carry a leading axis of runs. The shared module: ``B (R, d, r)`` and, but for the linear
trunk, biases ``b (R, 1, r)``; ``mlp`` adds a second layer ``B2 (R, r, r)``, ``b2``. Heads: one
``A (r + 1, c)`` a slot, whose last row is the bias; with alignment the parts of its ``R``
(``align``); with learned loss weights its log-variance ``s``. Narrower runs are padded with zeros,
which the gradient leaves at zero. W's trunks have no bias; ours do where there is an activation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.seeding import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

Parameters = dict[str, Tensor]

NEVER = -1e9
"""Bias of a padded class: its probability and every gradient through it are exactly zero."""

TRUNKS: dict[str, tuple[str, ...]] = {
    "linear": ("B",),
    "relu": ("B", "b"),
    "mlp": ("B", "b", "B2", "b2"),
}
"""Names of the shared module's parameters."""

SLOT_PART = re.compile(r"(?:A|E|U|V|W|s)\d+")
"""Names of a state's parts that belong to one slot, whose number they end with."""

DECAYED = frozenset({"B", "B2"})
"""Parts that weight decay pulls at: not the biases (of the heads, not the last row)."""


def shared_part(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a state holds beside the heads and alignment matrices of its slots."""
    return {name: value for name, value in state.items() if not SLOT_PART.fullmatch(name)}


Shape = tuple[tuple[int, int], int]
"""Shape of a part of the shared module and its fan-in, 0 for a bias."""


def shared_shapes(trunk: str, d: int, r: int) -> dict[str, Shape]:
    """Parts of the shared module."""
    known: dict[str, Shape] = {
        "B": ((d, r), d),
        "b": ((1, r), 0),
        "B2": ((r, r), r),
        "b2": ((1, r), 0),
    }
    return {name: known[name] for name in TRUNKS[trunk]}


def initial_state(
    run: Run, d: int, widths: tuple[int, ...], shared: Mapping[str, Shape] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Unpadded initial weights, uniform in ``±1/sqrt(fan-in)`` as in ``torch.nn.Linear``.

    Biases start at zero: at capacity 1 random ones cost more than the vectors can give back soon.
    ``widths`` are the label widths of the slots. Heads are ``A0``, ``A1`` ... ``shared`` is for
    trunks that are not of ``TRUNKS``.
    """
    given: dict[str, Any] = dict(run.initial or {})
    state: dict[str, Any] = {}
    for name, (shape, fan) in (shared or shared_shapes(run.trunk, d, run.r)).items():
        state[name] = given.get(name)
        if state[name] is None:
            state[name] = np.zeros(shape)
            if fan:
                state[name] = _uniform(stream(run.seed, name, run.stream), shape, fan)
    for s, (slot, c) in enumerate(zip(run.slots, widths, strict=True)):
        state[f"A{s}"] = given.get(f"A{s}")
        if state[f"A{s}"] is None:
            generator = stream(run.seed, "A", slot.stream)
            state[f"A{s}"] = _uniform(generator, (run.r + 1, c), run.r)
            state[f"A{s}"][-1] = 0.0
        state |= _alignment(run, d, s, slot.stream)
        if run.uncertain:
            state[f"s{s}"] = given.get(f"s{s}", np.zeros((1, 1)))
    return {name: np.asarray(value, dtype=np.float32) for name, value in state.items()}


def _alignment(run: Run, d: int, s: int, name: str) -> dict[str, Any]:
    """Parts of a slot's ``R``: the identity, unless given."""
    given = run.initial or {}
    state: dict[str, Any] = {}
    for part, shape in align_shapes(run.align, d, run.align_rank).items():
        state[f"{part}{s}"] = given.get(f"{part}{s}", np.zeros(shape))
        if part == "U" and f"U{s}" not in given:
            state[f"U{s}"] = _uniform(stream(run.seed, "U", name), shape, d)
    return state


def _uniform(
    generator: np.random.Generator, shape: tuple[int, int], fan: int
) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = generator.uniform(-1.0, 1.0, shape) / np.sqrt(fan)
    return drawn


@dataclass(slots=True)
class Pass:
    """What the backward pass needs of the forward one. ``h`` ends with a column of ones."""

    x: Tensor
    first: Tensor | None
    h: Tensor


def with_ones(z: Tensor) -> Tensor:
    """``(..., r)`` to ``(..., r + 1)``: the constant that the head's bias multiplies."""
    h = z.new_ones((*z.shape[:-1], z.shape[-1] + 1))
    h[..., :-1] = z
    return h


def trunk_forward(trunk: str, p: Parameters, x: Tensor, scale: Tensor | None) -> Pass:
    """``x (R, n, d)`` to ``h (R, n, r + 1)``; ``scale (R, 1, 1)`` multiplies the vectors."""
    z = torch.bmm(x, p["B"])
    if scale is not None:
        z *= scale
    return finish_trunk(trunk, p, x, z)


def finish_trunk(trunk: str, p: Parameters, x: Tensor, z: Tensor) -> Pass:
    """From ``z = xB`` on; evaluation computes ``z`` in its own way."""
    if trunk == "linear":
        return Pass(x, None, with_ones(z))
    z = torch.relu_(z.add_(p["b"]))
    if trunk == "relu":
        return Pass(x, None, with_ones(z))
    return Pass(x, z, with_ones(torch.relu_(torch.baddbmm(p["b2"], z, p["B2"]))))


def head_outputs(h: Tensor, A: Tensor) -> Tensor:
    """Outputs ``(m, c, n)``, rows last, of heads ``A (m, r + 1, c)`` on ``h (m, n, r + 1)``.

    Turned after the product: MKL takes 10 to 30 times as long for the product of two batches of
    transposed matrices.
    """
    return torch.bmm(h, A).transpose(1, 2).contiguous()


def trunk_backward(
    trunk: str, p: Parameters, seen: Pass, dh: Tensor, scale: Tensor | None
) -> Parameters:
    """Gradients of the shared module from ``dh (R, n, r)``; ``dh`` is overwritten."""
    gradients: Parameters = {}
    if trunk != "linear":
        dh *= seen.h[..., :-1] > 0
    if trunk == "mlp":
        assert seen.first is not None
        gradients["B2"] = torch.bmm(seen.first.transpose(1, 2), dh)
        gradients["b2"] = dh.sum(1, keepdim=True)
        dh = torch.bmm(dh, p["B2"].transpose(1, 2))
        dh *= seen.first > 0
    if trunk != "linear":
        gradients["b"] = dh.sum(1, keepdim=True)
    if scale is not None:
        dh = dh * scale
    gradients["B"] = torch.bmm(seen.x.transpose(1, 2), dh)
    return gradients
