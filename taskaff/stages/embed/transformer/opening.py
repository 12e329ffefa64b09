"""Open ``st:MODEL`` and ``hf:MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskaff.core.errors import EmbedError, Place, UsageError
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store
from taskaff.stages.embed.transformer import identity, recipe, st_folder
from taskaff.stages.embed.transformer.encoder import Replica, TokenEncoder, TransformerEncoder
from taskaff.stages.embed.transformer.load import (
    load_config,
    load_model,
    load_static_tokenizer,
    load_tokenizer,
    require_match,
    static_width,
    weight_files,
)
from taskaff.stages.embed.transformer.recipe import Recipe
from taskaff.stages.embed.transformer.source import Source, locate

if TYPE_CHECKING:
    import torch


DEFAULT_LIMIT = 512
"""Limit of tokens of a model that knows none."""
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


def open_st(argument: str, store: Store, options: EncoderOptions) -> TokenEncoder:  # noqa: ARG001
    """Open ``st:MODEL``, a folder that sentence-transformers wrote, or a bare model."""
    source = locate(argument, revision=options.revision, offline=options.offline)
    return _open(f"st:{source.name}", source, st_folder.read(source.folder), options)


def open_hf(argument: str, store: Store, options: EncoderOptions) -> TokenEncoder:  # noqa: ARG001
    """Open ``hf:MODEL?pooling=mean|cls|max&layer=N``, any encoder of transformers."""
    model, chosen = recipe.split_argument(argument)
    source = locate(model, revision=options.revision, offline=options.offline)
    layers = int(getattr(load_config(source.folder), "num_hidden_layers", 0) or 0)
    chosen_recipe = recipe.of_hf(source.folder, chosen, layers)
    query = "&".join(f"{key}={value}" for key, value in sorted(chosen.items()))
    return _open(f"hf:{source.name}{'?' if query else ''}{query}", source, chosen_recipe, options)


def _open(name: str, source: Source, recipe: Recipe, options: EncoderOptions) -> TokenEncoder:
    from taskaff.stages.embed.transformer.devices import devices, dtype_for

    weight_files(recipe.folder)
    tokenizer, limit, hidden = (_static if recipe.static else _transformer)(recipe, options)
    where = devices(options.device)
    # static vectors are no faster in bfloat16
    dtype = dtype_for(options, devices("cpu") if recipe.static else where)
    dtype_name = str(dtype).removeprefix("torch.")
    pairs = recipe.pairs if options.pairs == "auto" else options.pairs
    weights = identity.weights_digest(recipe.folder)
    card = EncoderCard(
        id=name,
        fingerprint=identity.fingerprint(recipe, weights, limit, dtype_name, pairs),
        width=st_folder.width(recipe, hidden),
        revision=source.revision or weights[:12],
        pairs=pairs,
    )

    def build() -> list[Replica]:
        model = _model(recipe, tokenizer, card.width, dtype)
        pad = tokenizer.pad_token_id or 0
        placed = ((_placed(model, device, last=device == where[-1]), device) for device in where)
        return [_replica(recipe, *pair, pad, options.batch_size) for pair in placed]

    kind = TokenEncoder if recipe.static else TransformerEncoder
    return kind(card, recipe, tokenizer, limit, build, [str(x) for x in where], dtype_name)


def _transformer(recipe: Recipe, options: EncoderOptions) -> tuple[Any, int, int]:
    """Tokeniser, limit of tokens and width of a token's vector."""
    config, tokenizer = load_config(recipe.folder), load_tokenizer(recipe.folder)
    hidden = getattr(config, "hidden_size", None)
    if not isinstance(hidden, int):
        raise EmbedError(
            f"a {config.model_type!r} is no encoder of text alone",
            where=Place(str(recipe.folder)),
            hint="choose an encoder such as BERT, or a model of sentence-transformers",
        )
    return tokenizer, _limit(recipe, config, tokenizer, options), hidden


def _static(recipe: Recipe, options: EncoderOptions) -> tuple[Any, int | None, int]:
    """Tokeniser, limit and width of static vectors; no limit unless their tokeniser sets one."""
    tokenizer = load_static_tokenizer(recipe.folder)
    return tokenizer, options.max_length or tokenizer.model_max_length, static_width(recipe.folder)


def _model(recipe: Recipe, tokenizer: Any, width: int, dtype: torch.dtype) -> Any:
    """The model on the CPU; sentence-transformers is imported here, and never before."""
    if recipe.root is None:
        bare: Any = load_model(recipe.folder, load_config(recipe.folder), dtype)
        require_match(recipe.folder, tokenizer, bare.get_input_embeddings().weight.shape[0])
        return bare
    from taskaff.stages.embed.transformer.st_model import load_sentence_model

    model = load_sentence_model(recipe, width, dtype)
    require_match(recipe.folder, tokenizer, model.vocabulary)
    return model


def _replica(
    recipe: Recipe, model: Any, device: torch.device, pad: int, batch_size: int | None
) -> Replica:
    from taskaff.stages.embed.transformer import replica
    from taskaff.stages.embed.transformer.devices import rule_for

    if recipe.static:
        return replica.StaticReplica(model, device)
    forward: replica.Forward = model
    if recipe.root is None:
        forward = replica.Pooled(model, recipe.pooling[0], recipe.layer)
    return replica.BatchReplica(forward, device, rule_for(device, batch_size), pad)


def _placed(model: Any, device: torch.device, last: bool) -> Any:
    """The model on the device; a copy as long as others need the original."""
    from copy import deepcopy

    return (model if last else deepcopy(model)).to(device)


def _limit(recipe: Recipe, config: Any, tokenizer: Any, options: EncoderOptions) -> int:
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
    if recipe.limit is not None:
        return min(recipe.limit, positions or recipe.limit)
    return most if most < 2**31 else DEFAULT_LIMIT
