"""Texts of different lengths as positions of one axis, for ``m`` stacked batches of ``b`` rows.

Two layouts, both without padding inside a batch but for what the longest of the ``m`` needs:

* ``stepped``, for recurrence: all first tokens, then all second ones, and so on, the longest text
  first, so that a step is one slice and texts that are over take no part;
* ``flat``, for windows and averages: text after text, with a gap of empty places after each.

Empty places hold token ``-1``. Which rows are in a batch, and what a row gives, does not depend on
the layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from taskaff.stages.probe.tokens import TokenData

EMPTY = -1


@dataclass(frozen=True, slots=True)
class Stepped:
    """``P`` positions, step after step."""

    ids: Tensor
    """``(m, P)`` tokens of the training data, or ``EMPTY``."""
    sizes: tuple[int, ...]
    """Texts that take part in each step, falling; their sum is ``P``."""
    last: Tensor
    """``(m, b)`` position of each row's last token."""


@dataclass(frozen=True, slots=True)
class Flat:
    """``P`` positions, text after text."""

    ids: Tensor
    """``(m, P)`` tokens of the training data, or ``EMPTY``."""
    first: Tensor
    """``(m, b)`` position of each row's first token."""
    lengths: Tensor
    """``(m, b)`` tokens of each row."""


def stepped(tokens: TokenData, rows: Tensor) -> Stepped:
    """``rows (m, b)`` by steps."""
    lengths = tokens.lengths(rows)
    order = torch.argsort(lengths, dim=1, descending=True, stable=True)
    sorted_lengths = lengths.gather(1, order)
    longest = int(sorted_lengths[:, 0].max())
    step = torch.arange(longest, device=rows.device)
    # column j takes part in step t when any of the m batches has a j-th longest text beyond t
    sizes = (sorted_lengths.amax(0)[:, None] > step).sum(0)
    t = step.repeat_interleave(sizes)
    starts = sizes.cumsum(0) - sizes
    j = torch.arange(len(t), device=rows.device) - starts[t]
    at = tokens.starts[rows.gather(1, order)][:, j] + t
    ids = tokens.ids[at.clamp_(max=len(tokens.ids) - 1)]
    ids = ids.masked_fill(t >= sorted_lengths[:, j], EMPTY)
    last = torch.empty_like(rows)
    column = torch.arange(rows.shape[1], device=rows.device)
    last.scatter_(1, order, starts[sorted_lengths - 1] + column)
    return Stepped(ids, tuple(sizes.tolist()), last)


def flat(tokens: TokenData, rows: Tensor, gap: int) -> Flat:
    """``rows (m, b)`` one after the other, ``gap`` empty places after each."""
    lengths = tokens.lengths(rows)
    ends = (lengths + gap).cumsum(1)
    first = ends - lengths - gap
    place = torch.arange(int(ends[:, -1].max()), device=rows.device).expand(len(rows), -1)
    row = torch.searchsorted(ends, place.contiguous(), right=True)
    beyond = row >= rows.shape[1]
    row = row.clamp_(max=rows.shape[1] - 1)
    within = place - first.gather(1, row)
    at = tokens.starts[rows].gather(1, row) + within
    ids = tokens.ids[at.clamp_(max=len(tokens.ids) - 1)]
    empty = beyond | (within >= lengths.gather(1, row))
    return Flat(ids.masked_fill(empty, EMPTY), first, lengths)
