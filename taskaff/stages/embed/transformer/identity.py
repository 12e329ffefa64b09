"""The fingerprint of a transformer encoder: everything that changes a vector, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.core.store import digest_key, file_sha256
from taskaff.stages.embed.transformer.load import read_json, weight_files

if TYPE_CHECKING:
    from taskaff.stages.embed.transformer.recipe import Recipe

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
_NO_MATTER = {"_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}


def weights_digest(folder: Path) -> str:
    """Digest of the SHA-256 of every weight file, whatever the files are called."""
    return digest_key(files=[file_sha256(path) for path in weight_files(folder)])


def fingerprint(recipe: Recipe, weights: str, limit: int, dtype: str, pairs: str) -> str:
    """Identity of the vectors; where they are computed does not enter, in which type does."""
    folder = recipe.transformer
    config = read_json(folder / "config.json")
    files = [name for name in TOKENISER_FILES if (folder / name).is_file()]
    after = [x if isinstance(x, str) else _dense_digest(x) for x in recipe.after]
    return digest_key(
        version=VERSION,
        weights=weights,
        config={key: value for key, value in config.items() if key not in _NO_MATTER},
        tokeniser={name: file_sha256(folder / name) for name in files},
        pooling=list(recipe.pooling),
        layer=recipe.layer,
        after=after,
        limit=limit,
        lower=recipe.lower,
        prompt=recipe.prompt,
        dtype=dtype,
        pairs=pairs,
    )


def _dense_digest(folder: Path) -> list[str]:
    return [file_sha256(folder / "config.json"), weights_digest(folder)]
