"""Losses by label kind, over many runs at once: their gradient, and their held-out value.

* ``classes``: cross-entropy, nats a row;
* ``multilabel``: logistic loss of each label, nats a label, averaged over labels;
* ``regression``: squared error of targets standardised on the training rows, averaged over targets.

Outputs are ``(L, c, n)``, rows last: torch's softmax over a short last axis is 20 times slower.
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
    """``(L, c, n)``: multi-label as 0/1, regression standardised, zero where padded."""
    kinds: Tensor | None = None
    """``(L, 1, 1)``."""
    widths: Tensor | None = None
    """``(L, 1, 1)``: unpadded ``c``."""


def gradient(logits: Tensor, labels: Labels, weights: Tensor) -> Tensor:
    """``dloss/dlogits (L, c, n)``; ``weights (L, 1, n)`` are the rows' shares of the loss."""
    p = torch.softmax(logits, 1)
    codes = labels.codes.unsqueeze(1)
    p.scatter_add_(1, codes, p.new_full((1, 1, 1), -1.0).expand(codes.shape))
    if labels.values is None:
        return p.mul_(weights)
    assert labels.kinds is not None
    assert labels.widths is not None
    logistic = torch.sigmoid(logits).sub_(labels.values).div_(labels.widths)
    squared = (logits - labels.values).mul_(2.0).div_(labels.widths)
    p = torch.where(labels.kinds == MULTILABEL, logistic, p)
    return torch.where(labels.kinds == REGRESSION, squared, p).mul_(weights)


def lane_losses(logits: Tensor, labels: Labels, weights: Tensor) -> Tensor:
    """The loss ``(L, 1, 1)`` of which ``gradient`` is the gradient."""
    codes = labels.codes.unsqueeze(1)
    rows = torch.logsumexp(logits, 1, keepdim=True) - logits.gather(1, codes)
    if labels.values is not None:
        assert labels.kinds is not None
        assert labels.widths is not None
        wide = torch.arange(logits.shape[1], device=logits.device).view(1, -1, 1) < labels.widths
        logistic = torch.nn.functional.softplus(logits) - logits * labels.values
        each = torch.where(labels.kinds == MULTILABEL, logistic, (logits - labels.values).square())
        mean = torch.where(wide, each, 0.0).sum(1, keepdim=True) / labels.widths
        rows = torch.where(labels.kinds == CLASSES, rows, mean)
    return (rows * weights).sum(2, keepdim=True)


def row_losses(logits: Tensor, kind: int, codes: Tensor, values: Tensor) -> Tensor:
    """Losses ``(m, n)`` of ``logits (m, c, n)`` with one set of labels, ``values (c, n)``."""
    if kind == CLASSES:
        chosen = logits.gather(1, codes.view(1, 1, -1).expand(len(logits), 1, -1))[:, 0]
        return torch.logsumexp(logits, 1) - chosen
    if kind == MULTILABEL:
        return (torch.nn.functional.softplus(logits) - logits * values).mean(1)
    return (logits - values).square().mean(1)
