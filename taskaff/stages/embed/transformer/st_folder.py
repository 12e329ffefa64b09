"""What a sentence-transformers folder says, before that library is loaded.

Importing it takes seconds, and a run whose signatures are all in the cache needs none of it: here
the folder's own words are read as far as its fingerprint, the tokeniser and the refusals ask for
them. The model itself is built by the library (``st_model``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from taskaff.core.errors import EmbedError, Place
from taskaff.stages.embed.transformer.load import read_json, refuse_code, weight_files
from taskaff.stages.embed.transformer.recipe import Module, Recipe

INPUTS = ("Transformer", "StaticEmbedding")
WEIGHTLESS = ("Pooling", "Normalize", "Dropout")
WEIGHTED = ("Dense", "LayerNorm", "WeightedLayerPooling")
ROUTERS = ("Router", "Asym")
_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Names of older folders, in the order in which several are put side by side."""
_TRANSFORMER_SETTINGS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_ARGUMENTS = (
    ("tokenizer_args", "processor_kwargs"),
    ("model_args", "model_kwargs"),
    ("config_args", "config_kwargs"),
)
"""Groups of arguments of a ``Transformer`` by their older and newer names."""
_HARMLESS = {"dtype", "torch_dtype", "attn_implementation", "padding_side", "use_fast"}
"""Arguments that change no vector, or that an option of ours decides."""


def read(root: Path) -> Recipe:
    """The recipe of a folder; a bare model without ``modules.json`` gets the library's defaults.

    Raises
    ------
    EmbedError : code of the model's own, weights that are no safetensors, unknown modules.
    """
    if not (root / "modules.json").is_file():
        return Recipe(root, (_bare_pooling(root),), root=root)
    settings = _optional(root / "config_sentence_transformers.json")
    kind = settings.get("model_type") or "SentenceTransformer"
    if kind != "SentenceTransformer":
        raise unsupported(root, f"it is a {kind}")
    path, routes = _modules(root)
    first, after = path[0], path[1:]
    if first.kind not in INPUTS:
        raise unsupported(root, f"its first module is a {first.kind}")
    limit, lower, more = _transformer_settings(first)
    if settings.get("truncate_dim") is not None:
        more["truncate_dim"] = int(settings["truncate_dim"])
    poolings: tuple[str, ...] = ()
    if after and after[0].kind == "Pooling":
        poolings = _poolings(after[0].folder)
        if not read_json(after[0].folder / "config.json").get("include_prompt", True):
            more["include_prompt"] = False
        after = after[1:]
    static = first.kind == "StaticEmbedding"
    prompt = _prompt(settings)
    return Recipe(
        first.folder, poolings, None, tuple(after), limit, lower, prompt,
        root=root, routes=routes, static=static, more=more,
    )  # fmt: skip


def width(recipe: Recipe, hidden: int) -> int:
    """Width of a text's vector, where a token's is ``hidden`` wide."""
    total = hidden * max(1, len(recipe.pooling))
    for module in recipe.after:
        if module.kind == "Dense":
            total = int(read_json(module.folder / "config.json").get("out_features", 0))
        if module.kind == "Pooling":
            total *= len(_poolings(module.folder))
    return min(total, int(recipe.more.get("truncate_dim", total)))


def unsupported(folder: Path, what: str) -> EmbedError:
    """The error of a folder that sentence-transformers may know, and we do not."""
    return EmbedError(
        f"this kind of sentence-transformers model cannot be used: {what}",
        where=Place(str(folder)),
        hint="choose one that reads text by a transformer or static vectors, or use hf:MODEL",
    )


def _modules(root: Path) -> tuple[list[Module], tuple[str, ...]]:
    """The modules that a text goes through, in order, and the route it takes in every router.

    Those of other routes are held to the same rules: the library loads them too.
    """
    path: list[Module] = []
    taken: list[str] = []
    for module in _listed(root, read_list(root / "modules.json")):
        if module.kind not in ROUTERS:
            path.append(_checked(module, root))
            continue
        routes, name = _routes(module)
        for modules in routes.values():
            for inner in modules:
                if inner.kind in ROUTERS:
                    raise unsupported(root, "it has a router inside of another one")
                _checked(inner, root)
        path += routes[name]
        taken.append(name)
    if not path:
        raise unsupported(root, "it has no modules")
    return path, tuple(taken)


def read_list(path: Path) -> list[tuple[str, str]]:
    """Class and folder of every module in ``modules.json``."""
    import json

    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        return [(str(module["type"]), str(module["path"])) for module in modules]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EmbedError(
            "not a list of modules", where=Place(str(path)), hint="fetch the model again"
        ) from error


