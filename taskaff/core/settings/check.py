"""Settings of the gate."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from taskaff.core.recipe import TURNS
from taskaff.core.settings.forms import RECIPE
from taskaff.core.settings.setting import Setting

Directions = Literal["both", "into-mix", "from-mix"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A value above ``warn`` warns, one above ``fail`` fails."""

    warn: Annotated[float | None, Setting("Largest value without a warning.", ge=0, le=1)] = None
    fail: Annotated[float | None, Setting("Largest value that passes.", ge=0, le=1)] = None


@dataclass(frozen=True, slots=True)
class Waived:
    """A pair whose findings are accepted, why, and the last day of that."""

    pair: tuple[str, str]
    reason: str
    expires: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much a number may be worse than in the baseline."""

    probability_negative: Annotated[float, Setting("Of a probability.", ge=0, le=1)] = 0.05
    overlap: Annotated[float, Setting("Of a share of rows.", ge=0, le=1)] = 0.005
    max_loss_increase: Annotated[float, Setting("Of a relative increase.", ge=0)] = 0.01
    fail_under: Annotated[float, Setting("Of a score.", ge=0)] = 0.05


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What a candidate must keep to; every setting stands in the result."""

    TABLE: ClassVar = "check"

    probability_negative: Annotated[
        Limit | None,
        Setting(
            "Predicted probability that a source hurts.",
            more="`{ warn = SHARE, fail = SHARE }`, or one of the two, see [the gate](gate.md).",
            option=None,
        ),
    ] = None
    """Of the predicted probability that the source hurts the target by more than ``margin``."""
    overlap: Annotated[
        Limit | None,
        Setting(
            "Share of rows that the other data set has too.",
            more="A limit as well; [near copies](near_duplicates.md) count.",
            option=None,
        ),
    ] = None
    """Of the share of the target's rows that the source has too."""
    max_loss_increase: Annotated[
        float | None,
        Setting(
            "Largest relative increase of a task's held-out loss, when the probe runs.",
            option=None,
            ge=0,
        ),
    ] = None
    newcomer_probability_negative: Annotated[
        Limit | None,
        Setting(
            "Predicted probability that the newcomer itself is hurt.",
            more="As for the tasks of the mix by default.",
            option=None,
        ),
    ] = None
    newcomer_max_loss_increase: Annotated[
        float | None,
        Setting(
            "Largest relative increase of the newcomer's loss, in the mix against alone.",
            more="As for the tasks of the mix by default.",
            option=None,
            ge=0,
        ),
    ] = None
    recipe: Annotated[
        str,
        Setting(
            "How the mix is trained: turns, concat, share=0.2 or temperature=2.",
            more="By default that of `[probe]`, and else `turns`.",
            option=None,
            form=RECIPE,
            varies=True,
        ),
    ] = TURNS
    """``taskaff.core.recipe``; predictions decide for ``concat`` alone."""
    fail_under: Annotated[
        Mapping[str, float],
        Setting(
            "Smallest allowed value of a score.",
            more="`{ covariance_alignment = 0.5 }`.",
            option=None,
        ),
    ] = field(default_factory=dict)
    directions: Annotated[
        Directions,
        Setting(
            "Whether the candidate's effect on the mix counts, the mix's on it, or both.",
            more="`into-mix`: what the candidate does to the mix.",
            option=None,
        ),
    ] = "both"
    min_rows: Annotated[
        int,
        Setting("With fewer rows of either data set nothing is concluded.", option=None, ge=1),
    ] = 50
    """From a prediction or a score."""
    uncertainty: Annotated[
        float,
        Setting("A probability so close to its limit is inconclusive.", option=None, ge=0, lt=0.5),
    ] = 0.05
    margin: Annotated[
        float,
        Setting("Gains within it count as none: nats, or label variances.", option=None, ge=0),
    ] = 0.01
    tolerance: Annotated[
        Tolerance,
        Setting("By how much a number may be worse than in the baseline.", option=None),
    ] = Tolerance()
    waivers: tuple[Waived, ...] = ()
    probe: Annotated[bool, Setting("Measure effects on the mix by training.", negated=True)] = False
    """In place of predicting them."""
    inconclusive: Annotated[
        Literal["pass", "fail"] | None,
        Setting("What an inconclusive check counts as.", more="By itself exit code 3."),
    ] = None
    """None leaves it what it is."""
