"""Options that several commands share, written once as dataclasses and spread over a command.

``@spread`` turns ``def command(reading: DataOptions)`` into a function whose signature has one
parameter for each field of ``DataOptions``: that signature is what Typer reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

Command = Callable[..., Any]


def spread(command: Command) -> Command:
    """Replace each parameter that is a dataclass by one parameter a field."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _parameters_of(groups[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @wraps(command)
    def spread_command(**given: Any) -> Any:
        for name, group in groups.items():
            taken = {field.name: given.pop(field.name) for field in fields(group)}
            given[name] = group(**taken)  # type: ignore[operator]
        return command(**given)

    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    spread_command.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    spread_command.__annotations__ = {p.name: p.annotation for p in keyword}
    return spread_command


def _parameters_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(field.name, kind, default=_default(field), annotation=hints[field.name])
        for field in fields(group)
    ]


def _default(field: Any) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
