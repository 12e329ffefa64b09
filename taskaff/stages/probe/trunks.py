"""The trunks, by name: what each reads, what trains it, and the settings that suit it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Reads = Literal["vectors", "words", "transformer"]


@dataclass(frozen=True, slots=True)
class TrunkDefaults:
    """Settings when none are given, by the names of ``ProbeSettings``."""

    r: int
    """0 where the width is the model's own and ``r`` means nothing."""
    lr: float
    batch: int
    weight_decay: tuple[float, ...]
    updates: int
    align_lr: float
    recipes: tuple[str, ...] = ("turns", "concat")
    patience: float = 3.0
    max_tokens: int | None = None
    """Tokens of a row; None is the model's own limit."""
    epochs: int | None = None
    source_rows: int = 4000
    validation_rows: int = 500
    test_rows: int = 2000
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    max_seeds: int = 0


class Engine(NamedTuple):
    """What trains the trunks of one kind; both are ``"module:function"``."""

    reads: Reads
    """Frozen vectors, word vectors that are trained with the rest, or a transformer's tokens."""
    train: str
    """See ``engines.Engine``; that of vectors, ``engine.train``, takes more options."""
    inputs: str
    """See ``engines.AlignedInputs``: what alignment matrices multiply."""


class Trunk(NamedTuple):
    """One trunk's line of ``TRUNKS``."""

    engine: Engine
    defaults: TrunkDefaults
    module: str = ""
    """``"module:attribute"`` of the shared module: a ``model.VectorTrunk`` or a
    ``words.trunks.WordTrunk``. A transformer's is the encoder's own."""
    moves: bool = True
    """Whether training moves anything that tasks share: what can be handed on to another task, or
    trained jointly with alignment matrices."""

    @property
    def reads(self) -> Reads:
        """What the trunk's engine reads."""
        return self.engine.reads


_ON_VECTORS = Engine(
    "vectors",
    "taskaff.stages.probe.engine:train",
    "taskaff.stages.probe.engines:vector_inputs",
)
_ON_WORDS = Engine(
    "words",
    "taskaff.stages.probe.words.engine:train_words",
    "taskaff.stages.probe.words.engine:inputs",
)
_TUNING = Engine(
    "transformer",
    "taskaff.stages.probe.tuning.engine:train_transformers",
    "taskaff.stages.probe.tuning.engine:inputs",
)

_VECTORS = TrunkDefaults(
    r=16,
    lr=0.01,
    batch=32,
    weight_decay=(0.0, 0.3, 1.0, 3.0, 10.0),
    updates=1200,
    align_lr=0.003,
    max_seeds=20,
)
_WORDS = TrunkDefaults(
    r=100,
    lr=0.003,
    batch=32,
    weight_decay=(0.0,),
    updates=400,
    align_lr=0.001,
    recipes=("turns",),
    max_tokens=128,
)
_BODY = TrunkDefaults(
    r=0,
    lr=5e-5,
    batch=16,
    weight_decay=(0.01,),
    updates=120,
    align_lr=1e-4,
    recipes=("turns",),
    patience=2.0,
    source_rows=1000,
    validation_rows=300,
    test_rows=1000,
    seeds=(0, 1, 2),
)
_HEADS = replace(_BODY, updates=300, lr=2e-4)

TRUNKS: dict[str, Trunk] = {
    "linear": Trunk(_ON_VECTORS, _VECTORS, "taskaff.stages.probe.model:LINEAR"),
    "relu": Trunk(_ON_VECTORS, _VECTORS, "taskaff.stages.probe.model:RELU"),
    "mlp": Trunk(_ON_VECTORS, _VECTORS, "taskaff.stages.probe.model:MLP"),
    "lstm": Trunk(_ON_WORDS, _WORDS, "taskaff.stages.probe.words.trunks:LSTM"),
    "cnn": Trunk(_ON_WORDS, _WORDS, "taskaff.stages.probe.words.trunks:CNN"),
    "mlp-tokens": Trunk(_ON_WORDS, _WORDS, "taskaff.stages.probe.words.trunks:MLP_TOKENS"),
    "transformer": Trunk(_TUNING, _BODY),
    "transformer-frozen": Trunk(_TUNING, _HEADS, moves=False),
}
"""Trunk name to its line, in the order in which they are listed."""


def fine_tuned(trunk: str) -> bool:
    """Whether the trunk reads tokens instead of vectors."""
    return TRUNKS[trunk].reads != "vectors"
