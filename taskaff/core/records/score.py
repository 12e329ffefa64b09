"""The result of the scoring stage: per task, per pair, and for the mix as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskaff.core.records.data import InputFile, LabelSchema, Layout
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Finding
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.shown import Answered
from taskaff.core.settings import ScoreSettings

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

MOST_CLASSES = 256
"""Training is followed, and transfer predicted, for tasks of at most so many classes: a step takes
time in their square (minutes a pair for 1,000), and nothing with more of them was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """One score for every pair of ``k`` tasks: ``(k, k)`` arrays, NaN where undefined.

    Entry ``[i, j]`` is source ``i``, target ``j``; symmetric when not ``directed``. ``notes`` says
    why an entry is undefined or how to read it. ``extras`` are further ``(k, k)`` numbers that
    explain it (chance levels, counts), under stable names. ``explain`` is one sentence for a
    reader who knows none of the papers: what the number means and in which direction it points.
    """

    name: str
    directed: bool
    value: Floats
    low: Floats
    high: Floats
    explain: str = ""
    notes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    extras: Mapping[str, Floats] = field(default_factory=dict)

    def at(self, i: int, j: int) -> Estimate:
        """The estimate for source ``i`` and target ``j``; None where the arrays hold NaN."""

        def number(array: Floats) -> float | None:
            x = float(array[i, j])
            return x if x - x == 0.0 else None

        return Estimate(
            number(self.value), number(self.low), number(self.high), self.notes.get((i, j), "")
        )


@dataclass(frozen=True, slots=True)
class CapacityPoint:
    """Cross-validated error at one capacity, relative to the label variance, and its error."""

    r: int
    error: float
    stderr: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """Recommended capacity of the linear shared module, and the curve it was read from."""

    recommended: int | None
    curve: tuple[CapacityPoint, ...]
    single: Mapping[str, int]
    """Single-task capacity of each task by the same rule."""
    upper_bound: int | None
    """Sum of the single-task capacities."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TaskWeights:
    """Algorithm 2's weights for one group of tasks that share their inputs; mean 1."""

    tasks: tuple[str, ...]
    weights: tuple[float, ...]
    rank: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """One task as the result shows it."""

    name: str
    rows: int
    width: int
    layout: Layout
    schema: LabelSchema
    inputs: tuple[InputFile, ...]
    counts: EncodeCounts
    padded_from: int | None
    duplicates: Estimate
    """Rows of the summed split that repeat another one (near-identical spellings count)."""
    split_leak: Estimate
    """Distinct rows that the summed split shares with the other splits of the same task."""
    notes: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    """Further numbers of the task, for the prediction (``taskaff/stages/score/facts.py``)."""
    near_duplicates: Estimate = field(default_factory=lambda: Estimate(None))
    """Distinct rows of the summed split that are near copies of another one of it."""
    near_leak: Estimate = field(default_factory=lambda: Estimate(None))
    """Distinct rows of the summed split with a near copy, and no exact one, in another split."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreResult(Answered):
    """What ``taskaff score`` found: per task, per pair, and for the mix as a whole."""

    tasks: tuple[TaskSummary, ...]
    encoder: EncoderCard
    tables: Mapping[str, PairTable]
    """Score name to table, in the order of ``taskaff.stages.score.SCORES``."""
    capacity: Capacity | None
    weights: tuple[TaskWeights, ...]
    settings: ScoreSettings
    notes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    """Of directed pairs, when they were asked for and are not too many."""
    recipe: str = "turns"
    """How the mix would be trained (``taskaff.core.recipe``), which the answers are about."""
    arguments: tuple[str, ...] = ()
    """The data sets, and the options that say how to read and embed them, as a shell takes them: an
    option with its value each. Empty where they were not named on a command line."""
    findings: tuple[Finding, ...] = ()
    """Of the gate, where scores have limits (``--fail-under``)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Task names, in the order of every table's axes."""
        return tuple(task.name for task in self.tasks)

    def pairs(self, directed: bool = False) -> Iterator[tuple[int, int]]:
        """Index pairs ``(source, target)``: ``i < j``, or both directions."""
        k = len(self.tasks)
        for i in range(k):
            for j in range(k):
                if i < j or (directed and i > j):
                    yield i, j
