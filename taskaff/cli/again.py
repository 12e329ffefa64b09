"""The words of a command line as a shell takes them, for the commands that answers propose."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from typing import Any

import typer

from taskaff.cli.groups import names_of
from taskaff.cli.options import ConfigOptions, DataOptions, EncodingOptions, ReportingOptions

MACHINE = frozenset({"cache", "cache_dir", "workers", "batch_size"})
"""What changes no result, and so is no part of it."""
DATA = {"data", *names_of(DataOptions), *names_of(EncodingOptions), *names_of(ConfigOptions)}
"""The data sets, and the options that say how to read and embed them."""
REPORTING = {*names_of(ReportingOptions), "verbose", "save_predictions"}
"""The options that say how to report, which a command that is run next need not repeat."""


def arguments(
    context: typer.Context, only: Collection[str] | None = None, without: Collection[str] = ()
) -> tuple[str, ...]:
    """What was typed, data sets first: a word a data set, an option with its value a word.

    Parameters
    ----------
    only : names of the parameters that are wanted; None for all.
    """
    words: list[str] = []
    parameters = context.command.get_params(context)
    for parameter in sorted(parameters, key=lambda each: each.param_type_name != "argument"):
        name = str(parameter.name)
        wanted = (only is None or name in only) and name not in MACHINE.union(without)
        if wanted and _typed(context, name):
            words += _words(parameter, context.params[name])
    return tuple(words)


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _words(parameter: Any, value: Any) -> Iterator[str]:
    values = value if isinstance(value, list | tuple) else [value]
    if parameter.param_type_name == "argument":
        yield from (shlex.quote(str(each)) for each in values)
    elif isinstance(value, bool):
        yield parameter.opts[0] if value else parameter.secondary_opts[0]
    else:
        yield from (f"{parameter.opts[0]} {shlex.quote(str(each))}" for each in values)
