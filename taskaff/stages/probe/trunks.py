"""The trunks, by name: what each reads, what trains it, and the settings that suit it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

from taskaff.core.settings import ProbeSettings

Reads = Literal["vectors", "words", "transformer"]


class Engine(NamedTuple):
    """What trains the trunks of one kind; both are ``"module:function"``."""

    reads: Reads
    """Frozen vectors, word vectors that are trained with the rest, or a transformer's tokens."""
    train: str
    """See ``engines``; that of vectors, ``engine.train``, takes more options."""
    inputs: str
    """What alignment matrices multiply: see ``engines.aligned_inputs``."""


class Trunk(NamedTuple):
    """One trunk's line of ``TRUNKS``."""

    engine: Engine
    defaults: ProbeSettings
    """Settings when none are given; ``r`` is 0 where the width is the model's own."""
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

_VECTORS = ProbeSettings(recipes=("turns", "concat"), max_seeds=20)
_WORDS = ProbeSettings(
    r=100, lr=0.003, weight_decay=(0.0,), updates=400, align_lr=0.001, max_tokens=128
)
_BODY = ProbeSettings(
    r=0,
    lr=5e-5,
    batch=16,
    weight_decay=(0.01,),
    updates=120,
    align_lr=1e-4,
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
