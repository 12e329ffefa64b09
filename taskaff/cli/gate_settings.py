"""From the configuration to what the gate is told."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskaff.core.config import Config
from taskaff.core.errors import CheckError
from taskaff.core.files import remove_abandoned
from taskaff.core.settings import CheckSettings, RunSettings, Waived

LOCK = "taskaff.lock.json"


def gate_settings(config: Config) -> CheckSettings:
    """Limits, tolerances and waivers."""
    from taskaff.core.registry import unknown_name
    from taskaff.stages.score.plugins import SCORES

    chosen = config.check
    for name in chosen.fail_under or ():
        if name not in SCORES:
            raise unknown_name("score in check.fail_under", name, SCORES)
    given: dict[str, Any] = {"recipe": config.probe.recipe[0]} if config.probe.recipe else {}
    given |= chosen.given(CheckSettings)
    waivers = tuple(
        Waived((waiver.pair[0], waiver.pair[1]), waiver.reason, waiver.expires)
        for waiver in config.waivers
    )
    return CheckSettings(**given, waivers=waivers)


def gate_run(config: Config, settings: RunSettings) -> RunSettings:
    """The settings of the run, predicting from the project's atlas at most.

    The user's own atlas grows with every probe of this machine, and a gate must say the same on
    every machine: it counts only when the configuration names it.
    """
    predict = settings.predict
    if predict is None or config.predict.atlas:
        return settings
    return replace(settings, predict=replace(predict, atlas=None))


def lock_path(config: Config, file: Path | None) -> tuple[Path, bool]:
    """Where the baseline is, and whether somebody said that it must be there."""
    if config.check.baseline is not None:
        return Path(config.check.baseline).expanduser(), True
    return (file.parent if file else Path()) / LOCK, False


def baseline_to_read(config: Config, file: Path | None, wanted: bool) -> Path | None:
    """The baseline to compare with; None when there is none or none is wanted."""
    path, named = lock_path(config, file)
    remove_abandoned(path.parent)
    if not wanted:
        return None
    if path.is_file():
        return path
    if named:
        found = f"there is no baseline {path}"
        hint = f"write it: taskaff check --write-baseline --baseline {shlex.quote(str(path))}"
        raise CheckError(found, hint=hint)
    return None
