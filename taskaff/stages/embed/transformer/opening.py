"""Open ``st:MODEL`` and ``hf:MODEL``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskaff.core.errors import EmbedError, Place, UsageError
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store
from taskaff.stages.embed.transformer import identity, recipe
from taskaff.stages.embed.transformer.encoder import TransformerEncoder
from taskaff.stages.embed.transformer.load import (
    load_config,
    load_model,
    load_tokenizer,
    read_json,
    require_match,
    weight_files,
)
from taskaff.stages.embed.transformer.recipe import Recipe
from taskaff.stages.embed.transformer.source import Source, locate

if TYPE_CHECKING:
    import torch

    from taskaff.stages.embed.transformer.pooling import Dense
    from taskaff.stages.embed.transformer.replica import Replica

DEFAULT_LIMIT = 512
"""Of a model that knows none."""
_POSITIONS_AFTER_PAD = {
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
"""Models whose positions are counted from the padding's number on, which takes some of them."""


def open_st(argument: str, store: Store, options: EncoderOptions) -> TransformerEncoder:  # noqa: ARG001
    """Open ``st:MODEL``, a folder that sentence-transformers wrote."""
    source = locate(argument, revision=options.revision, offline=options.offline)
    return _open(f"st:{source.name}", source, recipe.of_st(source.folder), options)


def open_hf(argument: str, store: Store, options: EncoderOptions) -> TransformerEncoder:  # noqa: ARG001
    """Open ``hf:MODEL?pooling=mean|cls|max&layer=N``, any encoder of transformers."""
    model, chosen = recipe.split_argument(argument)
    source = locate(model, revision=options.revision, offline=options.offline)
    layers = int(getattr(load_config(source.folder), "num_hidden_layers", 0) or 0)
    found = recipe.of_hf(source.folder, chosen, layers)
    query = "&".join(f"{key}={value}" for key, value in sorted(chosen.items()))
    return _open(f"hf:{source.name}{'?' if query else ''}{query}", source, found, options)


def _open(name: str, source: Source, found: Recipe, options: EncoderOptions) -> TransformerEncoder:
    from taskaff.stages.embed.transformer.devices import devices, dtype_for

    folder = found.transformer
    weight_files(folder)
    config, tokenizer = load_config(folder), load_tokenizer(folder)
    limit = _limit(found, config, tokenizer, options)
    pairs = found.pairs if options.pairs == "auto" else options.pairs
    where = devices(options.device)
    dtype = dtype_for(options, where)
    dtype_name = str(dtype).removeprefix("torch.")
    weights = identity.weights_digest(folder)
    card = EncoderCard(
        id=name,
        fingerprint=identity.fingerprint(found, weights, limit, dtype_name, pairs),
        width=_width(found, config),
        revision=source.revision or weights[:12],
        pairs=pairs,
    )
    build = _builder(replace(found, limit=limit), config, tokenizer, where, dtype, options)
    names = [str(device) for device in where]
    return TransformerEncoder(card, found, tokenizer, limit, build, names, dtype_name)


def _builder(
    found: Recipe,
    config: Any,
    tokenizer: Any,
    where: list[torch.device],
    dtype: torch.dtype,
    options: EncoderOptions,
) -> Callable[[], list[Replica]]:
    def build() -> list[Replica]:
        from taskaff.stages.embed.transformer.devices import rule_for
        from taskaff.stages.embed.transformer.replica import Head, Replica

        head = Head(
            found.pooling, tuple(x if isinstance(x, str) else _dense(x) for x in found.after)
        )
        model: Any = load_model(found.transformer, config, dtype)
        require_match(found.transformer, tokenizer, model)
        replicas = []
        for device in where:
            placed = _placed(model, device, last=device == where[-1])
            rule = rule_for(device, options.batch_size)
            pad = tokenizer.pad_token_id or 0
            replicas.append(Replica(placed, head, device, rule, found.layer, pad))
        return replicas

    return build


def _placed(model: Any, device: torch.device, last: bool) -> Any:
    """The model on the device; a copy as long as others need the original."""
    from copy import deepcopy

    return (model if last else deepcopy(model)).to(device)


def _limit(found: Recipe, config: Any, tokenizer: Any, options: EncoderOptions) -> int:
    """Most tokens of a text: what was asked for, what the folder says, what the model can."""
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        positions = None
    elif config.model_type in _POSITIONS_AFTER_PAD:
        positions -= (config.pad_token_id or 0) + 1
    most = min(positions or 2**31, int(min(tokenizer.model_max_length, 2**31)))
    if options.max_length is not None and positions and options.max_length > positions:
        raise UsageError(
            f"the model has positions for {positions:,} tokens, not for {options.max_length:,}",
            hint=f"--max-length {positions}",
        )
    if options.max_length is not None:
        return options.max_length
    if found.limit is not None:
        return min(found.limit, positions or found.limit)
    return most if most < 2**31 else DEFAULT_LIMIT


def _width(found: Recipe, config: Any) -> int:
    width = int(config.hidden_size) * len(found.pooling)
    for step in found.after:
        if isinstance(step, Path):
            width = int(read_json(step / "config.json").get("out_features", 0))
    return width


def _dense(folder: Path) -> Dense:
    """A dense layer of sentence-transformers."""
    from safetensors.torch import load_file

    from taskaff.stages.embed.transformer.pooling import ACTIVATIONS, Dense

    chosen = read_json(folder / "config.json")
    name = str(chosen.get("activation_function", "torch.nn.modules.activation.Tanh"))
    kind = name.rpartition(".")[2]
    strange = kind not in ACTIVATIONS or not name.startswith("torch.nn.")
    if strange or chosen.get("use_residual"):
        raise EmbedError(
            f"its dense layer has {name}, which is not known here",
            where=Place(str(folder)),
            hint="use hf:MODEL, or another model",
        )
    tensors = load_file(weight_files(folder)[0])
    bias = tensors.get("linear.bias")
    return Dense(tensors["linear.weight"].float(), None if bias is None else bias.float(), kind)
