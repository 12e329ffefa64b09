"""Settings of every stage; each field is declared here and nowhere else (``setting``)."""

from __future__ import annotations

from taskaff.core.settings.check import CheckSettings, Directions, Limit, Tolerance, Waived
from taskaff.core.settings.forms import ALL_ROWS
from taskaff.core.settings.predict import PredictSettings
from taskaff.core.settings.probe import ON_VECTORS, Leaks, Mode, ProbeSettings, Splits, Trunk
from taskaff.core.settings.run import (
    CacheMode,
    CommandSettings,
    EncoderOptions,
    RunSettings,
    SplitChoice,
)
from taskaff.core.settings.score import ScoreSettings, Training
from taskaff.core.settings.setting import VARIABLE, Declared, declared

RECORDS = (
    CommandSettings,
    RunSettings,
    EncoderOptions,
    ScoreSettings,
    ProbeSettings,
    PredictSettings,
    CheckSettings,
)
"""Whose settings stand in ``taskaff.toml``, in the order of the documentation."""

SETTINGS: dict[str, Declared] = {each.key: each for record in RECORDS for each in declared(record)}
"""Every setting by its dotted key."""

__all__ = [
    "ALL_ROWS",
    "ON_VECTORS",
    "RECORDS",
    "SETTINGS",
    "VARIABLE",
    "CacheMode",
    "CheckSettings",
    "CommandSettings",
    "Declared",
    "Directions",
    "EncoderOptions",
    "Leaks",
    "Limit",
    "Mode",
    "PredictSettings",
    "ProbeSettings",
    "RunSettings",
    "ScoreSettings",
    "SplitChoice",
    "Splits",
    "Tolerance",
    "Training",
    "Trunk",
    "Waived",
    "declared",
]
