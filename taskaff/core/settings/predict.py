"""Settings of predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from taskaff.core.settings.forms import FILE
from taskaff.core.settings.probe import ProbeSettings
from taskaff.core.settings.setting import Setting


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """Settings of a prediction; every one stands in the result."""

    TABLE: ClassVar = "predict"

    margin: Annotated[
        float,
        Setting("A gain within it is no transfer; nats, or label variances.", option=None, ge=0),
    ] = 0.01
    confidence: Annotated[float, Setting("Level of the intervals.", option=None, gt=0, lt=1)] = 0.90
    decide: Annotated[
        float, Setting("A verdict needs this probability.", option=None, gt=0.5, le=1)
    ] = 0.75
    """Below it, it is inconclusive."""
    most_pairs: Annotated[
        int, Setting("More directed pairs than this are not predicted.", option=None, ge=1)
    ] = 400
    """Unless they are asked for by name."""
    atlas: Annotated[
        Path | None,
        Setting(
            "Measurements of your own.",
            more="By default `atlas.parquet` in the user's data folder.",
            option=None,
            form=FILE,
        ),
    ] = None
    """Beside the shipped ones; None means the shipped ones alone."""
    cache_dir: Path | None = None
    """Where the fitted model is kept; None fits it anew in every process."""
    training: ProbeSettings = field(default_factory=ProbeSettings)
    """How the pair would be trained, which is the set-up that is predicted."""
