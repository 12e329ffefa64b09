"""Frozen records handed between the rooms, and the glossary of shapes.

Alphabet of every docstring: ``n`` rows, ``d`` embedding dimensions, ``c`` classes or label columns,
``k`` tasks, ``r`` capacity (output width of the shared module), ``X (n, d)``, ``Y (n, c)``,
``G = X'X``, ``C`` centred covariance, ``theta (d, c)`` linear single-task model. ``FOLDS`` rows of
a leading axis are the folds: a row's fold is a function of its content alone, so that repeated
rows never sit on both sides of a split.

Nothing here computes; nothing here imports a heavy library at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from taskaff.shown import Shown, Tabular

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from taskaff.answers import Answer
    from taskaff.predict_records import Finding, Prediction

    Floats = NDArray[np.float64]
    Floats32 = NDArray[np.float32]
    Ints = NDArray[np.int64]
    Ints32 = NDArray[np.int32]
    Hashes = NDArray[np.uint64]

ROW_IDENTITY = 2
"""Version of the rule by which two rows are one (``moments.normal``); decides folds and overlap."""

FOLDS = 4
"""Enough for cross-validation and a jackknife, few enough to store ``d * d`` numbers of each."""

MOST_CLASSES = 256
"""Training is followed, and transfer predicted, for tasks of at most so many classes: a step takes
time in their square (minutes a pair for 1,000), and nothing with more of them was measured."""

LabelKind = Literal["classes", "multilabel", "regression", "none"]
SplitName = Literal["train", "validation", "test"]
Layout = Literal["single", "pair", "vectors"]

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


# ---------------------------------------------------------------- data -> embed


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One data-set argument with everything that the user said about it.

    ``source`` is what was typed (``PATH``, a directory, a glob, ``-``, a URL) or, from Python, a
    table, an object that speaks the Arrow C stream protocol, or an ``(X, y)`` pair.
    """

    source: Any
    name: str | None = None
    text: tuple[str, ...] | None = None
    label: tuple[str, ...] | None = None
    label_kind: LabelKind | None = None
    split_column: str | None = None
    join_tokens: bool = False
    """Whether a text that is a list of words is joined, with blanks between them."""
    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = None
    no_header: bool = False
    skip_lines: int = 0
    on_bad_row: Literal["fail", "skip"] = "fail"
    missing_label: tuple[str, ...] = ()
    """Further values of the label column that stand for no label."""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What the labels are: kind, names of the ``c`` columns of ``Y``, and where they came from.

    ``names`` are the class names in sorted order (``classes``), the label columns or list items
    (``multilabel``), the target columns (``regression``), or empty (``none``).
    """

    kind: LabelKind
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """``c``."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was skipped because the user allowed it, and why."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file that was read: its SHA-256 identifies the content, whatever it is called."""

    path: str
    format: str
    split: SplitName
    rows: int
    bytes: int
    sha256: str
    rejected: int = 0
    unlabelled: int = 0
    """Rows that were left out because they have no label."""


@dataclass(frozen=True, slots=True, repr=False)
class TaskInfo(Shown):
    """What was understood of a data set before anything is embedded (``taskaff inspect``)."""

    name: str
    files: tuple[InputFile, ...]
    layout: Layout
    text_columns: tuple[str, ...]
    schema: LabelSchema
    rows: Mapping[str, int]
    """Rows per split."""
    label_counts: Mapping[str, int] = field(default_factory=dict)
    """Rows per class or positive rows per label column, all splits together."""
    vector_width: int | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)
    """Reader options that were in force (delimiter, encoding, quote ...)."""
    rejects: tuple[Reject, ...] = ()
    """The first skipped rows; their whole number is the sum over ``files``."""
    unlabelled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows without a label that were left out: per split, why and how many."""
    label_ids: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... of the label column, by ClassLabel metadata."""
    columns: tuple[str, ...] = ()
    """Every column of the input, used or not."""
    split_column: str | None = None
    """The column that names each row's split, when one does."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Consecutive rows of one file: texts or ready vectors, and their labels.

    ``text`` holds one Arrow string array (single texts), two (pairs) or none (ready vectors);
    nulls never occur. ``vectors`` is ``(n, d)`` float32. ``labels`` is ``(n,)`` int64 codes into
    ``LabelSchema.names`` for classes, ``(n, c)`` float64 for multi-label and regression, or None.
    """

    file: str
    split: SplitName
    first_row: int
    text: tuple[pa.Array, ...]
    vectors: Floats32 | None
    labels: Ints | Floats | None

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.text[0]) if self.text else len(self.vectors)  # type: ignore[arg-type]


class Task(Protocol):
    """An opened data set: scanned and validated once, readable in batches any number of times."""

    @property
    def info(self) -> TaskInfo:
        """What was understood."""
        ...

    def batches(self, file: InputFile | None = None) -> Iterator[RowBatch]:
        """Stream the rows of one file (all files by default), never a whole file in memory."""
        ...


# ------------------------------------------------------------- embed -> moments


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """Which encoder made the vectors.

    ``fingerprint`` covers everything that changes a vector (weights, tokenisation, pooling,
    dtype); two signatures compare only when their fingerprints are equal. ``width`` is the
    number of dimensions of one text.
    """

    id: str
    fingerprint: str
    width: int
    revision: str = ""
    pairs: Literal["apart", "cross"] = "apart"
    """How a pair of texts is encoded: each by itself, then ``[u; v; |u - v|; u * v]``; or both as
    one sequence, as BERT does for GLUE, which gives a vector of ``width``."""


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How an encoder runs. What changes a vector goes into the fingerprint."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``auto`` takes every GPU there is."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: bfloat16 on GPUs that compute in it, float32 otherwise."""
    batch_size: int | None = None
    """Texts at once; None plans batches by a budget of tokens."""
    max_length: int | None = None
    """Tokens of a text; None is the model's own limit."""
    pairs: Literal["auto", "cross", "apart"] = "auto"
    revision: str | None = None
    """Branch, tag or commit of a model of a hub."""
    offline: bool = False
    """Never use the network."""


