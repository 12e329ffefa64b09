"""The scores, by name, and what others need to know of each before it is imported."""

from __future__ import annotations

from typing import NamedTuple


class Score(NamedTuple):
    """One score's line of ``SCORES``."""

    target: str
    """``"module:function"``, called with the views of all tasks and the settings."""
    expensive: bool = False
    """Of more than ``ScoreSettings.most_trained`` pairs it is left out, unless it is named;
    predictions do without it then."""
    handles_subset: bool = False
    """It is given all tasks where only some pairs are wanted (``ScoreSettings.around``): it leaves
    pairs out itself, or costs next to nothing. Others are given two tasks at a time."""
    some_targets: bool = False
    """It takes ``helpers`` and ``targets``, so that an atlas has it of the wanted pairs alone."""
    predictive: bool = False
    """Whether predictions read it (``stages.predict.features.SCORES``)."""


SCORES: dict[str, Score] = {
    "covariance_similarity": Score(
        "taskaff.stages.score.covariance_similarity:covariance_similarity", predictive=True
    ),
    "covariance_alignment": Score(
        "taskaff.stages.score.covariance_alignment:covariance_alignment", predictive=True
    ),
    "mean_shift": Score(
        "taskaff.stages.score.mean_shift:mean_shift", handles_subset=True, predictive=True
    ),
    "model_similarity": Score(
        "taskaff.stages.score.model_similarity:model_similarity", predictive=True
    ),
    "head_energy_share": Score(
        "taskaff.stages.score.model_similarity:head_energy_share", predictive=True
    ),
    "model_similarity_metric": Score(
        "taskaff.stages.score.model_similarity:model_similarity_metric", predictive=True
    ),
    "head_energy_share_metric": Score(
        "taskaff.stages.score.model_similarity:head_energy_share_metric", predictive=True
    ),
    "source_gain": Score(
        "taskaff.stages.score.source_gain:source_gain",
        handles_subset=True,
        some_targets=True,
        predictive=True,
    ),
    "logme": Score("taskaff.stages.score.logme:logme", predictive=True),
    "cka": Score("taskaff.stages.score.cka:cka", predictive=True),
    "moment_gain": Score(
        "taskaff.stages.score.moment_gain:moment_gain",
        expensive=True,
        handles_subset=True,
        some_targets=True,
        predictive=True,
    ),
    "theorem2": Score("taskaff.stages.score.theorem2:theorem2"),
    "overlap": Score("taskaff.stages.score.overlap:overlap", handles_subset=True, predictive=True),
}
"""Score name to its line, in the order in which results list them."""


def expensive() -> frozenset[str]:
    """Names of the scores that are left out of many pairs."""
    return frozenset(name for name, line in SCORES.items() if line.expensive)
