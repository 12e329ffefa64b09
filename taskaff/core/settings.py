"""Settings of every stage; each field is declared here and nowhere else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from taskaff.core.recipe import TURNS


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

    scores: tuple[str, ...] = ()
    """Names from ``taskaff.stages.score.SCORES``; empty means all of them."""
    confidence: float = 0.90
    """Level of the intervals."""
    intervals: bool = True
    """Whether to estimate intervals at all; without them many tasks compare faster."""
    trace_share: float = 0.99
    """Share of the trace kept by equation 6's truncation."""
    min_rows: int = 10
    """Below this many rows a score is undefined: too few to estimate anything."""
    capacities: tuple[int, ...] = ()
    """Capacities to try; empty means a grid up to the sum of the label ranks."""
    capacity: bool = True
    """Whether to estimate the capacity at all."""
    training: Training = field(default_factory=Training)
    """What ``moment_gain`` follows."""
    most_trained: int = 400
    """With more directed pairs than this ``moment_gain`` is left out unless ``scores`` names it: it
    takes some 12 ms a pair, the other scores next to nothing."""
    around: tuple[str, ...] = ()
    """Compare only pairs that have one of these tasks; empty means every pair. The other entries
    of a table may then be NaN without a note."""


Trunk = Literal[
    "linear", "relu", "mlp", "lstm", "cnn", "mlp-tokens", "transformer", "transformer-frozen"
]
"""The first three on frozen vectors, the others fine-tuned on texts."""

Mode = Literal["pairs", "mix", "transfer", "capacity"]

Leaks = Literal["remove", "keep", "both"]

Splits = Literal["own", "drawn"]

ALL_ROWS = 10**9
"""``target_rows`` of a probe whose targets train on all the rows that they have."""


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Settings of a probe; every one stands in the result."""

    trunk: Trunk = "linear"
    r: int = 16
    """Capacity: output width of the shared module; 0 with transformers, whose width is their own.
    The defaults here are those of trunks on vectors; ``stages.probe.defaults`` has the others.
    """
    recipes: tuple[str, ...] = ("turns",)
    """How the tasks share the updates (``core.recipe``). The first decides the verdict; in pairs
    mode the others are measured beside it."""
    updates: int = 1200
    """Cap of a run, in updates of its target, in both arms; a run that still improves there is
    trained on. With ``epochs`` it is not used."""
    patience: float = 3.0
    """A run ends when so many times the updates of its best checkpoint brought nothing better; 0
    trains to the cap, neither more nor less."""
    epochs: int | None = None
    """Passes over the rows of all tasks, instead of cap and patience: W's way of training."""
    batch: int = 32
    lr: float = 0.01
    """Learning rate of Adam."""
    weight_decay: tuple[float, ...] = (0.0, 0.3, 1.0, 3.0, 10.0)
    """Tried in every arm, decoupled; each run's own validation loss chooses."""
    shares: bool = False
    """Measure the gain over the source's share of the updates too, and at the best of them."""
    source_until: float = 1.0
    """Share of the cap after which the source has no more updates (pairs mode)."""
    target_rows: int = 300
    """Training rows of the target; what is asked is what a source gives to a small task.
    ``ALL_ROWS``: those that it has."""
    source_rows: int = 4000
    validation_rows: int = 500
    test_rows: int = 2000
    splits: Splits = "own"
    """``drawn``: a data set's own test and validation rows are not kept apart; every seed draws
    both from all rows."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Each draws its own splits, initial weights and batches."""
    confidence: float = 0.90
    """Level of the t intervals over seeds."""
    margin: float = 0.01
    """A gain within the margin is no effect."""
    margin_unit: Literal["loss", "relative"] = "loss"
    """``loss``: the held-out loss's own unit (nats; label variances for squared error).
    ``relative``: share of the single-task loss."""
    leaks: Leaks = "remove"
    """Source rows that the target also has: removed, kept, or both measured side by side."""
    leaks_train: bool = True
    """Remove the rows shared with the target's training rows too, not only the held-out ones."""
    scale: Literal["target", "none"] = "target"
    """``target``: vectors divided by the root mean square of the target's training rows."""
    device: str = "auto"
    """``auto`` is a GPU where there is one."""
    memory: int = 1 << 30
    """Bytes that stacked runs may take at once."""
    chunk_runs: int | None = None
    """Runs stacked at once; None means what suits the device and ``memory``."""
    align: bool = False
    """Add an arm with alignment matrices (W, Algorithm 1), and its control."""
    align_form: Literal["full", "low-rank", "orthogonal"] = "full"
    align_rank: int = 8
    """Rank of the low-rank form."""
    align_lr: float = 0.003
    """Learning rate of Adam for the alignment matrices."""
    align_train: Literal["heads", "joint"] = "heads"
    """What is trained with the alignment matrices: the heads, or the shared module as well."""
    weights: Literal["equal", "proportional", "svd", "svd-printed", "uncertainty"] = "equal"
    """Loss weights of the tasks (W eq. 2, Algorithm 2; Kendall et al. 2018)."""
    svd_rank: int | None = None
    """``r`` of Algorithm 2; None takes the directions that several tasks share."""
    max_tokens: int | None = None
    """Tokens of a row, of trunks that are fine-tuned; None is the model's own limit."""
    capacities: tuple[int, ...] = ()
    """Sweep these capacities instead of measuring pairs."""
    transference: bool = False
    """Measure transference (TAG) during the MTL runs."""
    transference_every: int = 10
    controls: bool = False
    """Add arms with permuted source labels, and the target against itself."""
    each_label: bool = False
    """Every label of a multi-label data set is a task."""
    targets: tuple[str, ...] = ()
    """Names of the only tasks that are targets in pairs mode; all tasks when empty."""
    max_seeds: int = 0
    """Seeds are added, up to so many, until every verdict is decided; 0: those of ``seeds``, no
    more. Which seeds are trained follows from what is measured alone, so every machine answers
    alike."""
    budget: float | None = None
    """Seconds: seeds are added until every verdict is decided or time is out."""
    keep_outputs: bool = False
    """Return the predictions of every test row."""
    keep_matrices: bool = False
    """Return the alignment matrices."""


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
    """How the mix is trained (``taskaff.core.recipe``); predictions decide for ``concat`` alone."""
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
