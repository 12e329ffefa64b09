"""Settings of the gate."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from taskaff.core.recipe import TURNS
from taskaff.core.settings.forms import RECIPE
from taskaff.core.settings.setting import Key, Setting

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
        Key(
            "Predicted probability that a source hurts.",
            "`{ warn = SHARE, fail = SHARE }`, or one of the two, see [the gate](gate.md).",
        ),
    ] = None
    """Of the predicted probability that the source hurts the target by more than ``margin``."""
    overlap: Annotated[
        Limit | None,
        Key(
            "Share of rows that the other data set has too.",
            "A limit as well; [near copies](near_duplicates.md) count.",
        ),
    ] = None
    """Of the share of the target's rows that the source has too."""
    max_loss_increase: Annotated[
        float | None,
        Key("Largest relative increase of a task's held-out loss, when the probe runs.", ge=0),
    ] = None
    newcomer_probability_negative: Annotated[
        Limit | None,
        Key(
            "Predicted probability that the newcomer itself is hurt.",
            "As for the tasks of the mix by default.",
        ),
    ] = None
    newcomer_max_loss_increase: Annotated[
        float | None,
        Key(
            "Largest relative increase of the newcomer's loss, in the mix against alone.",
            "As for the tasks of the mix by default.",
            ge=0,
        ),
    ] = None
    recipe: Annotated[
        str,
        Key(
            "How the mix is trained: turns, concat, share=0.2 or temperature=2.",
            "By default that of `[probe]`, and else `turns`.",
            form=RECIPE,
            varies=True,
        ),
    ] = TURNS
    """``taskaff.core.recipe``; predictions decide for ``concat`` alone."""
    fail_under: Annotated[
        Mapping[str, float],
        Key("Smallest allowed value of a score.", "`{ covariance_alignment = 0.5 }`."),
    ] = field(default_factory=dict)
    directions: Annotated[
        Directions,
        Key(
            "Whether the candidate's effect on the mix counts, the mix's on it, or both.",
            "`into-mix`: what the candidate does to the mix.",
        ),
    ] = "both"
    min_rows: Annotated[
        int, Key("With fewer rows of either data set nothing is concluded.", ge=1)
    ] = 50
    """From a prediction or a score."""
    uncertainty: Annotated[
        float, Key("A probability so close to its limit is inconclusive.", ge=0, lt=0.5)
    ] = 0.05
    margin: Annotated[
        float, Key("Gains within it count as none: nats, or label variances.", ge=0)
    ] = 0.01
    tolerance: Annotated[
        Tolerance, Key("By how much a number may be worse than in the baseline.")
    ] = Tolerance()
    waivers: tuple[Waived, ...] = ()
    probe: Annotated[bool, Setting("Measure effects on the mix by training.", negated=True)] = False
    """In place of predicting them."""
    inconclusive: Annotated[
        Literal["pass", "fail"] | None,
        Setting("What an inconclusive check counts as.", "By itself exit code 3."),
    ] = None
    """None leaves it what it is."""
