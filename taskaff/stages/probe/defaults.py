"""What each trunk reads, and the settings it is trained with when none are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from taskaff.core.errors import UsageError
from taskaff.core.registry import unknown_name
from taskaff.core.settings import ALL_ROWS, ProbeSettings


@dataclass(frozen=True, slots=True)
class TrunkDefaults:
    """One trunk: what it reads, and settings by the names of ``ProbeSettings``."""

    reads: Literal["vectors", "words", "transformer"]
    """Frozen vectors, word vectors that are trained with the rest, or a transformer's tokens."""
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


_VECTORS = TrunkDefaults(
    "vectors",
    r=16,
    lr=0.01,
    batch=32,
    weight_decay=(0.0, 0.3, 1.0, 3.0, 10.0),
    updates=1200,
    align_lr=0.003,
    max_seeds=20,
)
_WORDS = TrunkDefaults(
    "words",
    r=100,
    lr=0.003,
    batch=32,
    weight_decay=(0.0,),
    updates=400,
    align_lr=0.001,
    recipes=("turns",),
    max_tokens=128,
)
_WHOLE = TrunkDefaults(
    "transformer",
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
_FIXED = replace(_WHOLE, updates=300, lr=2e-4)

TRUNKS: dict[str, TrunkDefaults] = {
    "linear": _VECTORS,
    "relu": _VECTORS,
    "mlp": _VECTORS,
    "lstm": _WORDS,
    "cnn": _WORDS,
    "mlp-tokens": _WORDS,
    "transformer": _WHOLE,
    "transformer-frozen": _FIXED,
}

BY_TRUNK = tuple(field.name for field in fields(TrunkDefaults) if field.name != "reads")
"""Settings whose default depends on the trunk."""


def fine_tuned(trunk: str) -> bool:
    """Whether the trunk reads tokens instead of vectors."""
    return TRUNKS[trunk].reads != "vectors"


def settings_for(given: Mapping[str, Any]) -> ProbeSettings:
    """``ProbeSettings`` of what was given; None counts as not given, and the trunk then decides.

    Raises
    ------
    UsageError : an unknown trunk; a capacity for a trunk that has none to choose.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    trunk = chosen.get("trunk", "linear")
    if trunk not in TRUNKS:
        raise unknown_name("trunk", trunk, TRUNKS)
    defaults = TRUNKS[trunk]
    if not defaults.r and (chosen.get("r") or chosen.get("capacities")):
        asked = "--r" if chosen.get("r") else "--capacity"
        raise UsageError(
            f"{asked} means nothing with --trunk {trunk}: the shared module is the model itself",
            hint=f"leave {asked} out, or use another trunk",
        )
    if chosen.get("target_rows") == "all":
        chosen["target_rows"] = ALL_ROWS
    if isinstance(chosen.get("recipes"), str):
        chosen["recipes"] = (chosen["recipes"],)
    if "updates" in chosen and "epochs" not in chosen:
        chosen["epochs"] = None
    if "seeds" in chosen and "max_seeds" not in chosen:
        chosen["max_seeds"] = 0
    by_trunk = {name: getattr(defaults, name) for name in BY_TRUNK}
    return ProbeSettings(**{**by_trunk, **chosen})
