"""Theorem 2 of Wu, Zhang and Re (ICLR 2020): does its sufficient condition for transfer hold?

For one-column tasks ``y_i = X_i theta_i + e_i``, source 1, target 2, the theorem (A.2.2) bounds the
relative error of the shared model on the target by ``6 c + |e_2| / ((1 - 3 c) |X_2 theta_2|)`` for
any margin ``c`` from ``kappa(X_2) sin(theta_1, theta_2)`` to 1/3, if the source has at least

    max( L |Sigma_1| log d / lambda_min(Sigma_1)^2,
         kappa(Sigma_1) kappa(X_2)^2 |y_2|^2 / c^2,
         kappa(Sigma_1)^2 kappa(X_2)^4 sigma_1^2 log(1/delta) / c^4 )

rows, up to an absolute constant that the paper leaves open and that is taken as 1 here, in units
in which ``theta_1' Sigma_1 theta_1 = 1``. It is a worst case: it is met far less often than sources
help, and nothing here is a probability.

Read off the sums: inputs and labels are centred; ``theta`` is the ridge model, not the true one;
``L`` bounds ``|x|^2``, of which the sums hold only the mean, a lower bound; ``sigma_1^2`` is the
source's cross-validated error; ``delta`` is 1 minus the confidence of the intervals. Columns that
are constant in both tasks (zero-padding) are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskaff.core.records.score import PairTable
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.ridge import model, reasons
from taskaff.stages.score.splits import moments
from taskaff.stages.score.subspaces import basis
from taskaff.stages.score.tables import Why, for_tasks, pair_table

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats
    from taskaff.stages.score.task_statistics import TaskView

MARGIN = 1.0 / 3.0
"""Largest margin the theorem allows; it asks for the fewest rows."""
SINGULAR = 1e-12
"""Eigenvalues below this share of the largest one are zero."""
MOST_ROWS = 1e12
"""More rows than any source has."""

EXPLAIN = (
    "Theorem 2's margin: how ill-conditioned the target's inputs are, times how far apart the two "
    "models point; up to 1/3, and with enough source rows, the source provably helps the target; "
    "above 1/3 the theorem says nothing, for or against."
)


def theorem2(views: Sequence[TaskView], settings: ScoreSettings) -> PairTable:
    """``kappa(X_2) sin(theta_1, theta_2)``, and ``met``, ``not met`` or ``vacuous`` in the notes.

    ``extras``: ``sine``; ``condition`` (``kappa(X_2)``); ``rows_asked`` at the margin 1/3, the
    fewest; ``rows_asked_at_margin`` at the pair's own ``c``; ``rows_have``. Infinite ones are NaN.
    """
    missing = reasons(views, settings)
    for i, view in enumerate(views):
        if not missing[i] and basis(model(view).theta).shape[1] != 1:
            missing[i] = f"{view.name!r} has more than one label column; Theorem 2 is about one"
    facts = [None if why else _facts(v) for v, why in zip(views, missing, strict=True)]
    k = len(views)
    names = ("margin", "sine", "condition", "rows_asked", "rows_asked_at_margin", "rows_have")
    extras = {name: np.full((k, k), np.nan) for name in names}
    remarks: list[Why] = []
    for s, source in enumerate(facts):
        for t, target in enumerate(facts):
            if source and target:
                numbers = _pair(source, target, 1.0 - settings.confidence)
                for name in names:
                    extras[name][s, t] = numbers[name] if math.isfinite(numbers[name]) else math.nan
                mask = np.zeros((k, k), dtype=bool)
                mask[s, t] = True
                remarks.append((mask, verdict(numbers)))
    margin = extras.pop("margin")
    return pair_table(
        "theorem2",
        margin,
        None,
        explain=EXPLAIN,
        directed=True,
        undefined=for_tasks(missing),
        remarks=remarks,
        extras=extras,
    )


def verdict(numbers: dict[str, float]) -> str:
    """``met``, ``not met`` or ``vacuous``, and why."""
    asked, have = numbers["rows_asked"], numbers["rows_have"]
    if math.isinf(numbers["condition"]):
        return "vacuous: the target's inputs do not span all dimensions (kappa is infinite)"
    if numbers["margin"] > MARGIN:
        return f"vacuous: kappa * sin is {numbers['margin']:.3g}, above 1/3"
    if asked > MOST_ROWS:
        return f"vacuous: {asked:.1e} source rows asked, more than any source has"
    if asked > have:
        return f"not met: the order of {asked:.1e} source rows asked, {have:.0f} there"
    return f"met: kappa * sin is at most 1/3, {have:.0f} of the order of {asked:.1e} rows asked"


@dataclass(frozen=True, eq=False)
class _Facts:
    """Quantities of one task that the condition reads."""

    direction: Floats
    """``(d,)`` unit vector along ``theta``."""
    values: Floats
    """Eigenvalues of ``C``, ascending, over all ``d`` columns."""
    live: NDArray[np.bool_]
    """``(d,)`` whether each column varies."""
    explained: float
    """``theta' Sigma theta``, for the only direction of the labels."""
    residual: float
    labels: float
    """``|y|^2`` about its mean."""
    n: float


def _facts(view: TaskView) -> _Facts:
    total, task = moments(view.signature), model(view)
    return _Facts(
        direction=basis(task.theta)[:, 0],
        values=np.asarray(np.linalg.eigvalsh(total.C), dtype=np.float64),
        live=total.C.diagonal() > 0,
        explained=float((task.theta * (total.C @ task.theta)).sum()),
        residual=task.error * task.variance,
        labels=total.n * total.variance,
        n=total.n,
    )


def _condition(values: Floats, columns: int) -> float:
    """``kappa`` of a covariance over ``columns`` of its columns, the rest being constant."""
    least, most = float(values[len(values) - columns]), float(values[-1])
    return most / least if least > SINGULAR * most else math.inf


def _pair(source: _Facts, target: _Facts, delta: float) -> dict[str, float]:
    columns = int(np.count_nonzero(source.live | target.live))
    kappa_1 = _condition(source.values, columns)
    kappa = math.sqrt(_condition(target.values, columns))
    cosine = float(source.direction @ target.direction)
    sine = float(np.linalg.norm(target.direction - cosine * source.direction))
    margin = kappa * sine if sine > 0 else 0.0

    def rows(c: float) -> float:
        if not c or math.isinf(kappa_1) or math.isinf(kappa):
            return math.inf
        values = source.values
        least = float(values[-columns])
        first = float(values.sum() * values[-1]) * math.log(columns) / least**2
        labels = kappa_1 * kappa**2 / c**2 * target.labels / source.explained
        noise = source.residual / source.explained * math.log(1.0 / delta)
        return max(first, labels, kappa_1**2 * kappa**4 / c**4 * noise)

    return {
        "margin": margin,
        "sine": sine,
        "condition": kappa,
        "rows_asked": rows(MARGIN),
        "rows_asked_at_margin": rows(min(margin, MARGIN)),
        "rows_have": source.n,
    }
