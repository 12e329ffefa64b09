"""``README.md`` of a repository of the hub: which files its YAML head says are the data."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

CARD = "README.md"
BYTES = 1 << 20
"""A head longer than this is not read."""
_HEAD = re.compile(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Configuration:
    """One entry of ``configs``: its name, and its patterns with the split that each is of."""

    name: str
    default: bool
    files: tuple[tuple[str | None, str], ...]


def configurations(text: str) -> list[Configuration]:
    """The configurations that name their files; none where the card has no YAML head.

    Raises
    ------
    ValueError : the head cannot be read.
    """
    import yaml

    head = _HEAD.match(text.removeprefix("\ufeff"))
    if head is None:
        return []
    try:
        fields = yaml.load(head[1], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(str(error).splitlines()[0]) from error
    entries = fields.get("configs") if isinstance(fields, Mapping) else None
    configs = [_configuration(e) for e in _items(entries) if isinstance(e, Mapping)]
    return [configuration for configuration in configs if configuration.files]


def _configuration(entry: Mapping[Any, Any]) -> Configuration:
    folder = str(entry.get("data_dir") or "").strip("/")
    files = tuple(_patterns(entry.get("data_files"), None))
    if folder:
        files = tuple((split, f"{folder}/{p}") for split, p in files or ((None, "**"),))
    name = str(entry.get("config_name", "default"))
    return Configuration(name, entry.get("default") is True or name == "default", files)


def _patterns(said: Any, split: str | None) -> Iterator[tuple[str | None, str]]:
    """``data_files`` in its forms: a pattern, a list, ``{split, path}``, ``{split: pattern}``."""
    if isinstance(said, str):
        yield split, said.removeprefix("./")
    elif isinstance(said, Mapping) and "path" in said:
        yield from _patterns(said["path"], str(said.get("split") or split or "") or None)
    elif isinstance(said, Mapping):
        for name, value in said.items():
            if not isinstance(value, Mapping):
                yield from _patterns(value, str(name))
    else:
        for item in _items(said):
            if not isinstance(item, list):
                yield from _patterns(item, split)


def _items(value: Any) -> list[Any]:
    return value[:1000] if isinstance(value, list) else []


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern: ``*`` stays within a folder, ``**`` crosses folders."""
    return _fits(PurePosixPath(path).parts, PurePosixPath(pattern).parts)


def _fits(parts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_fits(parts[start:], patterns[1:]) for start in range(len(parts) + 1))
    fits = bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0])
    return fits and _fits(parts[1:], patterns[1:])
