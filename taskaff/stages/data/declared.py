"""What a repository of the hub says of its files: the card's configurations, the cache's revision.

Nothing of a repository is executed: a loading script is named, and left alone.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from taskaff.stages.data.card import BYTES, CARD, Configuration, configurations, matches
from taskaff.stages.data.names import and_more, format_of
from taskaff.stages.data.trees import Tree, below

CACHED = "datasets--"
"""Folders of the hub's cache: ``datasets--OWNER--NAME/snapshots/REVISION``."""


@dataclass(slots=True)
class Declared:
    """The files of one configuration, each with its split."""

    files: list[tuple[Any, str]]
    notes: list[str] = field(default_factory=list)


def revision(tree: Tree, path: str) -> str:
    """The snapshot of ``main`` in a folder of the hub's cache; any other folder stays itself."""
    if not PurePosixPath(path).name.startswith(CACHED):
        return path
    main = tree.text(f"{path}/refs/main", 100)
    _, snapshots = tree.inside(path)
    inside = [str(f.path) for f in snapshots if f.base_name == "snapshots"]
    there = [info.path for folder in inside for info in tree.inside(folder)[1]]
    wanted = [path for path in there if main and PurePosixPath(path).name == main.strip()]
    return str((wanted or [path])[0])


def cards(tree: Tree, path: str) -> list[Configuration]:
    """The configurations of a folder's ``README.md``, if it has one with any."""
    text = tree.text(f"{path}/{CARD}", BYTES)
    try:
        return configurations(text) if text else []
    except ValueError as error:
        raise tree.error(
            f"{path}/{CARD}",
            f"the YAML head of {CARD} cannot be read: {error}",
            "fix or delete it, or name the files",
        ) from error


def configuration(tree: Tree, path: str, name: str | None) -> Declared | None:
    """The files of the configuration ``name``, or of the default one.

    None where the card declares none of that name, or no file of it is there.

    Raises
    ------
    DataError : several configurations, and none of them is the default.
    """
    declared = cards(tree, path)
    wanted = [c for c in declared if c.name == name] if name is not None else declared
    if not wanted:
        return None
    files = {below(info.path, path): info for _, infos, _ in tree.walk(path) for info in infos}
    there = {c.name: _matched(c, files, tree, path) for c in wanted}
    present = [c for c in wanted if there[c.name].files]
    default = [c for c in present if c.default] if len(present) > 1 else present
    if not default:
        if present:
            names = and_more([configuration.name for configuration in present])
            raise tree.error(
                path,
                f"{CARD} declares {len(present)} configurations: {names}",
                f"name one of them: {shlex.quote(f'{tree.shown(path)}/{present[0].name}')}",
            )
        return None
    chosen = there[default[0].name]
    others = [c.name for c in declared if c is not default[0]]
    if others:
        chosen.notes.insert(0, f"configuration {default[0].name!r}; others: {and_more(others)}")
    return chosen


def _matched(config: Configuration, files: dict[str, Any], tree: Tree, path: str) -> Declared:
    out = Declared([])
    splits: dict[str, str] = {}
    for split, pattern in config.files:
        fits = [name for name in files if matches(name, pattern) and format_of(name)[0]]
        if not fits:
            out.notes.append(f"{CARD} declares {pattern!r}, and no data file there fits it")
        for name in fits:
            known = splits.setdefault(name, split or "train")
            if known != (split or "train"):
                raise tree.error(
                    f"{path}/{name}",
                    f"{CARD} says {known!r} and {split!r} of one file",
                    "fix the patterns of the card, or name the files",
                )
    out.files = [(files[name], split) for name, split in sorted(splits.items())]
    return out
