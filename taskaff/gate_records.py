"""What the gate is told, what it looks at, and what it decided.

Shared by the room that decides, the room that reports and the pipeline.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from taskaff.answers.rule import Answer
from taskaff.predict_records import Finding, Level, Prediction
from taskaff.probe_records import ProbeResult
from taskaff.recipe import TURNS
from taskaff.records import EncoderCard, ScoreResult
from taskaff.shown import Tabular

Outcome = Literal["failed", "inconclusive", "warned", "passed"]
OUTCOMES: tuple[Outcome, ...] = ("failed", "inconclusive", "warned", "passed")
"""The first one that any finding has is that of the candidate, and of the run."""

Directions = Literal["both", "into-mix", "from-mix"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A value above ``warn`` warns, one above ``fail`` fails."""

    warn: float | None = None
    fail: float | None = None


@dataclass(frozen=True, slots=True)
class Waived:
    """A pair whose findings are accepted, why, and the last day of that."""

    pair: tuple[str, str]
    reason: str
    expires: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much a number may be worse than in the baseline."""

    probability_negative: float = 0.05
    overlap: float = 0.005
    max_loss_increase: float = 0.01
    fail_under: float = 0.05


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What a candidate must keep to; every setting stands in the result."""

    probability_negative: Limit | None = None
    """Of the predicted probability that the source hurts the target by more than ``margin``."""
    overlap: Limit | None = None
    """Of the share of the target's rows that the source has too."""
    max_loss_increase: float | None = None
    """Largest relative increase of a task's held-out loss, when the probe runs."""
    newcomer_probability_negative: Limit | None = None
    newcomer_max_loss_increase: float | None = None
    """The same two limits of what the newcomer suffers; None: as for the tasks of the mix."""
    recipe: str = TURNS
    """How the mix is trained (``taskaff.recipe``); predictions decide for ``concat`` alone."""
    fail_under: Mapping[str, float] = field(default_factory=dict)
    """Smallest allowed value, by the name of a score."""
    directions: Directions = "both"
    """``into-mix``: what the candidate does to the mix; ``from-mix``: what the mix does to it."""
    min_rows: int = 50
    """With fewer rows of either data set nothing is concluded from a prediction or a score."""
    uncertainty: float = 0.05
    """A probability within this distance of its limit decides nothing."""
    margin: float = 0.01
    """Gains within it count as none, in nats (label variances for regressions)."""
    tolerance: Tolerance = Tolerance()
    waivers: tuple[Waived, ...] = ()
    probe: bool = False
    """Whether effects on the mix are measured in place of being predicted."""
    inconclusive: Literal["pass", "fail"] | None = None
    """What an inconclusive outcome counts as; None leaves it what it is."""


@dataclass(frozen=True, slots=True)
class CheckedTask:
    """One data set as the gate sees it."""

    name: str
    rows: int
    source: str = ""
    """What was named: a path, a URL; empty for an object in memory."""
    inputs: tuple[str, ...] = ()
    """SHA-256 of every file, sorted."""
    held_out: int = 0
    """Distinct rows of the validation and test splits."""
    argument: str = ""
    """What names it on the command line, quoted, with the options that it was read with."""
    signature: bool = False
    """It is a stored signature, which holds no rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that a decision is made from."""

    candidates: tuple[CheckedTask, ...]
    mix: tuple[CheckedTask, ...]
    scores: ScoreResult
    predictions: tuple[Prediction, ...] = ()
    predictor: str = ""
    """Identity of what predicted: predictions of another one do not compare."""
    measured: Mapping[str, ProbeResult] = field(default_factory=dict)
    """Candidate to the probe of the mix with and without it."""


@dataclass(frozen=True, slots=True)
class CandidateOutcome:
    """The verdict on one candidate."""

    task: CheckedTask
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class BaselineState:
    """What the baseline had to do with this check."""

    path: str = ""
    state: Literal["none", "compared", "not comparable"] = "none"
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CheckResult(Tabular):
    """What ``taskaff check`` decided, with everything needed to read it."""

    outcome: Outcome
    candidates: tuple[CandidateOutcome, ...]
    mix: tuple[CheckedTask, ...]
    findings: tuple[Finding, ...]
    """Worst first; those without a candidate are about the configuration."""
    predictions: tuple[Prediction, ...]
    measured: Mapping[str, ProbeResult]
    encoder: EncoderCard
    settings: CheckSettings
    answers: tuple[Answer, ...] = ()
    """One for each candidate, in the same order."""
    baseline: BaselineState = BaselineState()
    lock: str = ""
    """Text of the baseline that this check would write."""
    notes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    def count(self, level: Level) -> int:
        """How many findings have this level."""
        return sum(finding.level == level for finding in self.findings)

    def prediction(self, source: str, target: str) -> Prediction | None:
        """The prediction of a directed pair."""
        for found in self.predictions:
            if (found.source, found.target) == (source, target):
                return found
        return None
