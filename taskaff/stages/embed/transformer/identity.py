"""The fingerprint of a transformer encoder: everything that changes a vector, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskaff.core.store import digest_key, file_sha256
from taskaff.stages.embed.transformer.load import read_json, weight_files
from taskaff.stages.embed.transformer.st_folder import WEIGHTED

if TYPE_CHECKING:
    from taskaff.stages.embed.transformer.recipe import Module, Recipe

VERSION = 1
"""To be raised when the same model and settings give other vectors than before."""
TOKENISER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_PLAIN_NORMALIZE = {
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
}
_NO_MATTER = {"_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}


def weights_digest(folder: Path) -> str:
    """Digest of the SHA-256 of every weight file, whatever the files are called."""
    return digest_key(files=[file_sha256(path) for path in weight_files(folder)])


def fingerprint(recipe: Recipe, weights: str, limit: int | None, dtype: str, pairs: str) -> str:
    """Identity of the vectors; where they are computed does not enter, in which type does.

    It is made of the folder's files, not of the library that reads them: signatures made when
    ``st:`` was read by code of our own still compare.
    """
    folder = recipe.folder
    files = [name for name in TOKENISER_FILES if (folder / name).is_file()]
    more: dict[str, Any] = {"more": recipe.more} if recipe.more else {}
    if recipe.static:
        more["static"] = True
    return digest_key(
        version=VERSION,
        weights=weights,
        config=_config(folder),
        tokeniser={name: file_sha256(folder / name) for name in files},
        pooling=list(recipe.pooling),
        layer=recipe.layer,
        after=[_identity(module) for module in recipe.after],
        limit=limit,
        lower=recipe.lower,
        prompt=recipe.prompt,
        dtype=dtype,
        pairs=pairs,
        **more,
    )


def _identity(module: Module) -> Any:
    """What a module after the pooling does to a vector."""
    folder, config = module.folder, module.folder / "config.json"
    if module.kind == "Dense":
        return [file_sha256(config), weights_digest(folder)]
    settings = _config(folder)
    if module.kind == "Normalize" and settings in ({}, _PLAIN_NORMALIZE):
        return "normalise"
    weights = weights_digest(folder) if module.kind in WEIGHTED else ""
    return [module.kind, settings, weights]


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    settings = read_json(path) if path.is_file() else {}
    return {key: value for key, value in settings.items() if key not in _NO_MATTER}
