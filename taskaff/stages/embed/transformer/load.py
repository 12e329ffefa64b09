"""Configuration, tokeniser and model from a folder, or a clear error; no code of the folder runs.

Only safetensors are read: the other formats are pickles, which execute whatever they hold.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskaff.core.errors import EmbedError, Place

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
"""One of them must be there: transformers makes an empty tokeniser of nothing."""
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack")
SPARE = ("pooler.", "decoder.", "lm_head.", "cls.")
"""Weights that no pooling here reads; a checkpoint may lack them."""


def load_config(folder: Path) -> Any:
    """The ``transformers`` configuration of the model in ``folder``."""
    from transformers import AutoConfig

    refuse_code(folder)
    with wrapped(folder, "its config.json is of no use"):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_tokenizer(folder: Path) -> Any:
    """The fast tokeniser (``.backend_tokenizer``) in ``folder``."""
    from transformers import AutoTokenizer

    refuse_code(folder)
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise EmbedError(
            f"the model has no tokeniser (none of {', '.join(VOCABULARIES)})",
            where=Place(str(folder)),
            hint="copy the tokeniser's files into the folder: "
            "in Python, AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)",
        )
    with wrapped(folder, "its tokeniser cannot be read"):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if not getattr(tokenizer, "is_fast", False) or not tokenizer.get_vocab():
        raise EmbedError(
            "its tokeniser has no vocabulary, or no fast version",
            where=Place(str(folder)),
            hint="save it as tokenizer.json: "
            "in Python, AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)",
        )
    return tokenizer


@dataclass(frozen=True, slots=True)
class StaticTokenizer:
    """The tokeniser of static vectors, with the attributes of transformers' that are read here."""

    backend_tokenizer: Any
    unk_token_id: int | None
    truncation_side: str
    model_max_length: int | None
    model_input_names: tuple[str, ...] = ("input_ids",)
    pad_token_id: int | None = None


def load_static_tokenizer(folder: Path) -> StaticTokenizer:
    """The tokeniser of a ``StaticEmbedding``, which adds no marks."""
    from tokenizers import Tokenizer

    with wrapped(folder, "its tokeniser cannot be read"):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        unknown = getattr(tokenizer.model, "unk_token", None)
        number = None if unknown is None else tokenizer.token_to_id(unknown)
        cut = tokenizer.truncation or {"direction": "right", "max_length": None}
        return StaticTokenizer(tokenizer, number, cut["direction"], cut["max_length"])


def static_width(folder: Path) -> int:
    """Width of static vectors, from the head of their file."""
    from safetensors import safe_open

    path = weight_files(folder)[0]
    with wrapped(folder, "its weights cannot be loaded"), safe_open(path, "np") as file:
        name = next(x for x in file.keys() if x in ("embedding.weight", "embeddings"))  # noqa: SIM118
        return int(file.get_slice(name).get_shape()[1])


def load_model(folder: Path, config: Any, dtype: torch.dtype) -> torch.nn.Module:
    """The model on the CPU, in evaluation mode; of an encoder and decoder, the encoder."""
    from transformers import AutoModel

    weight_files(folder)
    with wrapped(folder, "its weights cannot be loaded"):
        model, info = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # they are refused below, with their names
            output_loading_info=True,
        )
    missing = sorted(
        key
        for key in info["missing_keys"]
        if not key.startswith(SPARE) and not key.endswith("position_ids")
    )
    if missing or info["mismatched_keys"]:
        names = ", ".join(missing[:3]) or str(sorted(map(str, info["mismatched_keys"]))[0])
        raise EmbedError(
            f"the weights do not match {config.model_type!r} of its config.json: "
            f"{len(missing) + len(info['mismatched_keys'])} are missing or of another shape "
            f"({names}) and would be random",
            where=Place(str(folder)),
            hint="fetch the model again, completely; config.json and weights belong together",
        )
    encoder: torch.nn.Module = model.get_encoder() if config.is_encoder_decoder else model
    return encoder.eval()


