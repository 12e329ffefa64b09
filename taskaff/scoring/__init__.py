"""Room 4, how close two tasks are: every score reads signatures, never rows.

A score is a function ``f(views, settings) -> PairTable`` over all ``k`` tasks at once, so that each
task is summarised once and compared many times. Adding one is a module, a line in ``SCORES``, a
test, a section of ``docs/scores.md`` and a changelog line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskaff.scoring.engine import score

__all__ = ["SCORES", "score"]

SCORES: dict[str, str] = {
    "covariance_similarity": "taskaff.scoring.covariance_similarity:covariance_similarity",
    "covariance_alignment": "taskaff.scoring.covariance_alignment:covariance_alignment",
    "mean_shift": "taskaff.scoring.mean_shift:mean_shift",
    "model_similarity": "taskaff.scoring.model_similarity:model_similarity",
    "head_energy_share": "taskaff.scoring.model_similarity:head_energy_share",
    "model_similarity_metric": "taskaff.scoring.model_similarity:model_similarity_metric",
    "head_energy_share_metric": "taskaff.scoring.model_similarity:head_energy_share_metric",
    "source_gain": "taskaff.scoring.source_gain:source_gain",
    "moment_gain": "taskaff.scoring.moment_gain:moment_gain",
    "theorem2": "taskaff.scoring.theorem2:theorem2",
    "overlap": "taskaff.scoring.overlap:overlap",
}
"""Score name to ``"module:function"``, in the order in which results list them."""


def __getattr__(name: str) -> Any:
    """Import the engine (and with it numpy) when it is first asked for."""
    if name == "score":
        from taskaff.scoring.engine import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
