"""What the probe takes and what it found: settings, intervals, verdicts, the result.

Shared by the room that trains and the room that reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from taskaff.shown import Tabular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taskaff.answers import Answer
    from taskaff.predict_records import Prediction
    from taskaff.records import Floats32, Hashes

    Floats = NDArray[np.float64]

Trunk = Literal[
    "linear", "relu", "mlp", "lstm", "cnn", "mlp-tokens", "transformer", "transformer-frozen"
]
"""The first three on frozen vectors, the others fine-tuned on texts."""
Mode = Literal["pairs", "mix", "transfer", "capacity"]
Call = Literal["positive", "negative", "neutral", "inconclusive"]
Leaks = Literal["remove", "keep", "both"]
Splits = Literal["own", "drawn"]

ALL_ROWS = 10**9
"""``target_rows`` of a probe whose targets train on all the rows that they have."""

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in runs."""


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Settings of a probe; every one stands in the result."""

    trunk: Trunk = "linear"
    r: int = 16
    """Capacity: output width of the shared module; 0 with transformers, whose width is their own.
    The defaults here are those of trunks on vectors; ``probing.defaults`` has those of the others.
    """
    recipes: tuple[str, ...] = ("turns",)
    """How the tasks share the updates (``taskaff.recipe``). The first decides the verdict; in pairs
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
class Forecast:
    """How long a probe is expected to take, in seconds."""

    seconds: float
    """With the first seeds."""
    seeds: int
    most_seconds: float
    """With as many seeds as there can be."""
    most_seeds: int


Expect = Callable[[Forecast], None]
"""Told of the forecast before training starts."""


# ------------------------------------------------------------------- pairs


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean over seeds with its t interval; None where fewer than two seeds gave a number."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    stderr: float | None = None
    """Over seeds."""
    n: int = 0
    fixed: float | None = None
    """Standard error that no seed shrinks, of the finite rows; ``low`` and ``high`` contain it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The call and the reason, in words."""

    call: Call
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class RowGains:
    """Gains of a seed's test rows, and which part of the rows at hand the seed has drawn."""

    ids: Hashes
    """``(n,)`` content hashes."""
    gains: Floats32
    """``(n,)`` STL minus MTL loss."""
    pool: int
    """Rows that the test rows were drawn from; the rows themselves where they were not drawn."""
    trained: float
    """Share of the target's training rows at hand that the seed trains on."""


@dataclass(frozen=True, slots=True, eq=False)
class PredictedRows:
    """What both arms of a comparison predict of one seed's test rows."""

    ids: Hashes
    """``(n,)`` content hashes."""
    labels: Floats
    """``(n, w)``: one code of classes, else the labels as they are in the data."""
    against: Floats
    """``(n, c)``: probabilities, or values of regressions, of what is compared with."""
    arm: Floats
    """The same of what was trained."""


@dataclass(frozen=True, slots=True, eq=False)
class SeedGain:
    """One seed of one directed pair; NaN where a run diverged."""

    seed: int
    stl_loss: float
    mtl_loss: float
    stl_metric: float
    mtl_metric: float
    removed: int
    """Source rows taken out because the target has them."""
    weight_decay: tuple[float, float]
    """Chosen on validation rows: (STL, MTL)."""
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Every metric of the target's label kind: (STL, MTL)."""
    updates: tuple[int, int] = (0, 0)
    """Updates of the target at the checkpoint that was tested: (STL, MTL)."""
    at_cap: bool = False
    """One of the arms still improved at its cap."""
    constant_loss: float = float("nan")
    """Held-out loss of the training rows' label frequencies, or mean."""
    validation: tuple[float, float] = (float("nan"), float("nan"))
    """Validation losses at the checkpoints: (STL, MTL)."""
    test_rows: RowGains | None = None
    predicted: PredictedRows | None = None
    """Where ``keep_outputs`` asks for it; not part of a report."""
    """What finite rows mean for the gain; not part of the documents."""

    @property
    def gain(self) -> float:
        """STL minus MTL held-out loss: positive when the source helped."""
        return self.stl_loss - self.mtl_loss

    @property
    def metric_gain(self) -> float:
        """MTL minus STL: all metrics are better when larger, but log-loss, which is not chosen."""
        return self.mtl_metric - self.stl_metric


