"""The evidence that the gate decides from, and its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from taskaff.core.records.answer import Answer
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.records.finding import Finding, Level
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.shown import Tabular
from taskaff.core.settings import CheckSettings

Outcome = Literal["failed", "inconclusive", "warned", "passed"]

OUTCOMES: tuple[Outcome, ...] = ("failed", "inconclusive", "warned", "passed")
"""The first one that any finding has is that of the candidate, and of the run."""


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
        for prediction in self.predictions:
            if (prediction.source, prediction.target) == (source, target):
                return prediction
        return None
