"""Losses by label kind, over many runs at once: their gradient, and their held-out value.

* ``classes``: cross-entropy, nats a row;
* ``multilabel``: logistic loss of each label, nats a label, averaged over labels;
* ``regression``: squared error of targets standardised on the training rows, averaged over targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CLASSES, MULTILABEL, REGRESSION = 0, 1, 2


@dataclass(slots=True)
class Labels:
    """Labels of a batch of ``L`` lanes. ``values`` is None when all of them are classes."""

    codes: Tensor
    """``(L, n)``."""
    values: Tensor | None = None
    """``(L, n, c)``: multi-label as 0/1, regression standardised, zero where padded."""
    kinds: Tensor | None = None
    """``(L, 1, 1)``."""
    widths: Tensor | None = None
    """``(L, 1, 1)``: unpadded ``c``."""


def gradient(logits: Tensor, labels: Labels, weights: Tensor) -> Tensor:
    """``dloss/dlogits (L, n, c)``; ``weights (L, n, 1)`` are the rows' shares of the loss."""
    p = torch.softmax(logits, -1)
    lanes, n, c = p.shape
    p.view(-1, c).scatter_add_(1, labels.codes.view(-1, 1), p.new_full((lanes * n, 1), -1.0))
    if labels.values is None:
        return p.mul_(weights)
    assert labels.kinds is not None
    assert labels.widths is not None
    logistic = torch.sigmoid(logits).sub_(labels.values).div_(labels.widths)
    squared = (logits - labels.values).mul_(2.0).div_(labels.widths)
    p = torch.where(labels.kinds == MULTILABEL, logistic, p)
    return torch.where(labels.kinds == REGRESSION, squared, p).mul_(weights)


def mean_loss(logits: Tensor, kind: int, codes: Tensor, values: Tensor) -> Tensor:
    """Held-out loss ``(m,)`` of ``logits (m, n, c)`` on ``n`` rows with one set of labels.

    ``values`` is ``(n, c)``, or ``(m, n, c)`` where each run standardised by its own rows.
    """
    if kind == CLASSES:
        chosen = logits.gather(2, codes.view(1, -1, 1).expand(len(logits), -1, 1))[..., 0]
        return (torch.logsumexp(logits, -1) - chosen).mean(-1)
    if kind == MULTILABEL:
        return (torch.nn.functional.softplus(logits) - logits * values).mean((1, 2))
    return (logits - values).square().mean((1, 2))
