"""What turns a model into an encoder: pooling, layer, what follows it, the limit of tokens.

``st:`` reads it from the folder, as sentence-transformers wrote it there; ``hf:`` takes it from the
argument, such as ``hf:bert-base-uncased?pooling=cls&layer=-2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from taskaff.core.errors import EmbedError, Place, UsageError
from taskaff.core.registry import unknown_name
from taskaff.stages.embed.transformer.load import read_json

HF_POOLINGS = ("mean", "cls", "max")
ST_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""In the order in which several are put side by side."""
_TRANSFORMER_SETTINGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
_HARMLESS = {"dtype", "torch_dtype", "attn_implementation", "padding_side", "use_fast"}
"""Settings of a folder that change no vector, or that an option of ours decides."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the vectors of ``transformer`` (a folder) become one vector of a text."""

    transformer: Path
    pooling: tuple[str, ...] = ("mean",)
    """Several are put side by side."""
    layer: int | None = None
    """Hidden layer, 0 being the embeddings; None is the model's output."""
    after: tuple[str | Path, ...] = ()
    """``normalise``, or the folder of a dense layer, in order."""
    limit: int | None = None
    """Tokens that a text may have, where the folder says so."""
    lower: bool = False
    prompt: str = ""
    pairs: Literal["apart", "cross"] = "apart"


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
    layer: int | None = None
    if "layer" in chosen:
        layer = _layer(chosen["layer"], layers)
    return Recipe(folder, (pooling,), layer, pairs="cross")


def of_st(folder: Path) -> Recipe:
    """The recipe that sentence-transformers left in the folder; mean pooling where it left none."""
    if not (folder / "modules.json").is_file():
        return Recipe(folder)
    modules = _modules(folder / "modules.json")
    kinds = [kind for kind, _ in modules]
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise _unsupported(folder, f"its modules are {', '.join(kinds) or 'none'}")
    after: list[str | Path] = []
    for kind, path in modules[2:]:
        if kind not in ("Normalize", "Dense"):
            raise _unsupported(folder, f"it has a module {kind}")
        after.append("normalise" if kind == "Normalize" else path)
    transformer, pooling = modules[0][1], modules[1][1]
    limit, lower = _transformer_settings(transformer)
    return Recipe(
        transformer,
        _poolings(pooling),
        None,
        tuple(after),
        limit,
        lower,
        _prompt(folder / "config_sentence_transformers.json"),
    )


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


def _modules(path: Path) -> list[tuple[str, Path]]:
    """Kind and folder of every module; code from outside sentence-transformers is refused."""
    import json

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        modules = [(str(module["type"]), str(module["path"])) for module in found]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EmbedError(
            "not a list of modules", where=Place(str(path)), hint="fetch the model again"
        ) from error
    for kind, inner in modules:
        if not kind.startswith("sentence_transformers."):
            raise EmbedError(
                f"the model brings its own code ({kind}), which is never run",
                where=Place(str(path)),
                hint="choose a model of sentence-transformers' own modules, or hf:MODEL",
            )
        if Path(inner).is_absolute() or ".." in Path(inner).parts:
            raise EmbedError(
                "a module lies outside the folder", where=Place(str(path)), hint="fetch it again"
            )
    return [(kind.rpartition(".")[2], path.parent / inner) for kind, inner in modules]


def _transformer_settings(folder: Path) -> tuple[int | None, bool]:
    """Most tokens, and whether texts are put into lower case."""
    for name in _TRANSFORMER_SETTINGS:
        if (folder / name).is_file():
            found = read_json(folder / name)
            break
    else:
        return None, False
    if found.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise _unsupported(folder, f"it is made for {found['transformer_task']}")
    limit = found.get("max_seq_length")
    for group in ("tokenizer_args", "processor_kwargs", "model_args", "model_kwargs"):
        given = dict(found.get(group) or {})
        limit = given.pop("model_max_length", limit)
        strange = sorted(set(given) - _HARMLESS)
        if strange:
            raise _unsupported(folder, f"{name} sets {strange[0]}")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise _unsupported(folder, f"its max_seq_length is {limit!r}")
    return limit, bool(found.get("do_lower_case"))


def _poolings(folder: Path) -> tuple[str, ...]:
    found = read_json(folder / "config.json")
    if not found.get("include_prompt", True):
        raise _unsupported(folder, "it leaves the prompt out of the pooling")
    given = found.get("pooling_mode")
    if given is None:
        given = [mode for key, mode in ST_POOLINGS.items() if found.get(key)] or ["mean"]
    modes = [given] if isinstance(given, str) else list(given)
    for mode in modes:
        if mode not in ST_POOLINGS.values():
            raise _unsupported(folder, f"its pooling is {mode!r}")
    return tuple(modes)


def _prompt(path: Path) -> str:
    found: dict[str, Any] = read_json(path) if path.is_file() else {}
    name, prompts = found.get("default_prompt_name"), found.get("prompts")
    return str(prompts.get(name) or "") if name and isinstance(prompts, dict) else ""


def _unsupported(folder: Path, what: str) -> EmbedError:
    return EmbedError(
        f"this kind of sentence-transformers model cannot be used: {what}",
        where=Place(str(folder)),
        hint="choose one of a transformer, a pooling and a normalisation, or use hf:MODEL",
    )
