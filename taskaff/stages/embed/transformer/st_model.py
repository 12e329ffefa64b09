"""The model of a sentence-transformers folder, built and run by sentence-transformers itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from taskaff.stages.embed.transformer.load import (
    SPARE,
    load_config,
    load_model,
    weight_files,
    wrapped,
)
from taskaff.stages.embed.transformer.st_folder import unsupported

if TYPE_CHECKING:
    from taskaff.stages.embed.transformer.recipe import Recipe


class SentenceModel(nn.Module):
    """A ``SentenceTransformer`` as a function of token ids.

    The module that reads the text computes in the type that was asked for, what follows in float32.
    """

    def __init__(self, model: Any, vocabulary: int, prompt_length: int | None) -> None:
        super().__init__()
        self.model, self.vocabulary, self._prompt_length = model, vocabulary, prompt_length

    def forward(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        """Vectors ``(n, width)`` of tokens ``(n, t)``; ``mask`` None: no padding."""
        more = {"attention_mask": mask, "token_type_ids": types}
        features = {name: value.long() for name, value in more.items() if value is not None}
        return self._run(input_ids=ids, prompt_length=self._prompt_length, **features)

    def averages(self, ids: Tensor, starts: Tensor) -> Tensor:
        """Vectors ``(n, width)`` of static models: row ``i`` begins at token ``starts[i]``."""
        return self._run(input_ids=ids, offsets=starts)

    def _run(self, **features: Any) -> Tensor:
        given = {name: value for name, value in features.items() if value is not None}
        vectors: Tensor = self.model({"modality": "text", **given})["sentence_embedding"]
        return vectors[:, : self.model.truncate_dim]


def load_sentence_model(recipe: Recipe, width: int, dtype: torch.dtype) -> SentenceModel:
    """The model on the CPU, in evaluation mode.

    Raises
    ------
    EmbedError : the library refuses the folder, or weights are missing that it would draw.
    """
    assert recipe.root is not None
    with wrapped(recipe.root, "its modules cannot be loaded"):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(
            str(recipe.root),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        ).eval()
        modules = list(_leaves(model, recipe.routes))
        if not recipe.static:
            _require_whole(recipe.folder, modules[0].model, dtype)
            _require_plain(recipe.root, modules[0])
        modules[0].to(dtype).register_forward_hook(_in_float32)
        for module in modules[1:]:
            module.float()
        if model.get_embedding_dimension() != width:
            raise unsupported(recipe.root, f"its vectors are not {width} wide, as its files say")
        return SentenceModel(model, _vocabulary(modules[0]), _prompt_length(model, recipe))


def _require_plain(root: Path, first: Any) -> None:
    """Refuse what only a bare model's own files decide: how the library would read a text."""
    if "message" in first.modalities:
        raise unsupported(root, "it reads its texts through a chat template")
    if first.module_output_name != "token_embeddings":
        raise unsupported(root, "its transformer gives no vectors of tokens")


def _vocabulary(first: Any) -> int:
    """Token numbers that the module which reads the text has vectors for."""
    static = getattr(first, "num_embeddings", None)
    return int(static or first.model.get_input_embeddings().weight.shape[0])


def _prompt_length(model: Any, recipe: Recipe) -> int | None:
    """Tokens of the prompt, which some poolings leave out."""
    if not recipe.prompt or recipe.static:
        return None
    length: int | None = model.preprocess(["text"], prompt=recipe.prompt).get("prompt_length")
    return length


def _leaves(model: Any, routes: tuple[str, ...]) -> Iterator[Any]:
    """The modules that a text goes through, in order."""
    names = iter(routes)
    for module in model:
        inner = getattr(module, "sub_modules", None)  # of a router
        yield from [module] if inner is None else inner[next(names)]


def _in_float32(_module: Any, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
    for name, value in features.items():
        if isinstance(value, Tensor) and value.is_floating_point():
            features[name] = value.float()
    return features


def _require_whole(folder: Path, model: Any, dtype: torch.dtype) -> None:
    """Refuse weights that do not cover the architecture: the library draws those at random."""
    from safetensors import safe_open

    stored: set[str] = set()
    for path in weight_files(folder):
        with safe_open(path, "pt") as file:
            stored.update(file.keys())
    prefix = f"{model.base_model_prefix}."
    names = [name for name, _ in model.named_parameters() if not name.startswith(SPARE)]
    if not all(name in stored or prefix + name in stored for name in names):
        # Perhaps only called otherwise, as older files do: transformers knows, and says so.
        load_model(folder, load_config(folder), dtype)
