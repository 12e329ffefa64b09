"""What makes a model an encoder: which layer, which pooling, what follows, how many tokens.

``hf:`` takes it from the argument, such as ``hf:bert-base-uncased?pooling=cls&layer=-2``; ``st:``
from the folder that sentence-transformers wrote (``st_folder``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from taskaff.core.errors import UsageError
from taskaff.core.registry import unknown_name

HF_POOLINGS = ("mean", "cls", "max")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a sentence-transformers folder: the name of its class, and its files."""

    kind: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything but weights and tokeniser that decides how a text becomes a vector."""

    folder: Path
    """Of the module that reads the text: configuration, tokeniser and weights."""
    pooling: tuple[str, ...] = ("mean",)
    """Several are put side by side; none where the first module already gives one vector."""
    layer: int | None = None
    """Hidden layer, 0 being the embeddings; None is the model's output."""
    after: tuple[Module, ...] = ()
    """What follows the pooling, in order."""
    limit: int | None = None
    """Tokens that a text may have, where the folder says so."""
    lower: bool = False
    prompt: str = ""
    pairs: Literal["apart", "cross"] = "apart"
    root: Path | None = None
    """The folder of sentence-transformers; None: a bare model (``hf:``)."""
    routes: tuple[str, ...] = ()
    """The route that a text takes in every ``Router``, in order."""
    static: bool = False
    """Whether the first module averages one vector a token, without a transformer."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other settings of the folder that change a vector; most folders have none."""


def split_argument(argument: str) -> tuple[str, dict[str, str]]:
    """``MODEL?pooling=cls&layer=-2`` in its two parts; a path that exists is taken as it is."""
    if Path(argument).exists():
        return argument, {}
    model, _, query = argument.partition("?")
    try:
        return model, dict(parse_qsl(query, strict_parsing=True, keep_blank_values=True))
    except ValueError:
        if not query:
            return model, {}
    raise UsageError(
        f"cannot read {query!r} after the model", hint=f"hf:{model}?pooling=cls&layer=-2"
    )


def of_hf(folder: Path, chosen: dict[str, str], layers: int) -> Recipe:
    """The recipe of ``hf:``; ``layers`` is the number of the model's layers."""
    for name in chosen:
        if name not in ("pooling", "layer"):
            raise unknown_name("argument of hf:", name, ("pooling", "layer"))
    pooling = chosen.get("pooling", "mean")
    if pooling not in HF_POOLINGS:
        raise unknown_name("pooling", pooling, HF_POOLINGS)
    layer = _layer(chosen["layer"], layers) if "layer" in chosen else None
    return Recipe(folder, (pooling,), layer, pairs="cross")


def _layer(text: str, layers: int) -> int | None:
    """The hidden layer counted from the first; None for the last one, which is the output."""
    try:
        layer = int(text)
    except ValueError:
        layer = layers + 1
    if not -layers - 1 <= layer <= layers:
        raise UsageError(
            f"there is no hidden layer {text!r}: the model has {layers}",
            hint=f"0 (the embeddings) to {layers}, or -1 (the last) to {-layers - 1}",
        )
    layer %= layers + 1
    return None if layer == layers else layer
