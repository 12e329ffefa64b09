"""From the configuration to what the gate is told."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.core.config import Config, ShareThreshold
from taskaff.core.errors import CheckError
from taskaff.core.files import remove_abandoned
from taskaff.core.recipe import TURNS

if TYPE_CHECKING:
    from taskaff.core.settings import CheckSettings, Limit
    from taskaff.pipeline.session import RunSettings

LOCK = "taskaff.lock.json"


def gate_settings(config: Config) -> CheckSettings:
    """Limits, tolerances and waivers."""
    from taskaff.core.registry import unknown_name
    from taskaff.core.settings import CheckSettings, Tolerance, Waived
    from taskaff.stages.score.plugins import SCORES

    chosen = config.check
    for name in chosen.fail_under:
        if name not in SCORES:
            raise unknown_name("score in check.fail_under", name, SCORES)
    return CheckSettings(
        probability_negative=_limit(chosen.probability_negative),
        overlap=_limit(chosen.overlap),
        max_loss_increase=chosen.max_loss_increase,
        newcomer_probability_negative=_limit(chosen.newcomer_probability_negative),
        newcomer_max_loss_increase=chosen.newcomer_max_loss_increase,
        recipe=chosen.recipe or config.probe.recipe or TURNS,
        fail_under=dict(chosen.fail_under),
        directions=chosen.directions,
        min_rows=chosen.min_rows,
        uncertainty=chosen.uncertainty,
        margin=chosen.margin,
        tolerance=Tolerance(**chosen.tolerance.model_dump()),
        waivers=tuple(
            Waived((waiver.pair[0], waiver.pair[1]), waiver.reason, waiver.expires)
            for waiver in config.waivers
        ),
        probe=chosen.probe,
        inconclusive=chosen.inconclusive,
    )


def gate_run(config: Config, settings: RunSettings) -> RunSettings:
    """The settings of the run, predicting from the project's atlas at most.

    The user's own atlas grows with every probe of this machine, and a gate must say the same on
    every machine: it counts only when the configuration names it.
    """
    predict = settings.predict
    if predict is None or config.predict.atlas:
        return settings
    return replace(settings, predict=replace(predict, atlas=None))


def _limit(threshold: ShareThreshold | None) -> Limit | None:
    from taskaff.core.settings import Limit

    return None if threshold is None else Limit(threshold.warn, threshold.fail)


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
