"""What the predictor takes and gives, and what the gate decides.

Shared by the rooms that predict, decide and report. A *gain* is STL minus MTL held-out loss of the
target, as the probe measures it: positive when the source helps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from taskaff.probe_records import Call, ProbeSettings
from taskaff.records import Estimate


@dataclass(frozen=True, slots=True)
class Setup:
    """How the pair would be trained, on which the answer depends."""

    encoder: str = "glove"
    """Id of the encoder's card."""
    width: int = 50
    """``d`` of a row's vector."""
    trunk: str = "linear"
    r: int = 16
    target_rows: int = 300
    source_rows: int = 4000


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that moved a prediction: its value, and by how much it moved the gain."""

    feature: str
    value: float
    effect: float
    """Change of the expected gain against the feature's typical value, in nats."""
    words: str
    """One sentence for a reader who knows none of the papers."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Expected transfer of one directed pair in one set-up, before training."""

    source: str
    target: str
    gain: Estimate
    """Nats (label variances for regressions), with its interval at ``confidence``."""
    probability_negative: float | None
    """Of a gain below ``-margin``; None where nothing can be predicted."""
    probability_positive: float | None
    """Of a gain above ``margin``."""
    margin: float
    confidence: float
    verdict: Call
    reasons: tuple[Reason, ...] = ()
    """The three features that moved it most."""
    measured: bool = False
    """A probe's result went into it."""
    outside: tuple[str, ...] = ()
    """Features outside of the atlas's range, for which the interval was widened."""
    note: str = ""
    features: Mapping[str, float] = field(default_factory=dict)
    """What the prediction was made from, so that a probe of the pair can extend an atlas."""


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """Settings of a prediction; every one stands in the result."""

    margin: float = 0.01
    """A gain within it is no transfer either way; nats, or label variances."""
    confidence: float = 0.90
    """Level of the intervals."""
    decide: float = 0.75
    """A verdict needs this probability; below it, it is inconclusive."""
    most_pairs: int = 400
    """More directed pairs than this are not predicted unless they are asked for by name."""
    atlas: Path | None = None
    """A user's own measurements beside the shipped ones; None means the shipped ones alone."""
    cache_dir: Path | None = None
    """Where the fitted model is kept; None fits it anew in every process."""
    training: ProbeSettings = field(default_factory=ProbeSettings)
    """How the pair would be trained, which is the set-up that is predicted."""


Level = Literal["failed", "warned", "inconclusive", "passed", "waived"]
Who = Literal["mix", "newcomer", ""]
PROGRAM = "taskaff"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule of the gate, applied to one pair: what was found against what is allowed."""

    rule: str
    """Name of the setting: ``probability_negative``, ``overlap``, ``max_loss_increase`` ..."""
    candidate: str
    task: str
    """Task of the mix."""
    direction: str
    """``candidate -> task``, ``task -> candidate`` or empty when it has none."""
    level: Level
    value: float | None
    threshold: float | None
    reason: str
    hint: str = ""
    """What to do next; a command in it stands at its end, after a colon, and runs as printed."""
    waiver: str = ""
    """Reason and date of the waiver that applies."""
    low: float | None = None
    high: float | None = None
    """Interval of the value, where it has one."""
    was: Level | Literal[""] = ""
    """The level before the waiver."""
    who: Who = ""
    """Who suffers when the limit is broken: the task of the ``mix``, or the ``newcomer`` itself;
    empty where it is about neither alone."""

    @property
    def command(self) -> str:
        """The command at the end of the hint; empty when it has none."""
        _, colon, found = self.hint.rpartition(f": {PROGRAM} ")
        return f"{PROGRAM} {found}" if colon else ""

    @property
    def advice(self) -> str:
        """The hint without its command."""
        return self.hint.removesuffix(f": {self.command}") if self.command else self.hint
