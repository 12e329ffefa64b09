"""The recurrence of an LSTM for many runs at once, forward and backward by hand.

``torch.nn.LSTM`` takes one run, and through autograd every step adds to the gradient of the
recurrent weights; here that gradient, and every factor that does not pass through time, is one
product over all steps. Gates are in the order input, forget, output, candidate.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Recurrence(torch.autograd.Function):
    """See ``recur``."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, W: Tensor, sizes: tuple[int, ...]) -> Tensor:
        R, P, r = *z.shape[:2], z.shape[2] // 4
        gates, H, C, squashed = z.clone(), *(z.new_empty(R, P, r) for _ in range(3))
        smooth, candidate = _steps(gates[..., : 3 * r], sizes), _steps(gates[..., 3 * r :], sizes)
        i, f, o = (_steps(part, sizes) for part in gates[..., : 3 * r].chunk(3, dim=2))
        g, h, c, above = (_steps(part, sizes) for part in (gates, H, C, squashed))
        for t, n in enumerate(sizes):
            if t:
                g[t].baddbmm_(h[t - 1][:, :n], W)
            torch.sigmoid_(smooth[t])
            torch.tanh_(candidate[t])
            torch.mul(i[t], candidate[t], out=c[t])
            if t:
                c[t].addcmul_(f[t], c[t - 1][:, :n])
            torch.tanh(c[t], out=above[t])
            torch.mul(o[t], above[t], out=h[t])
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
        torch.mul(g, i - i * i, out=dz[..., :r])
        torch.mul(C_before, f - f * f, out=dz[..., r : 2 * r])
        torch.mul(squashed, o - o * o, out=dz[..., 2 * r : 3 * r])
        torch.addcmul(i, i * g, g, value=-1, out=dz[..., 3 * r :])
        to_c = torch.addcmul(o, o * squashed, squashed, value=-1)
        dH, dC, W_turned = given[0].clone(), torch.zeros_like(C), W.mT.contiguous()
        by_gate = dz.view(*dz.shape[:2], 4, r)
        first, output = _steps(by_gate[:, :, :2], sizes), _steps(by_gate[:, :, 2], sizes)
        last, whole = _steps(by_gate[:, :, 3], sizes), _steps(dz, sizes)
        dh, dc, above, forget = (_steps(part, sizes) for part in (dH, dC, to_c, f))
        for t in range(len(sizes) - 1, -1, -1):
            dc[t].addcmul_(dh[t], above[t])
            first[t].mul_(dc[t].unsqueeze(2))
            output[t].mul_(dh[t])
            last[t].mul_(dc[t])
            if t:
                dh[t - 1][:, : sizes[t]].baddbmm_(whole[t], W_turned)
                torch.mul(dc[t], forget[t], out=dc[t - 1][:, : sizes[t]])
        return dz, torch.bmm(H_before.mT, dz), None


def recur(z: Tensor, W: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Hidden states ``(R, P, r)``, from zero, of ``z (R, P, 4 r)``, what the inputs give the gates.

    ``W (R, r, 4 r)`` are the recurrent weights; positions are laid out as in ``packing.Stepped``.
    Differentiable in ``z`` and ``W``.
    """
    hidden: Tensor = _Recurrence.apply(z, W, sizes)  # type: ignore[no-untyped-call]
    return hidden


def _steps(whole: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """A view of each step."""
    return torch.split(whole, list(sizes), dim=1)


def _shifted(whole: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """At every position what its text had one step before; zero in the first step."""
    out = torch.zeros_like(whole)
    before = _steps(whole, sizes)
    for t, step in enumerate(_steps(out, sizes)[1:]):
        step.copy_(before[t][:, : sizes[t + 1]])
    return out
