"""Messages in the words of the caller: ``text='body'`` in place of ``--text body``.

Everything below the API speaks of options, since most users type them; what leaves a function of
the Python API is put in terms of its keywords, the notes of results included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from taskaff.core.errors import TaskaffError

P = ParamSpec("P")
R = TypeVar("R")

SWITCHES = {
    "align": "align=True",
    "controls": "controls=True",
    "no-header": "header=False",
    "no-intervals": "intervals=False",
    "no-predict": "predict=False",
    "offline": "offline=True",
    "predict": "predict=True",
    "probe": "probe=True",
    "transference": "transference=True",
}
"""Options without a value."""
RENAMED = {"stdin-format": "format", "pair": "pairs"}
TEXTS = ("text", "label", "missing_label", "split_column", "delimiter", "quote", "format")
"""Keywords whose value is a text, or several, even where it looks like a number."""
_WORDS = "with|out|and|or|to|for|in|of|takes|has|is|if|alone|once|given|says|where|when|so|but|on"
_OPTION = re.compile(
    r"(?<![\w-])(?P<leave>leave )?(?:--config [a-z_]+\.(?P<key>[a-z_]+)=|--(?P<name>[a-z][a-z-]*))"
    rf"(?:(?<==)|[ =](?!(?:{_WORDS})\b))?"
    r"(?P<value>(?<=[ =])(?:'[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?\b"
    r"|[^\s'\"(),;-][^\s'\"();]*[^\s'\"();.,:]|\w))?"
)
_BESIDE = re.compile(r"([a-z_]=(?:'[^']*'|\"[^\"]*\"|\([^()]*\)|[\w.-]+)) (?=[a-z_]+=)")
"""Two keywords side by side, which a call wants a comma between."""


def spoken(text: str) -> str:
    """A message with keywords in place of options; commands of a shell are left as they are."""
    if re.search(r"\btaskaff [a-z]+ .*--", text):
        return text
    return _BESIDE.sub(r"\1, ", _OPTION.sub(_keyword, text))


def _keyword(match: re.Match[str]) -> str:
    name, value = match["key"] or match["name"], match["value"]
    leave, gap = match["leave"] or "", "" if value else _gap(match[0])
    if name in SWITCHES:
        word = name if leave else SWITCHES[name]
        return f"{leave}{word}{' ' + value if value else gap}"
    name = RENAMED.get(name, name).replace("-", "_")
    return f"{leave}{name}{'=' + _literal(value, name in TEXTS) if value else gap}"


def _gap(text: str) -> str:
    return " " if text.endswith(" ") else ""


def _literal(value: str, text: bool) -> str:
    """A Python value: numbers and booleans as they are, lists as tuples, all else as text."""
    if not text and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return value
    if value in ("true", "false"):
        return value.capitalize()
    if value[0] in "'\"":
        return repr(value[1:-1]) if "," not in value else _several(value[1:-1])
    return _several(value) if "," in value else repr(value)


def _several(value: str) -> str:
    return repr(tuple(value.split(","))) if len(value) > 1 else repr(value)


def in_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose errors and results speak of keywords."""

    @wraps(function)
    def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = function(*args, **kwargs)
        except TaskaffError as error:
            error.found = spoken(error.found)
            error.hint = spoken(error.hint) if error.hint else error.hint
            raise
        return cast(R, _with_notes(result))

    return speaking


def _with_notes(result: Any) -> Any:
    """The record with its notes and those of its tasks, and the hints of its findings, so put."""
    if not is_dataclass(result) or isinstance(result, type):
        return result
    changed: dict[str, Any] = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if field.name == "notes" and isinstance(value, tuple):
            changed["notes"] = tuple(map(spoken, value))
        elif field.name in ("tasks", "findings"):
            changed[field.name] = tuple(map(_with_notes, value))
        elif field.name == "hint":
            changed["hint"] = spoken(value)
    return replace(result, **changed) if changed else result
