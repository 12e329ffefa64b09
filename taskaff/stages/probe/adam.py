"""One step of Adam with decoupled weight decay for many runs (Loshchilov and Hutter, 2019).

Learning rate and decay are vectors over runs; a head's step count is its own, since it moves only
in the updates that use it. Same arithmetic as ``torch.optim.AdamW``, up to the order of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class Corrections:
    """Bias corrections after ``t`` steps, as ``lr * sqrt(1 - beta2^t) / (1 - beta1^t)`` and eps."""

    rate: Tensor
    eps: Tensor
    plain: tuple[tuple[float, float], ...]
    """``(eps, rate)`` once more, for updates in which all runs have the same ``t``."""


def corrections(steps: int, device: torch.device) -> Corrections:
    """Tables over ``t = 1 .. steps`` (index ``t - 1``)."""
    t = torch.arange(1, steps + 1, dtype=torch.float64)
    root = (1 - BETA2**t).sqrt()
    rate, eps = root / (1 - BETA1**t), EPS * root
    plain = tuple(zip(eps.tolist(), rate.tolist(), strict=True))
    return Corrections(rate.float().to(device), eps.float().to(device), plain)


def step(
    p: Tensor, g: Tensor, m: Tensor, v: Tensor, rate: Tensor | float, eps: Tensor | float
) -> None:
    """Move ``p`` in place; ``rate`` (learning rate times correction) broadcasts over runs."""
    m.lerp_(g, 1 - BETA1)
    v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
    below = torch.sqrt(v).add_(eps)
    if isinstance(rate, float):
        p.addcdiv_(m, below, value=-rate)
    else:
        p.addcdiv_(m * rate, below, value=-1.0)
