"""Find, read and validate the configuration, and lay over it what comes from outside of the file.

Later layers win: variables, ``--config``, options. The command line collects them; nothing here
reads the environment.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from taskaff.core.config.errors import complaint, line_of, split_key
from taskaff.core.config.model import Config
from taskaff.core.config.paths import anchored
from taskaff.core.errors import ConfigError, Place
from taskaff.core.files import read_text

FILE = "taskaff.toml"
PYPROJECT = "pyproject.toml"
TABLE = ("tool", "taskaff")
MOST_BYTES = 2**24
"""Of a configuration file; a longer one is a device or no configuration."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One key set from outside of the file, and by what: a variable or an option."""

    key: tuple[str, ...]
    value: Any
    source: str


def override(text: str) -> Assignment:
    """One ``--config KEY=VALUE``: a dotted key, and a TOML value or else a string."""
    key, equals, value = text.partition("=")
    path = split_key(key)
    if not equals or not path:
        hint = "for example --config embed.encoder=glove"
        raise ConfigError(f"--config takes KEY=VALUE, found {text!r}", hint=hint)
    return Assignment(path, toml_value(value.strip()), f"--config {key.strip()}")


def toml_value(text: str) -> Any:
    """``text`` as TOML has it, or as a string when it is not TOML."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _assign(values: dict[str, Any], assignment: Assignment) -> None:
    """Lay one key over the values of the file."""
    *tables, last = assignment.key
    for name in tables:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{name!r} is not a table", where=Place(assignment.source))
    values[last] = assignment.value


def find_file(start: Path) -> Path | None:
    """The nearest ``taskaff.toml``, or ``pyproject.toml`` with our table, at ``start`` or above."""
    for up in range(len(start.resolve().parents) + 1):
        folder = start.joinpath(*[".."] * up)
        if (folder / FILE).is_file():
            return folder / FILE
        pyproject = folder / PYPROJECT
        if pyproject.is_file() and _has_our_table(pyproject):
            return pyproject
    return None


def _has_our_table(path: Path) -> bool:
    """Whether ``path`` is ours to read; one that does not parse, but names our table, is."""
    try:
        text = read_text(path, MOST_BYTES)
        return TABLE[1] in tomllib.loads(text).get(TABLE[0], {})
    except tomllib.TOMLDecodeError:
        return "[tool.taskaff" in text
    except (OSError, UnicodeDecodeError, RecursionError, TypeError):
        return False


def load(file: Path | None, assignments: Sequence[Assignment] = ()) -> Config:
    """The settings of ``file`` (None: all defaults), with ``assignments`` laid over them."""
    text = _read(file) if file else ""
    prefix = TABLE if file and file.name == PYPROJECT else ()
    values = anchored(_parse(text, file, prefix), file.parent) if file else {}
    for assignment in assignments:
        _assign(values, assignment)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problem, hint, key = complaint(error.errors()[0])
    for assignment in reversed(assignments):
        shorter = min(len(key), len(assignment.key))
        if key[:shorter] == assignment.key[:shorter]:
            raise ConfigError(problem, where=Place(assignment.source), hint=hint)
    where = Place(str(file), line=line_of(text, (*prefix, *key))) if file else None
    raise ConfigError(problem, where=where, hint=hint)


def _read(file: Path) -> str:
    try:
        return read_text(file, MOST_BYTES, "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte {error.start}), which TOML must be"
        raise ConfigError(problem, where=Place(str(file)), hint="save it as UTF-8") from error
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        hint = "name another file with --config-file, or write one with taskaff init"
        raise ConfigError(problem, where=Place(str(file)), hint=hint) from error


def _parse(text: str, file: Path | None, prefix: Sequence[str]) -> dict[str, Any]:
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place[1]) if place else None
        if "end of document" in str(error):
            line = text.count("\n") + 1
        message = re.sub(r" \(at (line|end).*\)$", "", str(error))
        where = Place(str(file), line=line)
        raise ConfigError(f"not TOML: {message}", where=where, hint="fix that line") from error
    table: Any = values
    for name in prefix:
        table = table.get(name)
        if not isinstance(table, dict):
            message = f"there is no table [{'.'.join(prefix)}]"
            raise ConfigError(message, where=Place(str(file)), hint="add it, or use taskaff.toml")
    return dict(table)
