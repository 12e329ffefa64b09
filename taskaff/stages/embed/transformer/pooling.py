"""From the vectors of a text's tokens to its one vector, as sentence-transformers defines it.

Sums run in float32 whatever the model computes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

POOLINGS = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
ACTIVATIONS = {
    "Identity": nn.Identity,
    "Tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "GELU": nn.GELU,
    "Sigmoid": nn.Sigmoid,
}


def pool(hidden: Tensor, lengths: Tensor, mask: Tensor | None, mode: str) -> Tensor:
    """``hidden (n, t, d)`` to ``(n, d)`` float32; ``mask (n, t)`` bool, None: no padding."""
    if mode == "cls":
        return hidden[:, 0].float()
    if mode == "lasttoken":
        return hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1].float()
    if mode == "max":
        if mask is not None:
            hidden = hidden.masked_fill(~mask[..., None], -torch.inf)
        return hidden.amax(1).float()
    count = lengths[:, None].float()
    if mode == "weightedmean":
        steps = torch.arange(1, hidden.shape[1] + 1, device=hidden.device, dtype=torch.float32)
        weights = steps.expand(hidden.shape[:2]) if mask is None else steps * mask
        return torch.einsum("nt,ntd->nd", weights, hidden.float()) / (count * (count + 1) / 2)
    if mask is not None:
        hidden = hidden * mask[..., None].to(hidden.dtype)
    total = hidden.sum(1, dtype=torch.float32)
    return total / (count if mode == "mean" else count.sqrt())


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A linear layer over the pooled vector, with an activation."""

    weight: Tensor
    bias: Tensor | None
    activation: str

    def __call__(self, X: Tensor) -> Tensor:
        """``(n, d)`` to ``(n, e)``."""
        bias = None if self.bias is None else self.bias.to(X.device)
        found: Tensor = ACTIVATIONS[self.activation]()(
            nn.functional.linear(X, self.weight.to(X.device), bias)
        )
        return found


def normalised(X: Tensor) -> Tensor:
    """Every row ``(n, d)`` at length 1."""
    return nn.functional.normalize(X, dim=1)


def last_hidden(model: Any, layer: int | None, **inputs: Tensor | None) -> Tensor:
    """Token vectors ``(n, t, d)`` of hidden layer ``layer``; None is the model's output."""
    if layer is None:
        found: Tensor = model(**inputs).last_hidden_state
        return found
    return model(**inputs, output_hidden_states=True).hidden_states[layer]  # type: ignore[no-any-return]
