"""What names say: ``name=PATH`` arguments, formats by suffix, splits by keyword, task names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote

from taskaff.core.errors import DataError, Place, UsageError
from taskaff.core.records.data import SplitName
from taskaff.stages.data.formats import FORMATS

_NAMED = re.compile(r"([A-Za-z0-9_.-]+)=(.+)", re.DOTALL)

SUFFIXES = {suffix: name for name, line in FORMATS.items() for suffix in line.suffixes}
COMPRESSIONS: dict[str, str] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}

TEXT_PAIRS = (
    ("text", "text_b"),
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    *(("question", second) for second in ("sentence", "answer", "context", "passage")),
)
TEXTS = ("text", "sentence", "question")
LABELS = ("label", "labels", "score", "target")
TEXT_NAMES = frozenset(name for pair in TEXT_PAIRS for name in pair) | {*TEXTS}
KNOWN_NAMES = TEXT_NAMES | {*LABELS, "split"}

UNSUPERVISED: Literal["unsupervised"] = "unsupervised"
SplitWord = SplitName | Literal["unsupervised"]
"""A split, or the rows without labels that come with some data sets (IMDB's) and join none."""

_SPLIT_WORDS: dict[str, SplitWord] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    UNSUPERVISED: UNSUPERVISED,
}
_NEUTRAL = {"data", "part", "shard", "of"}
_NOTICES = re.compile(
    r"(readme|licen[cs]e|notice|copying|citation|changelog|requirements)([-_.].*)?", re.IGNORECASE
)
_CACHED = (re.compile(r"datasets--(?:.+--)?(.+)"), re.compile(r"[^_].*___(.+)"))
"""Folders of the caches of ``huggingface_hub`` and ``datasets``, named after a data set."""
_STORED = re.compile(r"[0-9a-f]{40,64}|\d+\.\d+\.\d+|snapshots|default")
"""Folders inside them: revisions, versions, the configuration without a name."""


def and_more(names: Sequence[str], shown: int = 12) -> str:
    """Join some names for a message, and say how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def split_argument(argument: str) -> tuple[str | None, str]:
    """Name and path of ``name=PATH``; an existing path, or one without a valid name, has none."""
    match = _NAMED.fullmatch(argument)
    if match is None or Path(argument).exists():
        return None, argument
    return match[1], match[2]


def format_of(path: str) -> tuple[str | None, str | None]:
    """Format and compression by suffix; None where the suffix says nothing."""
    pure = PurePosixPath(path.replace("\\", "/").lower())
    if compression := COMPRESSIONS.get(pure.suffix):
        pure = pure.with_suffix("")
    return SUFFIXES.get(pure.suffix), compression


def stem_of(path: str) -> str:
    """File name without the suffixes that say format and compression."""
    name = PurePosixPath(path.replace("\\", "/")).name
    for table in (COMPRESSIONS, SUFFIXES):
        suffix = PurePosixPath(name).suffix
        if suffix.lower() in table:
            name = name[: -len(suffix)]
    return name


def _tokens(word: str) -> list[str]:
    return [token for token in re.split(r"[^A-Za-z0-9]+", word.lower()) if token]


def split_word(word: str) -> SplitWord | None:
    """Split that a value (a cell of a ``split`` column) names, or None."""
    return _SPLIT_WORDS.get(word.strip().lower())


def split_of(parts: tuple[str, ...]) -> SplitWord | None:
    """Split that a token of the file's stem names, else of the nearest folder; None without any."""
    for part in reversed(parts):
        splits = {_SPLIT_WORDS[token] for token in _tokens(part) if token in _SPLIT_WORDS}
        if len(splits) > 1:
            raise DataError(
                f"the name {part!r} names {len(splits)} splits: {', '.join(sorted(splits))}",
                where=Place("/".join(parts)),
                hint="rename the file so that it holds one of train, validation, test",
            )
        if splits:
            return splits.pop()
    return None


def is_notice(name: str) -> bool:
    """Whether a file of a folder is about the data and not of them: ``README.txt`` and alike."""
    return _NOTICES.fullmatch(name) is not None


def _says_nothing(word: str) -> bool:
    tokens = _tokens(word)
    plain = all(t in _SPLIT_WORDS or t in _NEUTRAL or t.isdigit() for t in tokens)
    return plain or _STORED.fullmatch(word) is not None


def task_name(path: str, *, folder: bool) -> str:
    """Task name of a path: its stem, or the nearest folder when the stem is a split word or alike.

    ``sentiment/mr/data.csv`` is ``mr``, ``glue/qnli/train_part.csv`` is ``qnli``.
    """
    parts = [p for p in path.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    if not parts:
        return "data"
    own = parts[-1] if folder else stem_of(parts[-1])
    for word in (own, *reversed(parts[:-1])):
        for cached in _CACHED:
            if match := cached.fullmatch(word):
                return match[1]
        if not _says_nothing(word) and not word.endswith(":"):
            return word
    return own


_HUB = re.compile(
    r"hf://datasets/(?P<owner>[^/@]+)/(?P<name>[^/@]+)"
    r"(@(?P<revision>refs/[a-z]+/[^/]+|[^/]+))?(/(?P<path>.*?))?/*"
)


@dataclass(frozen=True, slots=True)
class HubAddress:
    """``hf://datasets/OWNER/NAME[@REVISION][/PATH]``, taken apart."""

    text: str
    repository: str
    revision: str | None
    path: str

    @property
    def download(self) -> str:
        """The command that fetches it, and what to name then."""
        name = self.repository.partition("/")[2]
        revision = f" --revision {shlex.quote(self.revision)}" if self.revision else ""
        command = f"hf download {self.repository} --repo-type dataset{revision} --local-dir {name}"
        return f"{command}; then name {shlex.quote(f'{name}/{self.path}'.rstrip('/'))}"


def hub_address(text: str) -> HubAddress:
    """An address of the hub, taken apart; raises ``UsageError`` for another one."""
    match = _HUB.fullmatch(text)
    parts = (match["owner"], match["name"]) if match else ()
    if match is None or not all(re.fullmatch(r"[\w.-]+", part) for part in parts):
        raise UsageError(
            f"{text!r} is no address of a data set of the hub",
            hint="hf://datasets/OWNER/NAME, hf://datasets/OWNER/NAME@REVISION/PATH",
        )
    revision = unquote(match["revision"]) if match["revision"] else None
    return HubAddress(text, "/".join(parts), revision, match["path"] or "")
