"""The features of a directed pair: all that a prediction reads, as numbers with stable names.

Three kinds, in the shape of an additive model: of the target, of the source, of the pair; and the
set-up, on which the answer depends. An atlas stores them as they come from the scores; what the
model sees is derived from them (``design_matrix``), so that it can change without measuring again.
NaN where a score is undefined.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from taskaff.core.records.prediction import Setup
from taskaff.core.settings import ON_VECTORS

if TYPE_CHECKING:
    from taskaff.core.records.score import ScoreResult, TaskSummary

FOLLOWED = "moment_gain"
"""The feature that follows the training itself: one of the two opinions of the model."""

SCORES: dict[str, tuple[str, str]] = {
    "covariance_similarity": ("covariance_similarity", ""),
    "covariance_alignment": ("covariance_alignment", ""),
    "mean_shift": ("mean_shift", ""),
    "model_similarity": ("model_similarity", ""),
    "model_cosine": ("model_similarity", "measured"),
    "head_energy": ("head_energy_share", ""),
    "model_similarity_metric": ("model_similarity_metric", ""),
    "model_cosine_metric": ("model_similarity_metric", "measured"),
    "head_energy_metric": ("head_energy_share_metric", ""),
    "explained": ("head_energy_share_metric", "measured"),
    "source_gain": ("source_gain", ""),
    "logme": ("logme", ""),
    "cka": ("cka", ""),
    FOLLOWED: (FOLLOWED, ""),
    "overlap": ("overlap", ""),
}
"""Feature of a pair to the score that gives it, and the score's extra, if it is one."""

FACTS = (
    *("constant_loss", "top_share", "ridge_error", "penalty"),
    *("dimensions", "mean_share", "spread"),
)
"""Features of a task that the scoring stage computes."""


def raw(result: ScoreResult, source: int, target: int, setup: Setup) -> dict[str, float]:
    """Features of one directed pair as they are stored."""
    features = {}
    for name, (score, extra) in SCORES.items():
        table = result.tables.get(score)
        array = None if table is None else table.extras[extra] if extra else table.value
        features[name] = math.nan if array is None else float(array[source, target])
    for role, number in (("source", source), ("target", target)):
        summary = result.tasks[number]
        features |= {f"{role}_{name}": value for name, value in task(summary).items()}
    return features | of_setup(setup)


def task(summary: TaskSummary) -> dict[str, float]:
    """Features of one task."""
    rows, counts = max(summary.rows, 1), summary.counts
    kind = summary.schema.kind
    features = {name: float(summary.facts.get(name, math.nan)) for name in FACTS}
    return features | {
        "known": float(summary.rows),
        "columns": float(summary.schema.width),
        "regression": float(kind == "regression"),
        "multilabel": float(kind == "multilabel"),
        "pair": float(summary.layout == "pair"),
        "tokens": counts.tokens / rows if counts.tokens else math.nan,
        "unknown": counts.unknown / counts.tokens if counts.tokens else math.nan,
    }


def of_setup(setup: Setup) -> dict[str, float]:
    """Features of the set-up: how the pair would be trained."""
    return {
        "width": float(setup.width),
        "r": float(setup.r),
        "target_rows": float(setup.target_rows),
        "source_rows": float(setup.source_rows),
        "relu": float(setup.trunk != "linear"),
        "fine_tuned": float(setup.trunk not in ON_VECTORS),
    }
