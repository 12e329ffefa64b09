"""Settings that come from outside of the file: variables, ``--config``, options.

Later layers win. The command line collects them; nothing here reads the environment.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from taskaff.core.config.errors import split_key
from taskaff.core.errors import ConfigError, Place


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


def assign(values: dict[str, Any], assignment: Assignment) -> None:
    """Lay one key over the values of the file."""
    *tables, last = assignment.key
    for name in tables:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{name!r} is not a table", where=Place(assignment.source))
    values[last] = assignment.value
