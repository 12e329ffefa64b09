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


def open_st(argument: str, store: Store, options: EncoderOptions) -> TokenEncoder:  # noqa: ARG001
    """Open ``st:MODEL``, a folder that sentence-transformers wrote, or a bare model."""
    source = locate(argument, revision=options.revision, offline=options.offline)
    return _open(f"st:{source.name}", source, st_folder.read(source.folder), options)


def open_hf(argument: str, store: Store, options: EncoderOptions) -> TokenEncoder:  # noqa: ARG001
    """Open ``hf:MODEL?pooling=mean|cls|max&layer=N``, any encoder of transformers."""
    model, chosen = recipe.split_argument(argument)
    source = locate(model, revision=options.revision, offline=options.offline)
    layers = int(getattr(load_config(source.folder), "num_hidden_layers", 0) or 0)
    found = recipe.of_hf(source.folder, chosen, layers)
    query = "&".join(f"{key}={value}" for key, value in sorted(chosen.items()))
    return _open(f"hf:{source.name}{'?' if query else ''}{query}", source, found, options)


def _open(name: str, source: Source, found: Recipe, options: EncoderOptions) -> TokenEncoder:
    from taskaff.stages.embed.transformer.devices import devices, dtype_for

    weight_files(found.folder)
    tokenizer, limit, hidden = (_static if found.static else _transformer)(found, options)
    where = devices(options.device)
    # static vectors are no faster in bfloat16
    dtype = dtype_for(options, devices("cpu") if found.static else where)
    dtype_name = str(dtype).removeprefix("torch.")
    pairs = found.pairs if options.pairs == "auto" else options.pairs
    weights = identity.weights_digest(found.folder)
    card = EncoderCard(
        id=name,
        fingerprint=identity.fingerprint(found, weights, limit, dtype_name, pairs),
        width=st_folder.width(found, hidden),
        revision=source.revision or weights[:12],
        pairs=pairs,
    )

    def build() -> list[Replica]:
        model = _model(found, tokenizer, card.width, dtype)
        pad = tokenizer.pad_token_id or 0
        placed = ((_placed(model, device, last=device == where[-1]), device) for device in where)
        return [_replica(found, *pair, pad, options.batch_size) for pair in placed]

    kind = TokenEncoder if found.static else TransformerEncoder
    return kind(card, found, tokenizer, limit, build, [str(x) for x in where], dtype_name)


def _transformer(found: Recipe, options: EncoderOptions) -> tuple[Any, int, int]:
    """Tokeniser, limit of tokens and width of a token's vector."""
    config, tokenizer = load_config(found.folder), load_tokenizer(found.folder)
    hidden = getattr(config, "hidden_size", None)
    if not isinstance(hidden, int):
        raise EmbedError(
            f"a {config.model_type!r} is no encoder of text alone",
            where=Place(str(found.folder)),
            hint="choose an encoder such as BERT, or a model of sentence-transformers",
        )
    return tokenizer, _limit(found, config, tokenizer, options), hidden


def _static(found: Recipe, options: EncoderOptions) -> tuple[Any, int | None, int]:
    """The same of static vectors, which have no limit unless their tokeniser sets one."""
    tokenizer = load_static_tokenizer(found.folder)
    return tokenizer, options.max_length or tokenizer.model_max_length, static_width(found.folder)


def _model(found: Recipe, tokenizer: Any, width: int, dtype: torch.dtype) -> Any:
    """The model on the CPU; sentence-transformers is imported here, and never before."""
    if found.root is None:
        bare: Any = load_model(found.folder, load_config(found.folder), dtype)
        require_match(found.folder, tokenizer, bare.get_input_embeddings().weight.shape[0])
        return bare
    from taskaff.stages.embed.transformer.st_model import load_sentence_model

    model = load_sentence_model(found, width, dtype)
    require_match(found.folder, tokenizer, model.vocabulary)
    return model


def _replica(
    found: Recipe, model: Any, device: torch.device, pad: int, batch_size: int | None
) -> Replica:
    from taskaff.stages.embed.transformer import replica
    from taskaff.stages.embed.transformer.devices import rule_for

    if found.static:
        return replica.StaticReplica(model, device)
    forward: replica.Forward = model
    if found.root is None:
        forward = replica.Pooled(model, found.pooling[0], found.layer)
    return replica.BatchReplica(forward, device, rule_for(device, batch_size), pad)


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
