"""The scores, by name."""

from __future__ import annotations

SCORES: dict[str, str] = {
    "covariance_similarity": "taskaff.stages.score.covariance_similarity:covariance_similarity",
    "covariance_alignment": "taskaff.stages.score.covariance_alignment:covariance_alignment",
    "mean_shift": "taskaff.stages.score.mean_shift:mean_shift",
    "model_similarity": "taskaff.stages.score.model_similarity:model_similarity",
    "head_energy_share": "taskaff.stages.score.model_similarity:head_energy_share",
    "model_similarity_metric": "taskaff.stages.score.model_similarity:model_similarity_metric",
    "head_energy_share_metric": "taskaff.stages.score.model_similarity:head_energy_share_metric",
    "source_gain": "taskaff.stages.score.source_gain:source_gain",
    "moment_gain": "taskaff.stages.score.moment_gain:moment_gain",
    "theorem2": "taskaff.stages.score.theorem2:theorem2",
    "overlap": "taskaff.stages.score.overlap:overlap",
}
"""Score name to ``"module:function"``, in the order in which results list them."""
