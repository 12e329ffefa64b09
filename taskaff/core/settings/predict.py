"""Settings of predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from taskaff.core.settings.forms import FILE
from taskaff.core.settings.probe import ProbeSettings
from taskaff.core.settings.setting import Key


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """Settings of a prediction; every one stands in the result."""

    TABLE: ClassVar = "predict"

    margin: Annotated[
        float, Key("A gain within it is no transfer; nats, or label variances.", ge=0)
    ] = 0.01
    confidence: Annotated[float, Key("Level of the intervals.", gt=0, lt=1)] = 0.90
    decide: Annotated[float, Key("A verdict needs this probability.", gt=0.5, le=1)] = 0.75
    """Below it, it is inconclusive."""
    most_pairs: Annotated[int, Key("More directed pairs than this are not predicted.", ge=1)] = 400
    """Unless they are asked for by name."""
    atlas: Annotated[
        Path | None,
        Key(
            "Measurements of your own.",
            "By default `atlas.parquet` in the user's data folder.",
            form=FILE,
        ),
    ] = None
    """Beside the shipped ones; None means the shipped ones alone."""
    cache_dir: Path | None = None
    """Where the fitted model is kept; None fits it anew in every process."""
    training: ProbeSettings = field(default_factory=ProbeSettings)
    """How the pair would be trained, which is the set-up that is predicted."""
