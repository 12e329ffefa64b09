"""Plug-in tables: a name to a ``"module:attribute"`` string, imported on first use.

Each room keeps its own table (``data.FORMATS``, ``embed.ENCODERS``, ``score.SCORES``,
``probe.TRUNKS``, ``report.FORMATS``), so that adding a plug-in is one module and one line, and so
that listing what exists imports nothing heavy. A line is the string, or a record with a ``target``
that says what others need to know of the plug-in.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol

from taskaff.core.errors import UsageError


class Line(Protocol):
    """A line of a table that says more than where the plug-in is."""

    @property
    def target(self) -> str:
        """``"module:attribute"``."""
        ...


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def load(target: str) -> Any:
    """Import ``"module:attribute"`` and return the attribute."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is in no table, with the nearest one that is."""
    names = list(known)
    near = closest(name, names)
    guess = f"did you mean {near!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}", hint=f"{guess}known: {', '.join(names)}")


def resolve(
    kind: str, table: Mapping[str, str] | Mapping[str, Line], name: str
) -> Callable[..., Any]:
    """Import the plug-in ``name`` of a room's table; the error for others names the nearest."""
    if name not in table:
        raise unknown_name(kind, name, table)
    line = table[name]
    plugin: Callable[..., Any] = load(line if isinstance(line, str) else line.target)
    return plugin
