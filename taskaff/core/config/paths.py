"""Relative paths of the file, which are relative to its folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any


def anchored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``values`` with relative paths joined to ``folder``; wrong types are left for validation."""
    values = deepcopy(values)
    for section, key in _path_keys(values):
        if isinstance(section.get(key), str):
            section[key] = _join(folder, section[key])
    embed = values.get("embed")
    if isinstance(embed, dict) and isinstance(embed.get("encoder"), str):
        embed["encoder"] = _anchored_encoder(embed["encoder"], folder)
    return values


def _anchored_encoder(spec: str, folder: Path) -> str:
    """Word vectors are a path always, a model where it looks like one or a folder has its name."""
    name, colon, argument = spec.partition(":")
    model = argument.partition("?")[0]
    there = os.path.isdir(folder / model)  # noqa: PTH112 - False where a Path would raise
    is_path = name == "glove" or model.startswith(".") or there
    if not colon or not model or not is_path:
        return spec
    return f"{name}:{_join(folder, argument)}"


def _path_keys(values: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    datasets = values.get("datasets")
    for section in datasets.values() if isinstance(datasets, dict) else ():
        if isinstance(section, dict):
            yield section, "path"
    for table, key in (("cache", "dir"), ("predict", "atlas"), ("check", "baseline")):
        if isinstance(values.get(table), dict):
            yield values[table], key


def _join(folder: Path, path: str) -> str:
    if not path or path == "-" or "://" in path or path.startswith(("~", "synthetic:")):
        return path
    # A bracket in a folder's name is no pattern, whatever stands in the path itself.
    base = glob.escape(str(folder)) if glob.has_magic(path) else str(folder)
    return str(Path(base) / path)
