"""The recurrence of an LSTM for many runs at once, forward and backward by hand.

``torch.nn.LSTM`` takes one run, and through autograd every step adds to the gradient of the
recurrent weights; here that gradient, and every factor that does not pass through time, is one
product over all steps. Gates stand in the order input, forget, output, candidate.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import torch
from torch import Tensor


class _Recurrence(torch.autograd.Function):
    """See ``recur``."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, W: Tensor, sizes: tuple[int, ...]) -> Tensor:
        R, P, r = *z.shape[:2], z.shape[2] // 4
        gates, H, C, squashed = z.clone(), *(z.new_empty(R, P, r) for _ in range(3))
        before = slice(0, 0)
        for start, n in zip(_starts(sizes), sizes, strict=True):
            now, was = slice(start, start + n), slice(before.start, before.start + n)
            g, c = gates[:, now], C[:, now]
            if start:
                g.baddbmm_(H[:, was], W)
            torch.sigmoid_(g[..., : 3 * r])
            torch.tanh_(g[..., 3 * r :])
            torch.mul(g[..., :r], g[..., 3 * r :], out=c)
            if start:
                c.addcmul_(g[..., r : 2 * r], C[:, was])
            torch.tanh(c, out=squashed[:, now])
            torch.mul(g[..., 2 * r : 3 * r], squashed[:, now], out=H[:, now])
            before = now
        ctx.save_for_backward(gates, H, C, squashed, W)
        ctx.sizes = sizes
        return H

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, None]:
        gates, H, C, squashed, W = ctx.saved_tensors
        sizes, r = ctx.sizes, H.shape[2]
        i, f, o, g = gates.split(r, dim=2)
        H_before, C_before = _shifted(H, sizes), _shifted(C, sizes)
        # what dz is per unit of dc (input, forget, candidate) and of dh (output)
        dz = torch.empty_like(gates)
        torch.mul(g, i * (1 - i), out=dz[..., :r])
        torch.mul(C_before, f * (1 - f), out=dz[..., r : 2 * r])
        torch.mul(squashed, o * (1 - o), out=dz[..., 2 * r : 3 * r])
        torch.mul(i, 1 - g * g, out=dz[..., 3 * r :])
        to_c = o * (1 - squashed * squashed)
        dH, dC, W_turned = given[0].clone(), torch.zeros_like(C), W.mT.contiguous()
        starts = _starts(sizes)
        for t in range(len(sizes) - 1, -1, -1):
            now = slice(starts[t], starts[t] + sizes[t])
            dh, dc, k = dH[:, now], dC[:, now], dz[:, now]
            dc.addcmul_(dh, to_c[:, now])
            by_gate = k.view(*k.shape[:2], 4, r)
            by_gate[:, :, :2].mul_(dc.unsqueeze(2))
            by_gate[:, :, 2].mul_(dh)
            by_gate[:, :, 3].mul_(dc)
            if t:
                was = slice(starts[t - 1], starts[t - 1] + sizes[t])
                dH[:, was].baddbmm_(k, W_turned)
                torch.mul(dc, f[:, now], out=dC[:, was])
        return dz, torch.bmm(H_before.mT, dz), None


def recur(z: Tensor, W: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Hidden states ``(R, P, r)``, from zero, of ``z (R, P, 4 r)``, what the inputs give the gates.

    ``W (R, r, 4 r)`` are the recurrent weights; positions are laid out as in ``packing.Stepped``.
    Differentiable in ``z`` and ``W``.
    """
    found: Tensor = _Recurrence.apply(z, W, sizes)  # type: ignore[no-untyped-call]
    return found


def _starts(sizes: tuple[int, ...]) -> list[int]:
    return [0, *accumulate(sizes)][:-1]


def _shifted(whole: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """At every position what its text had one step before; zero in the first step."""
    out = torch.zeros_like(whole)
    starts = _starts(sizes)
    for before, start, n in zip(starts, starts[1:], sizes[1:], strict=False):
        out[:, start : start + n] = whole[:, before : before + n]
    return out
