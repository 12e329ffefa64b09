"""The settings of a probe of which only some were given: the trunk decides the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskaff.core.errors import UsageError
from taskaff.core.registry import unknown_name
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.stages.probe.trunks import TRUNKS


def settings_for(given: Mapping[str, Any]) -> ProbeSettings:
    """``ProbeSettings`` of what was given; None counts as not given, and the trunk then decides.

    Raises
    ------
    UsageError : an unknown trunk; a capacity for a trunk that has none to choose.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    trunk = chosen.get("trunk", "linear")
    if trunk not in TRUNKS:
        raise unknown_name("trunk", trunk, TRUNKS)
    defaults = TRUNKS[trunk].defaults
    if not defaults.r and (chosen.get("r") or chosen.get("capacities")):
        asked = "--r" if chosen.get("r") else "--capacity"
        raise UsageError(
            f"{asked} means nothing with --trunk {trunk}: the shared module is the model itself",
            hint=f"leave {asked} out, or use another trunk",
        )
    if chosen.get("target_rows") == "all":
        chosen["target_rows"] = ALL_ROWS
    if isinstance(chosen.get("recipes"), str):
        chosen["recipes"] = (chosen["recipes"],)
    if "seeds" in chosen and "max_seeds" not in chosen:
        chosen["max_seeds"] = 0
    return replace(defaults, **{"trunk": trunk, **chosen})