@dataclass(frozen=True, slots=True)
class EncodeCounts:
    """Token counts of an encoding, which add over batches."""

    tokens: int = 0
    unknown: int = 0
    """Tokens out of vocabulary: without a vector, or a model's mark for unknown words."""
    truncated: int = 0
    """Texts, or pairs taken as one sequence, cut at the encoder's length limit."""
    empty: int = 0
    """Texts that gave no token with a vector: the zero vector, or what a model makes of its marks
    alone."""

    def __add__(self, other: EncodeCounts) -> EncodeCounts:
        return EncodeCounts(
            self.tokens + other.tokens,
            self.unknown + other.unknown,
            self.truncated + other.truncated,
            self.empty + other.empty,
        )


class Encoder(Protocol):
    """How rows become vectors. One class per encoder, listed in ``taskaff.embed.ENCODERS``."""

    @property
    def card(self) -> EncoderCard:
        """Identity, for fingerprints and reports."""
        ...

    def encode(self, texts: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` float32 of ``n`` texts, in order, whatever the batch size."""
        ...


class ThreadedEncoder(Encoder, Protocol):
    """An encoder whose matrix products have threads of their own, such as a model's."""

    @property
    def workers(self) -> int:
        """Threads that should call ``encode`` side by side; matrix products are left alone."""
        ...


class PairEncoder(Encoder, Protocol):
    """An encoder whose card may say ``cross``: it takes two texts as one sequence."""

    def encode_pairs(self, first: pa.Array, second: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` float32 of ``n`` pairs, in order, whatever the batch size."""
        ...


# ------------------------------------------------------------- moments -> score


@dataclass(frozen=True, slots=True, eq=False)
class NearKeys:
    """Keys of rows, by which near copies are known: two rows that share one are near copies."""

    counts: NDArray[np.uint8]
    """``(m,)`` keys of each row."""
    keys: Hashes
    """One row after the other, ascending within a row; numbers of 40 bits."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """64-bit content hashes of the distinct rows of a split, sorted; the smallest ones if too many.

    ``rows`` counts all rows, ``distinct`` the distinct ones (estimated when not ``exact``).
    ``threshold`` is the largest hash that could be in ``hashes``: hashes up to it are complete.
    """

    hashes: Hashes
    rows: int
    distinct: int
    threshold: int
    exact: bool
    conflicts: int = 0
    """Distinct rows that stand with different labels in one file."""
    near: NearKeys | None = None
    """Of the first rows of ``hashes``; None for ready vectors, and in files that lack them."""

    @property
    def near_threshold(self) -> int:
        """The largest hash up to which every row's near keys are kept."""
        kept = len(self.near.counts) if self.near else 0
        if kept == len(self.hashes):
            return self.threshold
        return int(self.hashes[kept - 1]) if kept else 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TaskSignature(Shown):
    """Everything that the scoring stage needs of a task: sums that add over shards, and no row.

    The sums are float64 over the rows of ``split`` and carry a leading axis of ``FOLDS``. They
    hold exactly what ``docs/signature.md`` lists; ``sketches`` (one a split) serve overlap.
    """

    name: str
    encoder: EncoderCard
    layout: Layout
    schema: LabelSchema
    split: str
    """Split whose rows were summed: ``train``, ``validation``, ``test`` or ``all``."""
    n: Ints
    """``(FOLDS,)`` rows."""
    sx: Floats
    """``(FOLDS, d)`` sum of x."""
    sxx: Floats
    """``(FOLDS, d, d)`` sum of x x'."""
    sxy: Floats
    """``(FOLDS, d, c)`` sum of x y'."""
    sy: Floats
    """``(FOLDS, c)`` sum of y."""
    syy: Floats
    """``(FOLDS, c, c)`` sum of y y'."""
    sketches: Mapping[str, Sketch]
    counts: EncodeCounts
    inputs: tuple[InputFile, ...]
    padded_from: int | None = None
    """Width before zero-padding, when the comparison asked for it."""
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """``d``."""
        return int(self.sx.shape[1])

    @property
    def rows(self) -> int:
        """``n`` over all folds."""
        return int(self.n.sum())


# -------------------------------------------------------------- score -> report


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its interval, and the reason when it has none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


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
    """Further numbers of the task, for the prediction (``scoring/facts.py``)."""
    near_duplicates: Estimate = field(default_factory=lambda: Estimate(None))
    """Distinct rows of the summed split that are near copies of another one of it."""
    near_leak: Estimate = field(default_factory=lambda: Estimate(None))
    """Distinct rows of the summed split with a near copy, and no exact one, in another split."""


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
    """Names from ``taskaff.scoring.SCORES``; empty means all of them."""
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreResult(Tabular):
    """What ``taskaff score`` found: per task, per pair, and for the mix as a whole."""

    tasks: tuple[TaskSummary, ...]
    encoder: EncoderCard
    tables: Mapping[str, PairTable]
    """Score name to table, in the order of ``taskaff.scoring.SCORES``."""
    capacity: Capacity | None
    weights: tuple[TaskWeights, ...]
    settings: ScoreSettings
    notes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    """Of directed pairs, when they were asked for and are not too many."""
    recipe: str = "turns"
    """How the mix would be trained (``taskaff.recipe``), which the answers are about."""
    arguments: tuple[str, ...] = ()
    """The data sets, and the options that say how to read and embed them, as a shell takes them: an
    option with its value each. Empty where they were not named on a command line."""
    findings: tuple[Finding, ...] = ()
    """Of the gate, where scores have limits (``--fail-under``)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Task names, in the order of every table's axes."""
        return tuple(task.name for task in self.tasks)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What to do with each data set, and why (``taskaff.answers``)."""
        from taskaff.answers import of_score

        return of_score(self)

    def pairs(self, directed: bool = False) -> Iterator[tuple[int, int]]:
        """Index pairs ``(source, target)``: ``i < j``, or both directions."""
        k = len(self.tasks)
        for i in range(k):
            for j in range(k):
                if i < j or (directed and i > j):
                    yield i, j


# ------------------------------------------------------------ embed -> probing


@dataclass(frozen=True, slots=True, eq=False)
class TokenLayer:
    """What token numbers mean, and the layer that a fine-tuned trunk starts from.

    ``words``: ``vectors (V, d)`` float32, the last two rows being the unknown word and the mark
    between two texts. ``transformer``: ``load()`` gives a fresh pretrained ``torch.nn.Module``
    whose call takes ``(ids, mask, types)`` and whose embedding layer can be aligned.
    """

    kind: Literal["words", "transformer"]
    id: str
    fingerprint: str
    width: int
    """``d``, of a token's vector."""
    vectors: Floats32 | None = None
    load: Callable[[], Any] | None = None
    numbers: Ints | None = None
    """``(V,)`` ascending: which token of the fingerprint's vocabulary each row of ``vectors`` is,
    where only those that occur are kept; None when ids are themselves such numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenRows:
    """The texts of ``n`` rows as token numbers: row ``i`` is ``ids[starts[i]:starts[i + 1]]``."""

    ids: Ints32
    starts: Ints
    """``(n + 1,)``."""
    types: Ints32 | None
    """Segment of every token (transformers, pairs of texts), as long as ``ids``; or None."""
    layer: TokenLayer


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TaskVectors:
    """The embedded rows of one task, as the probe trains on them.

    ``X`` is ``(n, d)`` float32; ``labels`` as in ``RowBatch``; ``hashes`` ``(n,)`` identify the
    content of each row (leaks, splits); ``splits`` ``(n,)`` index into ``SPLITS``.
    """

    name: str
    X: Floats32
    labels: Ints | Floats
    hashes: Hashes
    splits: Ints
    schema: LabelSchema
    tokens: TokenRows | None = None
    """The texts as token numbers, for trunks that are fine-tuned; ``X`` are then their averages."""
    training_rows: int | None = None
    """Training rows of the files, or all rows where they have no splits; None: those kept here."""
    near: Hashes | None = None
    """``(n, k)`` keys by which near copies are known (``NearKeys``), 0 where a row has fewer; None
    where texts are not known."""

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.X)
