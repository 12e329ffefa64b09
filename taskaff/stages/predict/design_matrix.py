"""The model's design matrix: columns derived from stored features, with words for each.

Logarithms of sizes, and what follows from the training rule: a target of ``n_t`` rows mixed with a
source of ``n_s`` gets ``n_t / (n_t + n_s)`` of the updates, and ``r`` outputs have to serve the
label columns of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taskaff.stages.predict import features

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

Columns = Mapping[str, "Floats"]
"""Feature name to its values ``(n,)``."""

WORDS: dict[str, str] = {
    "covariance_similarity": "alikeness of the texts (eq. 6)",
    "covariance_alignment": "alikeness of the texts' variation",
    "mean_shift": "distance between the average texts",
    "model_similarity": "agreement of the two linear models, above chance",
    "model_cosine": "agreement of the two linear models",
    "head_energy": "part of the target's model that the source's holds, above chance",
    "model_similarity_metric": "agreement of the models on the target's texts, above chance",
    "head_energy_metric": "part of the target's predictions that the source's model can make, "
    "above chance",
    "explained": "part of the target's predictions that the source's model can make",
    "source_gain": "what the source's model adds to the target's own",
    features.FOLLOWED: "gain in simulated training",
    "overlap": "share of the target's rows that the source has",
    "target_known": "rows of the target that the scores were computed from",
    "target_rows": "training rows of the target",
    "source_rows": "training rows of the source",
    "share": "the target's share of the training rows",
    "target_columns": "label columns of the target",
    "source_columns": "label columns of the source",
    "crowding": "label columns of both against the capacity",
    "target_constant_loss": "label entropy of the target",
    "source_constant_loss": "label entropy of the source",
    "target_top_share": "share of the target's commonest class",
    "source_top_share": "share of the source's commonest class",
    "target_ridge_error": "difficulty of the target for a linear model",
    "source_ridge_error": "difficulty of the source for a linear model",
    "target_penalty": "regularisation that the target needs",
    "source_penalty": "regularisation that the source needs",
    "target_dimensions": "dimensions that the target's texts fill",
    "source_dimensions": "dimensions that the source's texts fill",
    "target_mean_share": "how much the target's texts have in common",
    "source_mean_share": "how much the source's texts have in common",
    "target_spread": "variance of the target's vectors",
    "relative_spread": "variance of the source's vectors over the target's",
    "target_tokens": "length of the target's texts",
    "source_tokens": "length of the source's texts",
    "target_unknown": "share of the target's tokens without a vector",
    "source_unknown": "share of the source's tokens without a vector",
    "target_regression": "whether the target is a regression",
    "source_regression": "whether the source is a regression",
    "target_pair": "whether the target has pairs of texts",
    "source_pair": "whether the source has pairs of texts",
    "same_layout": "whether both have single texts, or both pairs",
    "r": "capacity of the shared module",
    "width": "dimensions of a vector",
    "relu": "whether the shared module is not linear",
}
"""Every column of the model, in order, in words for a reader who knows none of the papers."""

NAMES = tuple(WORDS)

LOGARITHMS = frozenset(
    f"{role}_{name}" for role in ("source", "target") for name in ("rows", "columns", "tokens")
) | {"target_known", "share", "crowding", "r", "width"}
"""Columns that hold the log10 of what is shown."""


def family(name: str) -> str:
    """Family of a column: its columns say nearly the same, so one of them is reason enough."""
    if name.startswith(("model_", "head_energy")) or name == "explained":
        return "model"
    if name.startswith("covariance"):
        return "covariance"
    if name in ("target_rows", "source_rows", "share"):
        return "rows"
    return name


def shown(name: str, value: float) -> float:
    """The value of a column as a reader knows it."""
    return float(10.0**value) if name in LOGARITHMS else value


SETUP = ("r", "width", "relu")
SIZES = (
    *("target_rows", "source_rows", "share", "target_columns", "source_columns", "crowding"),
    *("target_constant_loss", "source_constant_loss", "target_regression", "source_regression"),
    *SETUP,
)
"""Columns that need no vectors: rows, classes, label entropy, set-up."""


TARGET = tuple(name for name in NAMES if name.startswith("target_") or name in SETUP)
"""Columns that say nothing of the source."""


def matrix(columns: Columns, names: Sequence[str] = NAMES) -> Floats:
    """``(n, q)`` of the named columns, NaN where a feature is undefined or was not stored."""
    n = len(next(iter(columns.values())))
    empty = np.full(n, np.nan)

    def get(name: str) -> Floats:
        return np.asarray(columns.get(name, empty), dtype=np.float64)

    derived = _derived(get)
    return np.stack([derived[name] if name in derived else get(name) for name in names], axis=1)


def _derived(get: Callable[[str], Floats]) -> dict[str, Floats]:
    """Columns that are not stored as they are."""
    target = np.fmin(get("target_known"), get("target_rows"))
    source = np.fmin(get("source_known"), get("source_rows"))
    r = np.where(get("r") > 0, get("r"), np.nan)  # 0: a transformer, which has none to choose
    heads = sum(np.fmax(get(f"{role}_columns") - 1, 1) for role in ("source", "target"))
    return {
        "target_known": _log(get("target_known")),
        "target_rows": _log(target),
        "source_rows": _log(source),
        "share": _log(target / (target + source)),
        "target_columns": _log(get("target_columns")),
        "source_columns": _log(get("source_columns")),
        "crowding": _log(heads / r),
        "relative_spread": get("source_spread") - get("target_spread"),
        "target_tokens": _log(get("target_tokens")),
        "source_tokens": _log(get("source_tokens")),
        "same_layout": (get("target_pair") == get("source_pair")) * 1.0,
        "r": _log(r),
        "width": _log(get("width")),
    }


def _log(x: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log10(np.maximum(x, 1e-9)))
