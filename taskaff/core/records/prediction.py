"""Predicted transfer of directed pairs, before training.

A *gain* is STL minus MTL held-out loss of the target, as the probe measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from taskaff.core.records.estimate import Call, Estimate


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
