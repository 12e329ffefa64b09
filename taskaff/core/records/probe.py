"""The result of a probe: gains by seed and pair, sweeps, transference.

A *gain* is STL minus MTL held-out loss of the target: positive when the source helps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskaff.core.records.estimate import Interval, Verdict
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.shown import Answered
from taskaff.core.settings import ProbeSettings

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Floats32, Hashes

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in runs."""


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
    own: Interval = field(default_factory=lambda: Interval(None))
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
class ProbeResult(Answered):
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

    def pair(self, source: str, target: str) -> PairOutcome:
        """The directed pair by name; KeyError when there is none."""
        for pair in self.pairs:
            if (pair.source, pair.target) == (source, target):
                return pair
        raise KeyError((source, target))
