"""Settings of the probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from taskaff.core.settings.forms import DEVICE, DURATION, MARGIN, RECIPES, ROWS, SEEDS
from taskaff.core.settings.setting import Key, Setting

TrunkOnVectors = Literal["linear", "relu", "mlp"]
TrunkOnTokens = Literal["lstm", "cnn", "mlp-tokens", "transformer", "transformer-frozen"]
Trunk = Literal[TrunkOnVectors, TrunkOnTokens]

ON_VECTORS: tuple[str, ...] = get_args(TrunkOnVectors)
"""Trunks on frozen vectors; the others are fine-tuned on texts."""

Mode = Literal["pairs", "mix", "transfer", "capacity"]

Leaks = Literal["remove", "keep", "both"]

Splits = Literal["own", "drawn"]

Weights = Literal["equal", "proportional", "svd", "svd-printed", "uncertainty"]


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Settings of a probe; every one stands in the result.

    The defaults here are those of trunks on vectors; ``stages.probe.trunks`` has the others.
    """

    TABLE: ClassVar = "probe"

    trunk: Annotated[
        Trunk,
        Setting(
            "The shared module: linear, relu and mlp on vectors, the others fine-tuned.",
            "See [trunks on texts](probe.md#trunks-that-are-fine-tuned).",
        ),
    ] = "linear"
    r: Annotated[
        int,
        Setting(
            "Capacity of the shared module.",
            "Its output width; none with transformers, whose width is their own.",
            ge=1,
            varies=True,
        ),
    ] = 16
    """0 with transformers, whose width is their own."""
    recipes: Annotated[
        tuple[str, ...],
        Setting(
            "How tasks share the updates: turns, concat, share=0.2, temperature=2, together.",
            "By default `turns`, and in pairs of vectors `concat` beside it, see "
            "[recipes](probe.md#recipes).",
            key="recipe",
            metavar="NAME",
            form=RECIPES,
            varies=True,
        ),
    ] = ("turns",)
    """``core.recipe``. The first decides the verdict; in pairs mode the others are measured beside
    it."""
    updates: Annotated[
        int,
        Setting(
            "Cap of a run, in updates of its target.", "The same in both arms.", ge=1, varies=True
        ),
    ] = 1200
    """The same in both arms; a run that still improves there is trained on. With ``epochs`` it is
    not used."""
    patience: Annotated[
        float,
        Setting(
            "A run ends after so many times its best; 0: at the cap.",
            "Once so many times the updates of its best checkpoint brought nothing better.",
            ge=0,
            varies=True,
        ),
    ] = 3.0
    """0 trains to the cap, neither more nor less."""
    epochs: Annotated[
        int | None,
        Setting("Passes over all rows, in place of --updates.", "And of `patience`.", ge=1),
    ] = None
    """W's way of training."""
    batch: Annotated[int, Setting("Rows of an update.", ge=1, varies=True)] = 32
    lr: Annotated[float, Setting("Learning rate of Adam.", gt=0, varies=True)] = 0.01
    weight_decay: Annotated[
        tuple[float, ...],
        Key("Tried in every arm; validation rows choose.", ge=0, nonempty=True, varies=True),
    ] = (0.0, 0.3, 1.0, 3.0, 10.0)
    """Decoupled; each run's own validation loss chooses."""
    shares: Annotated[
        bool,
        Setting(
            "Also the gain over the source's share, and at the best.", "Of the updates; pairs mode."
        ),
    ] = False
    source_until: Annotated[
        float,
        Setting(
            "The source leaves after this share of the cap.",
            "Pairs mode.",
            metavar="SHARE",
            ge=0,
            le=1,
        ),
    ] = 1.0
    target_rows: Annotated[
        int,
        Setting(
            "Training rows of a target; all: those that it has.",
            '`300` or `"all"`.',
            metavar="N|all",
            form=ROWS,
        ),
    ] = 300
    """What is asked is what a source gives to a small task; ``ALL_ROWS`` for ``all``."""
    source_rows: Annotated[int, Setting("Most training rows of a source.", ge=1, varies=True)] = (
        4000
    )
    validation_rows: Annotated[int, Key("Most validation rows.", ge=1, varies=True)] = 500
    test_rows: Annotated[int, Key("Most test rows.", ge=1, varies=True)] = 2000
    splits: Annotated[
        Splits,
        Key(
            "drawn: test and validation rows come from all rows, anew for every seed.",
            "As W do for the sentiment sets; `own`: from the data set's own.",
        ),
    ] = "own"
    seeds: Annotated[
        tuple[int, ...],
        Setting(
            "Repetitions, no more and no fewer.",
            "Each has its own splits, initial weights and batches.",
            ge=1,
            form=SEEDS,
            varies=True,
        ),
    ] = (0, 1, 2, 3, 4)
    confidence: Annotated[
        float, Setting("Level of the intervals, such as 0.9.", metavar="LEVEL", gt=0, lt=1)
    ] = 0.90
    """Level of the t intervals over seeds."""
    margin: Annotated[
        float,
        Setting(
            "Gains within it count as none: of loss, or % of it.",
            '`0.01` of loss, or `"2%"` of the single-task loss.',
            metavar="X[%]",
            form=MARGIN,
        ),
    ] = 0.01
    margin_unit: Literal["loss", "relative"] = "loss"
    """``loss``: the held-out loss's own unit (nats; label variances for squared error).
    ``relative``: share of the single-task loss."""
    leaks: Annotated[
        Leaks, Setting("Source rows that the target has too.", "`both` to compare.")
    ] = "remove"
    leaks_train: bool = True
    """Remove the rows shared with the target's training rows too, not only the held-out ones."""
    scale: Literal["target", "none"] = "target"
    """``target``: vectors divided by the root mean square of the target's training rows."""
    device: Annotated[
        str, Setting("Where to train.", "`auto`: a GPU where there is one.", form=DEVICE)
    ] = "auto"
    memory: int = 1 << 30
    """Bytes that stacked runs may take at once."""
    chunk_runs: int | None = None
    """Runs stacked at once; None means what suits the device and ``memory``."""
    align: Annotated[bool, Setting("Also with alignment matrices.")] = False
    """Add an arm with alignment matrices (W, Algorithm 1), and its control."""
    align_form: Annotated[
        Literal["full", "low-rank", "orthogonal"], Setting("Form of the alignment matrices.")
    ] = "full"
    align_rank: Annotated[int, Key("Rank of the low-rank form.", ge=1)] = 8
    align_lr: Annotated[
        float, Setting("Learning rate of the alignment matrices.", gt=0, varies=True)
    ] = 0.003
    """Of Adam."""
    align_train: Annotated[
        Literal["heads", "joint"],
        Setting(
            "Trained with the matrices: heads, or the shared module too.",
            "With `heads` the shared module stands still.",
        ),
    ] = "heads"
    weights: Annotated[Weights, Setting("Loss weights of the tasks.")] = "equal"
    """W eq. 2, Algorithm 2; Kendall et al. 2018."""
    svd_rank: Annotated[
        int | None, Setting("r of Algorithm 2; those that tasks share by default.", ge=1)
    ] = None
    max_tokens: Annotated[
        int | None, Setting("Tokens of a row, of fine-tuned trunks.", ge=1, varies=True)
    ] = None
    """None is the model's own limit."""
    capacities: Annotated[
        tuple[int, ...],
        Setting("Loss against these capacities.", "In place of pairs.", option="capacity", ge=1),
    ] = ()
    transference: Annotated[bool, Setting("Measure transference during training.")] = False
    """Measure transference (TAG) during the MTL runs."""
    transference_every: int = 10
    controls: Annotated[
        bool, Setting("Also permuted source labels, and each target against itself.")
    ] = False
    each_label: Annotated[
        bool, Setting("Every label of a multi-label data set is a task, NAME.LABEL.")
    ] = False
    targets: Annotated[
        tuple[str, ...],
        Setting(
            "Only pairs with these as the target.",
            "Names; all pairs when empty.",
            metavar="NAME[,NAME]",
        ),
    ] = ()
    max_seeds: Annotated[
        int,
        Setting(
            "Add repetitions up to so many, until every pair is decided.",
            "After the first `seeds`.",
            ge=0,
            varies=True,
        ),
    ] = 0
    """0: those of ``seeds``, no more. Which seeds are trained follows from what is measured alone,
    so every machine answers alike."""
    budget: Annotated[
        float | None,
        Setting(
            "60s, 5m, 1h: add seeds until all is decided or time is out.",
            '`60`, `"60s"`, `"5m"` or `"1h"`.',
            metavar="TIME",
            form=DURATION,
        ),
    ] = None
    """Seconds."""
    keep_outputs: bool = False
    """Return the predictions of every test row."""
    keep_matrices: bool = False
    """Return the alignment matrices."""
