"""Options that several commands share, declared once and spread over a command.

``@spread`` turns ``def command(reading: DataOptions)`` into a function whose signature has one
parameter for each field of ``DataOptions``: that signature is what Typer reads. Of a parameter that
is ``Annotated[Given, Settings(...)]`` it has one for each of these settings of the configuration;
the command gets those that were given, by their keys.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_origin, get_type_hints

from typer import Option

from taskaff.core.settings import SETTINGS, Declared

Command = Callable[..., Any]
Given = dict[str, Any]
"""Values of the command line by dotted keys of the configuration."""


@dataclass(frozen=True)
class Settings:
    """Settings as options: those of whole tables, or single ones by their keys."""

    panel: str | None
    tables: tuple[str, ...]
    without: tuple[str, ...] = ()
    declared: Mapping[str, Declared] = field(default_factory=lambda: SETTINGS)
    """All settings by key."""
    help: Mapping[str, str] = field(default_factory=dict)
    """What a command says of a setting in other words, by key."""

    def options(self) -> dict[str, Declared]:
        """By the names of the parameters, in the order of the tables."""
        return {
            each.option.replace("-", "_"): each
            for named in self.tables
            for each in self.declared.values()
            if each.option and named in (each.table, each.key) and each.key not in self.without
        }


def _option(each: Declared, group: Settings) -> Any:
    setting, kind = each.setting, _kind(each)
    names = [f"--{each.option}"]
    if kind is bool and (each.default or setting.negated):
        names = [f"--{each.option}/--no-{each.option}"]
    return Option(
        *names,
        min=setting.ge and int(setting.ge) if kind is int else None,
        metavar=setting.metavar or METAVARS.get(kind if kind is int else each.type),
        help=group.help.get(each.key) or setting.help,
        rich_help_panel=group.panel,
    )


METAVARS = {
    int: "N",
    float: "X",
    str: "NAME",
    tuple[int, ...]: "N[,N]",
    tuple[str, ...]: "NAME[,NAME]",
}


def _kind(each: Declared) -> Any:
    """Type of an option's value: lists and what is written in a way of its own are texts."""
    if each.setting.form is not None:
        return each.setting.form.option
    return str if get_origin(each.type) is tuple else each.type


def spread(command: Command) -> Command:
    """Replace each parameter that is a dataclass, or stands for settings, by those it holds."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: group for name, hint in hints.items() if (group := _group(hint))}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _parameters_of(groups[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @wraps(command)
    def spread_command(**given: Any) -> Any:
        for name, group in groups.items():
            given[name] = _taken(group, given)
        return command(**given)

    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    spread_command.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    spread_command.__annotations__ = {p.name: p.annotation for p in keyword}
    return spread_command


def _group(hint: Any) -> Any:
    """What a parameter stands for: a dataclass of options, settings, or nothing but itself."""
    if is_dataclass(hint):
        return hint
    metadata = getattr(hint, "__metadata__", ())
    return next((each for each in metadata if isinstance(each, Settings)), None)


def names_of(group: Any) -> list[str]:
    """The parameters that a group of options stands for."""
    group = group if isinstance(group, Settings) else _group(group)
    if isinstance(group, Settings):
        return list(group.options())
    return [each.name for each in fields(group)]


def _taken(group: Any, given: dict[str, Any]) -> Any:
    """The group's own of the values given, taken out of them."""
    values = {name: given.pop(name) for name in names_of(group)}
    if isinstance(group, Settings):
        options = group.options()
        return {options[n].key: value for n, value in values.items() if value is not None}
    return group(**values)


def _parameters_of(group: Any) -> list[inspect.Parameter]:
    if isinstance(group, Settings):
        return [
            _parameter(name, Annotated[_kind(each) | None, _option(each, group)], None)
            for name, each in group.options().items()
        ]
    hints = get_type_hints(group, include_extras=True)
    return [_parameter(each.name, hints[each.name], each.default) for each in fields(group)]


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)
