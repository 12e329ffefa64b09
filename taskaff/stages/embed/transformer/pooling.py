"""From the vectors of a text's tokens to its one vector, for ``hf:`` and for fine-tuning.

Sums run in float32 whatever the model computes in.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def pool(hidden: Tensor, mask: Tensor | None, mode: str) -> Tensor:
    """``hidden (n, t, d)`` to ``(n, d)`` float32, by ``mean``, ``cls`` or ``max``.

    ``mask (n, t)`` bool, None: no padding.
    """
    if mode == "cls":
        return hidden[:, 0].float()
    if mode == "max":
        if mask is not None:
            hidden = hidden.masked_fill(~mask[..., None], -torch.inf)
        return hidden.amax(1).float()
    if mask is None:
        return hidden.mean(1, dtype=torch.float32)
    hidden = hidden * mask[..., None].to(hidden.dtype)
    return hidden.sum(1, dtype=torch.float32) / mask.sum(1, keepdim=True)


def last_hidden(model: Any, layer: int | None, **inputs: Tensor | None) -> Tensor:
    """Token vectors ``(n, t, d)`` of hidden layer ``layer``; None is the model's output."""
    if layer is None:
        hidden: Tensor = model(**inputs).last_hidden_state
        return hidden
    return model(**inputs, output_hidden_states=True).hidden_states[layer]  # type: ignore[no-any-return]