def require_match(folder: Path, tokenizer: Any, rows: int) -> None:
    """Refuse a tokeniser that gives numbers beyond the ``rows`` that the model has vectors for."""
    largest = max(tokenizer.backend_tokenizer.get_vocab().values())
    if largest >= rows:
        raise EmbedError(
            f"its tokeniser does not match: it gives token numbers up to {largest:,}, "
            f"and the model has vectors for {rows:,}",
            where=Place(str(folder)),
            hint="copy the tokeniser that belongs to these weights into the folder",
        )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold the model, in order; refuses a folder of pickles."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return _sharded(folder)
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise EmbedError(
            f"the weights are no safetensors ({pickles[0]} can run code when it is opened)",
            where=Place(str(folder)),
            hint="use a revision with model.safetensors, or convert it if you trust it: "
            "in Python, AutoModel.from_pretrained(FOLDER).save_pretrained(OTHER_FOLDER)",
        )
    raise EmbedError(
        f"the folder has no weights ({WEIGHTS})",
        where=Place(str(folder)),
        hint="fetch the model again, completely",
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of the folder; an unreadable one raises EmbedError."""
    hint = "fetch the model again"
    unreadable = EmbedError("not a JSON object", where=Place(str(path)), hint=hint)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable from error
    if not isinstance(value, dict):
        raise unreadable
    return value


def refuse_code(folder: Path) -> None:
    """Refuse models that bring code, or that are only an adapter of another model."""
    if (folder / "adapter_config.json").exists():
        raise EmbedError(
            "the folder holds an adapter of another model, which would be fetched from elsewhere",
            where=Place(str(folder)),
            hint="merge it first: in Python, model.merge_and_unload().save_pretrained(FOLDER)",
        )
    if not (folder / "config.json").is_file():
        raise EmbedError(
            "the folder has no config.json", where=Place(str(folder)), hint="name a model's folder"
        )
    if "/" in str(read_json(folder / "config.json").get("attn_implementation")):
        raise EmbedError(
            "its attention is code from the hub, which is never run",
            where=Place(str(folder / "config.json")),
            hint="remove attn_implementation from the file",
        )
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        if path.exists() and "auto_map" in read_json(path):
            raise EmbedError(
                "the model brings its own code, which is never run",
                where=Place(str(path)),
                hint="choose a model whose architecture transformers has built in; "
                "if it has this one, remove auto_map from the file",
            )


def _sharded(folder: Path) -> list[Path]:
    shards = read_json(folder / INDEX).get("weight_map")
    names = sorted(set(shards.values())) if isinstance(shards, dict) else []
    files = [folder / str(name) for name in names if Path(str(name)).name == str(name)]
    missing = [path.name for path in files if not path.is_file()]
    if missing or not files or len(files) < len(names):
        raise EmbedError(
            f"its weights are incomplete: {missing[0] if missing else INDEX} is missing or damaged",
            where=Place(str(folder)),
            hint="fetch the model again, completely",
        )
    return files


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, log lines or warnings of transformers and its companions inside.

    What they would say is checked and said by us.
    """
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as _logging

    logging: Any = _logging  # its functions are not typed
    sentences = getLogger("sentence_transformers")
    before = sentences.level
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub_bars = not are_progress_bars_disabled()
    logging.set_verbosity(CRITICAL)
    sentences.setLevel(CRITICAL)
    logging.disable_progress_bar()
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        sentences.setLevel(before)
        if bars:
            logging.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()


@contextmanager
def wrapped(folder: Path, what: str) -> Iterator[None]:
    """Whatever transformers raises for a broken folder, as one sentence of ours."""
    try:
        with quiet():
            yield
    except EmbedError:
        raise
    except Exception as error:  # of any kind: it depends on the model's own configuration class
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise EmbedError(
            f"{what}: {reason}",
            where=Place(str(folder)),
            hint="fetch the model again, or choose another",
        ) from error
