"""Settings of a run: how rows become vectors and signatures, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from taskaff.core.settings.forms import BATCH_SIZE, DEVICE, FILE
from taskaff.core.settings.predict import PredictSettings
from taskaff.core.settings.score import ScoreSettings
from taskaff.core.settings.setting import Key, Setting

CacheMode = Literal["use", "refresh", "only", "off"]
SplitChoice = Literal["train", "validation", "test", "all"]


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How an encoder runs. What changes a vector goes into the fingerprint."""

    TABLE: ClassVar = "embed"

    device: Annotated[
        str,
        Setting(
            "auto, cpu, cuda, cuda:1 or mps.",
            "`auto` takes every GPU there is, else the processor.",
            form=DEVICE,
        ),
    ] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Setting("What a transformer computes in.", "`auto`: bfloat16 on GPUs that compute in it."),
    ] = "auto"
    batch_size: Annotated[
        int | None,
        Setting(
            "Texts at once; auto counts tokens.", metavar="N|auto", form=BATCH_SIZE, written="auto"
        ),
    ] = None
    """None plans batches by a budget of tokens."""
    max_length: Annotated[
        int | None,
        Setting("Tokens of a text that are read.", "By default the model's own limit.", ge=1),
    ] = None
    pairs: Annotated[
        Literal["auto", "cross", "apart"],
        Setting(
            "Pairs as one sequence, or each text by itself.",
            key="pair",
            more="`auto`: `hf:` does the first, others the second.",
        ),
    ] = "auto"
    revision: Annotated[str | None, Setting("Branch, tag or commit of a model.", nonempty=True)] = (
        None
    )
    """Of a model of a hub."""
    offline: Annotated[bool, Setting("Never use the network.")] = False


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that is not about one data set."""

    encoder: Annotated[
        str,
        Setting(
            "glove, glove:PATH, st:MODEL or hf:MODEL.",
            "See [encoders](encoders.md).",
            key="embed.encoder",
        ),
    ] = "glove"
    options: EncoderOptions = field(default_factory=EncoderOptions)
    """How the encoder runs."""
    split: Annotated[SplitChoice, Setting("Rows that are compared.", key="score.split")] = "train"
    """Split that the signature sums."""
    cache_mode: Annotated[
        CacheMode,
        Setting(
            "What to do with the cache.",
            "See [Cache](cli.md#cache).",
            key="cache.mode",
            option="cache",
        ),
    ] = "use"
    cache_dir: Annotated[
        Path | None,
        Setting(
            "Where the cache is.",
            "By default in the user's cache folder.",
            key="cache.dir",
            option="cache-dir",
            metavar="DIR",
            form=FILE,
        ),
    ] = None
    """None means no cache at all."""
    cache_vectors: Annotated[
        bool,
        Key(
            "Keep the vectors of rows too, batch by batch.",
            "The default encoder is faster than the disk.",
            key="cache.vectors",
        ),
    ] = False
    """Signatures are kept in any case."""
    workers: Annotated[int | None, Setting("Threads; one per core.", key="embed.workers", ge=1)] = (
        None
    )
    """Threads of the embedding stage."""
    score: ScoreSettings = field(default_factory=ScoreSettings)
    predict: PredictSettings | None = None
    """None: no predictions."""


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What a command does, where that is no setting of a stage."""

    mode: Annotated[
        Literal["pairs", "mix", "transfer"],
        Setting(
            "Every pair; the last data set added to the others; or train, then fine-tune.",
            "See [the probe](probe.md).",
            key="probe.mode",
        ),
    ] = "pairs"
    predict: Annotated[
        bool,
        Setting(
            "Whether to predict transfer.",
            "Of `score` and `probe`, for the set-up of `[probe]`, see [predictions](predict.md).",
            key="predict.enabled",
            option="predict",
        ),
    ] = True
    baseline: Annotated[
        str | None,
        Setting(
            "In place of taskaff.lock.json.",
            "Which stands beside this file.",
            key="check.baseline",
            metavar="FILE",
            nonempty=True,
        ),
    ] = None
