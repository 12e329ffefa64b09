"""Settings of the scoring stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from taskaff.core.settings.setting import Key, Setting


@dataclass(frozen=True, slots=True)
class Training:
    """How a target and a source would be trained together: what ``moment_gain`` follows.

    The settings of the probe with a linear shared module (``[probe]``), so that the score answers
    for the training that is planned.
    """

    r: int = 16
    """Capacity: output width of the shared module."""
    target_rows: int = 300
    """Training rows of the target, at most as many as it has."""
    source_rows: int = 4000
    updates: int = 1200
    batch: int = 32
    lr: float = 0.01
    """Learning rate of Adam."""
    weight_decay: float = 1.0
    equal: bool = False
    """Whether the tasks take turns; otherwise an update is as likely a task's as it has rows."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Settings of the scoring stage; every one stands in the result."""

    TABLE: ClassVar = "score"

    scores: Annotated[
        tuple[str, ...],
        Setting("Compute only these scores, and show them.", "All [scores](scores.md) when empty."),
    ] = ()
    """Names from ``taskaff.stages.score.SCORES``; empty means all of them."""
    confidence: Annotated[
        float, Setting("Level of the intervals, such as 0.9.", metavar="LEVEL", gt=0, lt=1)
    ] = 0.90
    intervals: Annotated[
        bool,
        Setting("Whether to estimate intervals.", "Without them many data sets compare faster."),
    ] = True
    trace_share: Annotated[
        float, Key("Share of the trace that covariance_similarity keeps.", gt=0, le=1)
    ] = 0.99
    """Share of the trace kept by equation 6's truncation."""
    min_rows: Annotated[int, Key("With fewer rows a score is undefined.", ge=2)] = 10
    """Below this many rows there are too few to estimate anything."""
    capacities: Annotated[
        tuple[int, ...], Setting("Capacities to try.", "A grid when empty.", ge=1)
    ] = ()
    """Empty means a grid up to the sum of the label ranks."""
    capacity: Annotated[bool, Setting("Whether to estimate the capacity.")] = True
    training: Training = field(default_factory=Training)
    """What ``moment_gain`` follows."""
    most_trained: Annotated[
        int,
        Key("moment_gain of at most this many directed pairs, unless score.scores names it.", ge=0),
    ] = 400
    """It takes some 12 ms a pair, the other scores next to nothing."""
    around: tuple[str, ...] = ()
    """Compare only pairs that have one of these tasks; empty means every pair. The other entries
    of a table may then be NaN without a note."""
