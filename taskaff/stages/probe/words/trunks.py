"""The trunks: from word vectors ``x (m, P, d)`` to outputs ``(m, b, r)``, for ``m`` stacked runs.

Each has a first layer ``B (m, d, q)`` that alone touches the word vectors, so that an alignment
matrix acts as ``R B`` (``align``), whatever comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskaff.core.registry import load
from taskaff.stages.probe.model import Parameters, Shape
from taskaff.stages.probe.tokens import TokenData
from taskaff.stages.probe.trunks import TRUNKS
from taskaff.stages.probe.words.packing import Flat, Stepped, flat, stepped
from taskaff.stages.probe.words.recurrence import recur

WIDTHS = (3, 4, 5)
"""Words that a filter spans (Kim 2014)."""

Packed = Stepped | Flat


@dataclass(frozen=True, slots=True)
class WordTrunk:
    """One trunk."""

    shapes: Callable[[int, int], dict[str, Shape]]
    """``(d, r)`` to its parts, their shapes and fan-ins."""
    pack: Callable[[TokenData, Tensor], Packed]
    outputs: Callable[[Parameters, Tensor, Packed], Tensor]
    """``(parts, x, packed)`` to ``(m, b, r)``, differentiable."""
    places: float
    """Numbers held a token and unit of ``r``, for estimates of memory."""
    biases: Callable[[int], Mapping[str, NDArray[np.float32]]] = lambda _: {}
    """``r`` to the biases that do not start at zero."""


# -------------------------------------------------------------------- lstm


def lstm_shapes(d: int, r: int) -> dict[str, Shape]:
    """``B`` from words to gates, ``H`` from the state to gates, ``b`` of the gates."""
    return {"B": ((d, 4 * r), d), "H": ((r, 4 * r), r), "b": ((1, 4 * r), 0)}


def lstm_biases(r: int) -> dict[str, NDArray[np.float32]]:
    """Forget gates of 1: it starts by remembering."""
    return {"b": np.repeat(np.array([0, 1, 0, 0], np.float32), r)[None]}


def lstm(p: Parameters, x: Tensor, packed: Packed) -> Tensor:
    """State after the last word of a one-layer, one-direction LSTM."""
    assert isinstance(packed, Stepped)
    states = recur(torch.baddbmm(p["b"], x, p["B"]), p["H"], packed.sizes)
    return states.gather(1, packed.last.unsqueeze(2).expand(-1, -1, states.shape[2]))


# --------------------------------------------------------------------- cnn


def filter_counts(r: int) -> tuple[int, ...]:
    """Filters of each of ``WIDTHS``, ``r`` together, as equal as can be."""
    return tuple(r // len(WIDTHS) + (i < r % len(WIDTHS)) for i in range(len(WIDTHS)))


def cnn_shapes(d: int, r: int) -> dict[str, Shape]:
    """``B``: the filters side by side, tap after tap; ``b`` of the filters."""
    taps = sum(a * b for a, b in zip(WIDTHS, filter_counts(r), strict=True))
    return {"B": ((d, taps), 4 * d), "b": ((1, r), 0)}


def cnn(p: Parameters, x: Tensor, packed: Packed) -> Tensor:
    """Maximum over all windows, rectified; windows begin at every word and see zeros at the end.

    The maximum is taken before bias and ReLU, with which it commutes.
    """
    assert isinstance(packed, Flat)
    z = torch.bmm(x, p["B"])
    places = z.shape[1] - max(WIDTHS) + 1
    sums, column = [], 0
    for width, filters in zip(WIDTHS, filter_counts(p["b"].shape[2]), strict=True):
        taps = z[:, :, column : column + width * filters].view(*z.shape[:2], width, filters)
        total = taps[:, :places, 0]
        for tap in range(1, width):
            total = total + taps[:, tap : tap + places, tap]
        sums.append(total)
        column += width * filters
    windows = torch.cat(sums, 2)
    return torch.relu(windows.gather(1, _largest(windows, packed)) + p["b"])


@torch.no_grad()
def _largest(windows: Tensor, packed: Flat) -> Tensor:
    """Positions ``(m, b, r)`` of each row's largest entries of ``windows (m, P, r)``."""
    m, _, r = windows.shape
    step = torch.arange(int(packed.lengths.max()), device=windows.device)
    inside = torch.minimum(step, packed.lengths.unsqueeze(2) - 1)
    places = packed.first.unsqueeze(2) + inside
    run = torch.arange(m, device=windows.device).view(-1, 1, 1)
    best = windows[run, places].argmax(2)
    return places.gather(2, best.view(m, -1, r)) if r else best


# -------------------------------------------------------------- mlp-tokens


def mlp_shapes(d: int, r: int) -> dict[str, Shape]:
    """Two layers of width ``r``."""
    return {"B": ((d, r), d), "b": ((1, r), 0), "B2": ((r, r), r), "b2": ((1, r), 0)}


def mlp(p: Parameters, x: Tensor, packed: Packed) -> Tensor:
    """Two layers with ReLU over the average of a text's word vectors."""
    assert isinstance(packed, Flat)
    z = torch.relu(torch.baddbmm(p["b"], averages(x, packed), p["B"]))
    return torch.relu(torch.baddbmm(p["b2"], z, p["B2"]))


def averages(x: Tensor, packed: Flat) -> Tensor:
    """Mean vector ``(m, b, d)`` of each row's tokens; packed without gaps."""
    m, _, d = x.shape
    b = packed.first.shape[1]
    row = torch.searchsorted(packed.first, _places(x), right=True) - 1
    share = torch.where(packed.ids >= 0, 1.0 / packed.lengths.gather(1, row), 0.0)
    at = (row + b * torch.arange(m, device=x.device).unsqueeze(1)).view(-1)
    weighted = (x * share.unsqueeze(2)).view(-1, d)
    return x.new_zeros(m * b, d).index_add(0, at, weighted).view(m, b, d)


def _places(x: Tensor) -> Tensor:
    return torch.arange(x.shape[1], device=x.device).expand(len(x), -1).contiguous()


LSTM = WordTrunk(lstm_shapes, stepped, lstm, 13.0, lstm_biases)
CNN = WordTrunk(cnn_shapes, lambda t, rows: flat(t, rows, max(WIDTHS) - 1), cnn, 8.0)
MLP_TOKENS = WordTrunk(mlp_shapes, lambda t, rows: flat(t, rows, 0), mlp, 0.5)


@cache
def word_trunk(name: str) -> WordTrunk:
    """The shared module of a trunk over word vectors."""
    found: WordTrunk = load(TRUNKS[name].module)
    return found
