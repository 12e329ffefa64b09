"""The model of a run, ``g(xB) A`` (W eq. 1), for many runs at once, with its gradient by hand.

Parameters carry a leading axis of runs. The shared module: ``B (R, d, r)`` and, but for the linear
trunk, biases ``b (R, 1, r)``; ``mlp`` adds a second layer ``B2 (R, r, r)``, ``b2``. Heads: one
``A (r + 1, c)`` a slot, whose last row is the bias; with alignment the parts of its ``R``
(``align``); with learned loss weights its log-variance ``s``. Narrower runs are padded with zeros,
which the gradient leaves at zero. W's trunks have no bias; ours do where there is an activation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from taskaff.core.registry import load
from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.seeding import stream
from taskaff.stages.probe.trunks import TRUNKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Parameters = dict[str, Tensor]

NEVER = -1e9
"""Bias of a padded class: its probability and every gradient through it are exactly zero."""

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
    return vector_trunk(trunk).shapes(d, r)


def initial_state(
    run: Run, d: int, widths: tuple[int, ...], shared: Mapping[str, Shape] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Unpadded initial weights, uniform in ``±1/sqrt(fan-in)`` as in ``torch.nn.Linear``.

    Biases start at zero: at capacity 1 random ones cost more than the vectors can give back soon.
    ``widths`` are the label widths of the slots. Heads are ``A0``, ``A1`` ... ``shared`` is for
    trunks that do not read vectors.
    """
    state: dict[str, Any] = {}
    for name, (shape, fan) in (shared or shared_shapes(run.trunk, d, run.r)).items():
        state[name] = np.zeros(shape)
        if fan:
            state[name] = _uniform(stream(run.seed, name, run.stream), shape, fan)
    given = run.initial or {}
    state |= {name: given[name] for name in state if name in given}
    for s, c in enumerate(widths):
        state |= slot_state(run, s, run.r, c, d)
    return {name: np.asarray(value, dtype=np.float32) for name, value in state.items()}


def slot_state(run: Run, s: int, width: int, c: int, d: int) -> dict[str, Any]:
    """What belongs to slot ``s``: head ``A (width + 1, c)``, parts of ``R (d, d)``, log-variance.

    ``R`` is the identity and the log-variance 0, unless the run begins with others.
    """
    given, name = run.initial or {}, run.slots[s].stream
    head = _uniform(stream(run.seed, "A", name), (width + 1, c), width)
    head[-1] = 0.0
    state = {"A": head}
    for part, shape in align_shapes(run.align, d, run.align_rank).items():
        state[part] = np.zeros(shape)
        if part == "U":
            state[part] = _uniform(stream(run.seed, "U", name), shape, d)
    if run.uncertain:
        state["s"] = np.zeros((1, 1))
    return {f"{part}{s}": given.get(f"{part}{s}", value) for part, value in state.items()}


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
    return vector_trunk(trunk).finish(p, x, z)


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
    dz = vector_trunk(trunk).backward(p, seen, dh, gradients)
    if scale is not None:
        dz = dz * scale
    gradients["B"] = torch.bmm(seen.x.transpose(1, 2), dz)
    return gradients


@dataclass(frozen=True, slots=True)
class VectorTrunk:
    """A shared module on frozen vectors; its first step is ``z = xB``, with ``B (d, r)``."""

    shapes: Callable[[int, int], dict[str, Shape]]
    """``(d, r)`` to its parts, their shapes and fan-ins; ``B`` is one."""
    finish: Callable[[Parameters, Tensor, Tensor], Pass]
    """``(parts, x, z)`` to the outputs; ``z (R, n, r)`` may be overwritten."""
    backward: Callable[[Parameters, Pass, Tensor, Parameters], Tensor]
    """``(parts, pass, dh, gradients)`` to the gradient of ``z``; adds those of the parts but ``B``.
    ``dh (R, n, r)`` may be overwritten."""


@cache
def vector_trunk(name: str) -> VectorTrunk:
    """The shared module of a trunk on vectors."""
    found: VectorTrunk = load(TRUNKS[name].module)
    return found


def _linear_shapes(d: int, r: int) -> dict[str, Shape]:
    return {"B": ((d, r), d)}


def _linear(p: Parameters, x: Tensor, z: Tensor) -> Pass:  # noqa: ARG001
    return Pass(x, None, with_ones(z))


def _linear_backward(p: Parameters, seen: Pass, dh: Tensor, gradients: Parameters) -> Tensor:  # noqa: ARG001
    return dh


def _relu_shapes(d: int, r: int) -> dict[str, Shape]:
    return {**_linear_shapes(d, r), "b": ((1, r), 0)}


def _relu(p: Parameters, x: Tensor, z: Tensor) -> Pass:
    return Pass(x, None, with_ones(torch.relu_(z.add_(p["b"]))))


def _relu_backward(p: Parameters, seen: Pass, dh: Tensor, gradients: Parameters) -> Tensor:  # noqa: ARG001
    dh *= seen.h[..., :-1] > 0
    gradients["b"] = dh.sum(1, keepdim=True)
    return dh


def _mlp_shapes(d: int, r: int) -> dict[str, Shape]:
    return {**_relu_shapes(d, r), "B2": ((r, r), r), "b2": ((1, r), 0)}


def _mlp(p: Parameters, x: Tensor, z: Tensor) -> Pass:
    z = torch.relu_(z.add_(p["b"]))
    return Pass(x, z, with_ones(torch.relu_(torch.baddbmm(p["b2"], z, p["B2"]))))


def _mlp_backward(p: Parameters, seen: Pass, dh: Tensor, gradients: Parameters) -> Tensor:
    assert seen.first is not None
    dh *= seen.h[..., :-1] > 0
    gradients["B2"] = torch.bmm(seen.first.transpose(1, 2), dh)
    gradients["b2"] = dh.sum(1, keepdim=True)
    dh = torch.bmm(dh, p["B2"].transpose(1, 2))
    dh *= seen.first > 0
    gradients["b"] = dh.sum(1, keepdim=True)
    return dh


LINEAR = VectorTrunk(_linear_shapes, _linear, _linear_backward)
RELU = VectorTrunk(_relu_shapes, _relu, _relu_backward)
MLP = VectorTrunk(_mlp_shapes, _mlp, _mlp_backward)
