"""Which set-ups an atlas measures, as users write them, and which data sets lie under a folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from taskaff.core.errors import UsageError
from taskaff.core.recipe import parse
from taskaff.core.registry import unknown_name
from taskaff.core.settings import ON_VECTORS, ProbeSettings, Trunk
from taskaff.pipeline.kept_rows import DRAWS
from taskaff.stages.data import FORMATS
from taskaff.stages.data.names import format_of

Layouts = Literal["all", "same"]
WORDS = {"encoder": None, "recipe": None, "trunk": ON_VECTORS, "layouts": get_args(Layouts)}
"""Parts of a set-up that are no numbers, and what they may be."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """How the pairs are trained, and with how many seeds."""

    encoder: str = "glove"
    target_rows: int = 300
    r: int = 16
    trunk: Trunk = "linear"
    seeds: int = 8
    recipe: str = "turns"
    updates: int = 1200
    source_rows: int = 4000
    draws: int = DRAWS
    """Rows kept of a large data set, in multiples of what one seed uses."""
    layouts: Layouts = "all"
    """``same``: single texts are not trained with pairs of texts, which an encoder's wide vectors
    make dear."""
    sources: int = sys.maxsize
    """Most sources of a target, drawn by their names: many data sets teach more than all pairs."""
    related: int = 0
    """So many of them come first from the target's domain or its kind of label."""

    @property
    def mixed(self) -> bool:
        """Whether single texts are trained with pairs of texts too."""
        return self.layouts == "all"

    @property
    def members(self) -> tuple[str, int]:
        """What the rows that are trained on follow from, beside the data sets."""
        return self.encoder, self.draws


def probe_settings(setup: SetUp, seed: int) -> ProbeSettings:
    """The probe's own defaults (fair baseline, leaks removed), with the set-up."""
    return ProbeSettings(
        trunk=setup.trunk,
        r=setup.r,
        recipes=(setup.recipe,),
        updates=setup.updates,
        target_rows=setup.target_rows,
        source_rows=setup.source_rows,
        seeds=(seed,),
    )


def parse_setup(text: str, encoder: str = "glove") -> SetUp:
    """``encoder=glove,n=300,r=16,trunk=linear,seeds=8``, every part optional.

    Raises
    ------
    UsageError : an unknown key or word, or a value that is no number above 0 where one belongs.
    """
    keys = {"n": "target_rows", **{field.name: field.name for field in fields(SetUp)}}
    found: dict[str, object] = {"encoder": encoder}
    for part in filter(None, (each.strip() for each in text.split(","))):
        key, equals, value = part.partition("=")
        if key not in keys or not equals:
            raise unknown_name("part of a set-up", key, keys)
        name = keys[key]
        found[name] = _word(name, value) if name in WORDS else _number(part, value)
    parse(str(found.get("recipe", "turns")))
    return SetUp(**found)  # type: ignore[arg-type]


def _word(name: str, value: str) -> str:
    known = WORDS[name]
    if known is not None and value not in known:
        raise unknown_name(f"{name} of a set-up", value, known)
    return value


def _number(part: str, value: str) -> int:
    if not value.isdigit() or not int(value):
        raise UsageError(f"{part!r} in a set-up: not a number above 0", hint="for example n=300")
    return int(value)


def datasets_under(folders: Sequence[Path]) -> list[Path]:
    """Every folder under ``folders`` that holds data files itself, by name.

    Raises
    ------
    UsageError : a folder that does not exist, or two data sets of one name.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"no folder {folder}", hint="name a folder of data-set folders")
        inside = [path for path in folder.rglob("*") if path.is_dir()]
        for path in sorted(p for p in (folder, *inside) if _holds_data(p)):
            if found.setdefault(path.name, path) != path:
                two = f"{found[path.name]} and {path}"
                raise UsageError(f"two data sets of one name: {two}", hint="rename one folder")
    return [found[name] for name in sorted(found)]


def _holds_data(folder: Path) -> bool:
    return any(path.is_file() and format_of(path.name)[0] in FORMATS for path in folder.iterdir())
