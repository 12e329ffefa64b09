"""Alignment matrices, ``Z_i = X_i R_i`` (W Algorithm 1), for many runs at once, gradients by hand.

A task's ``R (d, d)`` starts at the identity and is one of three forms of parameters that start at
zero there, so that weight decay pulls ``R`` to the identity:

* ``full``: ``R = I + E``, the paper's;
* ``low-rank``: ``R = I + U V'`` with ``U, V (d, k)``; ``U`` starts at random, ``V`` at zero;
* ``orthogonal``: ``R = (I + S)^-1 (I - S)``, Cayley's form of a rotation, with ``S = W - W'``.

The model only sees ``x R B``, so that ``R`` never occurs alone: ``R B`` takes the place of
``B``, and its gradient ``M`` is carried on to ``R`` and ``B``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.core.spectra import leading, similarity

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.probe.records import State

Parts = dict[str, Tensor]

FORMS: dict[str, tuple[str, ...]] = {
    "": (),
    "full": ("E",),
    "low-rank": ("U", "V"),
    "orthogonal": ("W",),
}
"""Names of the parameters of each form; ``""`` is no alignment."""


def shapes(form: str, d: int, rank: int) -> dict[str, tuple[int, int]]:
    """Shape of each parameter of a form."""
    return {name: (d, rank if form == "low-rank" else d) for name in FORMS[form]}


def aligned(form: str, p: Parts, B: Tensor) -> Tensor:
    """``R B (m, d, r)`` of ``B (m, d, r)``."""
    if form == "full":
        return torch.baddbmm(B, p["E"], B)
    if form == "low-rank":
        return torch.baddbmm(B, p["U"], torch.bmm(p["V"].mT, B))
    S = _skew(p["W"])
    return _solve(S, B - torch.bmm(S, B))


def to_trunk(form: str, p: Parts, M: Tensor) -> Tensor:
    """Gradient ``R' M`` of ``B`` from that of ``R B``, ``M (m, d, r)``."""
    if form == "full":
        return torch.baddbmm(M, p["E"].mT, M)
    if form == "low-rank":
        return torch.baddbmm(M, p["V"], torch.bmm(p["U"].mT, M))
    S = _skew(p["W"])
    H = _solve(-S, M)
    return H + torch.bmm(S, H)


def to_parts(form: str, p: Parts, B: Tensor, M: Tensor) -> Parts:
    """Gradients of the form's parameters, that of ``R`` being ``M B'``."""
    if form == "full":
        return {"E": torch.bmm(M, B.mT)}
    if form == "low-rank":
        return {
            "U": torch.bmm(M, torch.bmm(B.mT, p["V"])),
            "V": torch.bmm(B, torch.bmm(M.mT, p["U"])),
        }
    # dR = -(I + S)^-1 dS (R + I), and (I + S)' = I - S
    H = _solve(-_skew(p["W"]), M)
    of_S = -torch.bmm(H, (aligned(form, p, B) + B).mT)
    return {"W": of_S - of_S.mT}


def matrix(form: str, state: State, slot: int) -> Floats:
    """``R (d, d)`` of one slot of a run's returned weights, in float64."""
    parts = {
        name: torch.from_numpy(np.asarray(state[f"{name}{slot}"], dtype=np.float64))[None]
        for name in FORMS[form]
    }
    d = len(next(iter(parts.values()))[0])
    R: Floats = aligned(form, parts, torch.eye(d, dtype=torch.float64)[None])[0].numpy()
    return R


def row_similarity(a: Floats, b: Floats, share: float = 0.99) -> float:
    """Covariance similarity (W eq. 6) of rows ``a (n, d)`` and ``b (m, d)``; NaN of zero rows."""
    rows = [np.asarray(x, dtype=np.float64) for x in (a, b)]
    one, other = (leading(x.T @ x, share) for x in rows)
    return similarity(one, other)


def _skew(W: Tensor) -> Tensor:
    return W - W.mT


def _solve(S: Tensor, right: Tensor) -> Tensor:
    """``(I + S)^-1`` times ``right``; a skew ``S`` never makes it singular."""
    solved: Tensor = torch.linalg.solve(S + torch.eye(S.shape[-1]).to(S), right)
    return solved