def _listed(folder: Path, modules: list[tuple[str, str]]) -> list[Module]:
    """Modules by class and path; what is not of sentence-transformers or inside is refused."""
    for name, inner in modules:
        if not name.startswith("sentence_transformers."):
            raise EmbedError(
                f"the model brings its own code ({name}), which is never run",
                where=Place(str(folder)),
                hint="choose a model of sentence-transformers' own modules, or hf:MODEL",
            )
        if Path(inner).is_absolute() or ".." in Path(inner).parts:
            raise EmbedError(
                "a module lies outside the folder", where=Place(str(folder)), hint="fetch it again"
            )
    return [Module(name.rpartition(".")[2], folder / inner) for name, inner in modules]


def _routes(router: Module) -> tuple[dict[str, list[Module]], str]:
    """The modules of every route, and the one that ``Router`` sends a text without a task to."""
    path = router.folder / "router_config.json"
    config = read_json(path if path.is_file() else router.folder / "config.json")
    try:
        types, structure = dict(config["types"]), dict(config["structure"])
        parameters = dict(config["parameters"])
        modules_of = dict(zip(types, _listed(router.folder, [(str(types[x]), x) for x in types]),
                         strict=True))  # fmt: skip
        routes = {
            str(name): [modules_of[x] for x in modules] for name, modules in structure.items()
        }
        mapped = dict(parameters.get("route_mappings") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise EmbedError(
            "not the routes of a router", where=Place(str(path)), hint="fetch the model again"
        ) from error
    default = parameters.get("default_route")
    if default is None and parameters.get("allow_empty_key", True):
        default = next(iter(routes), None)
    direct = "text" if "text" in routes else default
    name = mapped.get("(None, 'text')", mapped.get("(None, None)", direct))
    if name not in routes or not routes[name]:
        raise unsupported(router.folder, "its router has no route for a text without a task")
    return routes, str(name)


def _checked(module: Module, root: Path) -> Module:
    """Refuse what could run code, or would be read wrongly."""
    if module.kind not in (*INPUTS, *WEIGHTED, *WEIGHTLESS):
        raise unsupported(root, f"it has a module {module.kind}")
    if module.kind not in WEIGHTLESS:
        weight_files(module.folder)
    if module.kind == "Transformer":
        refuse_code(module.folder)
    if module.kind == "Dense":
        name = read_json(module.folder / "config.json").get("activation_function")
        if not str(name or "torch.nn.Tanh").startswith("torch.nn."):
            # the library would go on with another function and say so in its log alone
            raise unsupported(root, f"its dense layer has {name}")
    return module


def _transformer_settings(first: Module) -> tuple[int | None, bool, dict[str, Any]]:
    """Most tokens, whether texts are put into lower case, and further settings."""
    files = [first.folder / name for name in _TRANSFORMER_SETTINGS]
    settings = next((read_json(path) for path in files if path.is_file()), {})
    if first.kind != "Transformer":
        return None, False, {}
    modalities = settings.get("modality_config") or {"text": {}}
    if "message" in modalities or "text" not in modalities:
        raise unsupported(first.folder, "it reads its texts through a chat template, or none")
    if settings.get("module_output_name", "token_embeddings") != "token_embeddings":
        raise unsupported(first.folder, "its transformer gives no vectors of tokens")
    if settings.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise unsupported(first.folder, f"it is made for {settings['transformer_task']}")
    for name in ("processing_kwargs", "tokenizer_name_or_path"):
        if settings.get(name):
            raise unsupported(first.folder, f"it sets {name}")
    limit, more = settings.get("max_seq_length"), {}
    for old, new in _ARGUMENTS:
        given = dict(settings.get(old) or settings.get(new) or {})
        limit = given.pop("model_max_length", limit)
        if "/" in str(given.get("attn_implementation")):
            raise unsupported(first.folder, "its attention is code from the hub")
        more.update({f"{new}.{k}": v for k, v in given.items() if k not in _HARMLESS})
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise unsupported(first.folder, f"its max_seq_length is {limit!r}")
    return limit, bool(settings.get("do_lower_case")), more


def _poolings(folder: Path) -> tuple[str, ...]:
    """Names of the poolings, as ``Pooling`` reads them."""
    settings = read_json(folder / "config.json")
    given = settings.get("pooling_mode")
    if given is None:
        given = [mode for key, mode in _POOLINGS.items() if settings.get(key)] or ["mean"]
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _bare_pooling(folder: Path) -> str:
    """The pooling of a bare model: ``lasttoken`` for one that was made to write text."""
    config = _optional(folder / "config.json")
    names = config.get("architectures") or [""]
    writes = str(names[0]).endswith("ForCausalLM") and config.get("is_causal", True)
    return "lasttoken" if writes else "mean"


def _prompt(settings: dict[str, Any]) -> str:
    name, prompts = settings.get("default_prompt_name"), settings.get("prompts")
    return str(prompts.get(name) or "") if name and isinstance(prompts, dict) else ""


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