@dataclass(frozen=True, slots=True, eq=False)
class PairOutcome:
    """Measured transfer from ``source`` to ``target``."""

    source: str
    target: str
    gain: Interval
    metric: str
    metric_gain: Interval
    verdict: Verdict
    stl_loss: float | None
    """Mean single-task held-out loss over seeds."""
    leaked: float
    """Mean number of source rows that the target has too."""
    seeds: tuple[SeedGain, ...]
    gain_with_leaks: Interval | None = None
    """The gain when leaked rows stay in the source; None when not measured."""
    arm: str = "mtl"
    """What was trained: ``mtl``, ``align``, ``align control``, ``permuted source``, ``self``,
    ``mix``, ``fine-tuned``, ``fine-tuned with R``, and the like; stable names."""
    against: str = "alone"
    """What it is compared with: ``alone``, ``mtl``, ``mix without``, ``fine-tuned``."""
    recipe: str = ""
    """How the tasks shared the updates; empty where they were not trained together."""
    share: float | None = None
    """The source's mean share of the updates; None in a mix and where nothing was shared."""
    at_cap: int = 0
    """Seeds of which some arm still improved at its cap."""
    target_rows: int = 0
    """Training rows of the target that the answer holds for (the most of any seed)."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentReport:
    """What Algorithm 1 did to one pair: how far ``R`` moved, eq. 6 before and after it."""

    source: str
    target: str
    form: str
    """``full``, ``low-rank`` or ``orthogonal``."""
    distance_source: Interval
    """``|R_s - I|_F``."""
    distance_target: Interval
    similarity_before: Interval
    """Covariance similarity (W eq. 6) of the held-out rows of both tasks."""
    similarity_after: Interval
    matrices: tuple[tuple[str, int, Floats32], ...] = ()
    """Task, seed and ``R (d, d)`` at the checkpoint that was tested, where ``keep_matrices`` asks
    for them; not part of a report."""


@dataclass(frozen=True, slots=True)
class CapacitySweep:
    """Held-out loss against capacity for one model: all tasks together, or one alone."""

    model: str
    """``all`` or the task's name."""
    capacities: tuple[int, ...]
    loss: tuple[Interval, ...]
    """Mean held-out loss over tasks, relative to predicting the label frequencies or mean."""
    metric: tuple[Interval, ...]
    chosen: int | None
    """Smallest capacity within one standard error of the best."""
    best: int | None
    task_metrics: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    """Each task's metric in the joint model, by its name; of a task alone it is ``metric``."""


@dataclass(frozen=True, slots=True, eq=False)
class TransferenceRow:
    """``Z`` of one directed pair during joint training (T; TAG, Fifty et al. 2021)."""

    source: str
    target: str
    z: Interval
    """Mean over steps and seeds of ``1 - L_j(after a step on i) / L_j(before)``."""
    ratio: Interval
    """``Z_{i to j} / Z_{j to j}``, both means over steps and seeds: the part of what the target's
    own gradient does. None where that does nothing good on average."""
    updates: tuple[int, ...]
    over_time: tuple[float, ...]
    """Mean ``z`` over seeds in the window that ends with each of ``updates``."""
    own: Interval = Interval(None)
    """``Z_{j to j}`` in the same runs, the yardstick."""
    run: str = "pair"
    """``pair`` (the two tasks trained together) or ``all`` (all tasks in one model)."""
    by_seed: tuple[tuple[float, ...], ...] = ()
    """The windows of each seed, whose mean is ``over_time``."""
    measured: tuple[tuple[Floats, Floats], ...] = ()
    """``(Z_ij, Z_jj)`` of each seed, whole series; not part of a report."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeTask:
    """One task as the probe saw it: rows per role (largest over the seeds)."""

    name: str
    rows: int
    kind: str
    classes: int
    train: int
    source: int
    validation: int
    test: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProbeResult(Tabular):
    """What a probe found, with everything needed to read it."""

    mode: str
    tasks: tuple[ProbeTask, ...]
    pairs: tuple[PairOutcome, ...]
    settings: ProbeSettings
    rule: str
    """How the tasks shared the updates, in words."""
    runs: int
    notes: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    alignment: tuple[AlignmentReport, ...] = ()
    capacity: tuple[CapacitySweep, ...] = ()
    transference: tuple[TransferenceRow, ...] = ()
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Mean task weights of a run, by pair or mix (``source + target``) and task."""
    environment: Mapping[str, str] = field(default_factory=dict)
    finished: bool = True
    """False when time ran out or the run was interrupted: what is undecided is inconclusive."""
    predictions: tuple[Prediction, ...] = ()
    """From the scores alone, before the measurement."""
    combined: tuple[Prediction, ...] = ()
    """Predictions and this measurement together, of the pairs that were measured by the recipe that
    predictions are of."""
    arguments: tuple[str, ...] = ()
    """What was asked, as a shell takes it: data sets, and options with their values, but not those
    that say how to report. Empty where nothing was named on a command line."""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What to do with each data set that was added to another, and why."""
        from taskaff.answers import of_probe

        return of_probe(self)

    def pair(self, source: str, target: str) -> PairOutcome:
        """The directed pair by name; KeyError when there is none."""
        for found in self.pairs:
            if (found.source, found.target) == (source, target):
                return found
        raise KeyError((source, target))
