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

    def at(self, t: Tensor, lr: Tensor) -> tuple[Tensor, Tensor]:
        """Rates and eps ``(E, n, 1, 1)`` of steps after ``t (E, n)`` others; ``lr (n, 1, 1)``."""
        shape = (*t.shape, 1, 1)
        return self.rate[t].view(shape) * lr, self.eps[t].view(shape)


def corrections(steps: int, device: torch.device) -> Corrections:
    """Tables over ``t = 1 .. steps`` (index ``t - 1``)."""
    t = torch.arange(1, steps + 1, dtype=torch.float64)
    root = (1 - BETA2**t).sqrt()
    rate, eps = root / (1 - BETA1**t), EPS * root
    return Corrections(rate.float().to(device), eps.float().to(device))


def step(p: Tensor, g: Tensor, m: Tensor, v: Tensor, rate: Tensor, eps: Tensor) -> None:
    """Move ``p`` in place; ``rate`` (learning rate times correction) broadcasts over runs."""
    m.lerp_(g, 1 - BETA1)
    v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
    p.addcdiv_(m * rate, torch.sqrt(v).add_(eps), value=-1.0)
