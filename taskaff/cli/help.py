"""Help pages: plain text that loads nothing, with the options in groups and an example."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from taskaff.cli.streams import say_as_is, write

Command = TypeVar("Command", bound=Callable[..., Any])

ARGUMENTS = "Arguments"
DEFAULT_GROUP = "Options"
GROUPS = (ARGUMENTS, "Gate", "Data sets", "Probe", "Run", "Output", DEFAULT_GROUP)


def example(*commands: str) -> str:
    """The last paragraph of a help page, kept as it is."""
    lines = "\n".join(f"  taskaff {command}" for command in commands)
    return f"\b\nExample{'s' if len(commands) > 1 else ''}:\n{lines}"


def _print_help(context: Any, option: Any, wanted: bool) -> None:  # noqa: ARG001
    """What ``--help`` does; Typer's own version has no word for a stream that cannot be written."""
    if wanted and not context.resilient_parsing:
        write(context.get_help() + "\n")
        context.exit()


class GroupedCommand(TyperCommand):
    """A command whose options are listed under the headings that ``rich_help_panel`` names."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option with our own way of printing."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _print_help
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then one section a group, ``--debug`` and ``--help`` last."""
        rows = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if parameter.param_type_name == "argument":
                rows.append((ARGUMENTS, (parameter.metavar or "", record[1] if record else "")))
            elif record is not None:
                rows.append((getattr(parameter, "rich_help_panel", None) or DEFAULT_GROUP, record))
        rows.insert(-1, (DEFAULT_GROUP, ("--debug", "Show the traceback of an error.")))
        rows.sort(key=lambda row: GROUPS.index(row[0]))
        for group, members in groupby(rows, key=lambda row: row[0]):
            with formatter.section(group):
                formatter.write_dl([record for _, record in members])


class LightGroup(TyperGroup):
    """A group of commands whose help page, and whose commands' pages, load no pydantic.

    Typer validates the absent ``--help`` of a group, which is None, with a model of pydantic.
    """

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option with a default that needs no validation."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
            option.callback = _print_help
        return option


class Commands(typer.Typer):
    """Commands in a group; the group itself shows its help page and exits with 2."""

    def __init__(self, help: str, *examples: str) -> None:
        super().__init__(
            cls=LightGroup,
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            epilog=example(*examples),
        )
        self.callback(invoke_without_command=True, help=help)(show_help)

    def add(self, *examples: str, name: str | None = None) -> Callable[[Command], Command]:
        """Register a command under its own name or another one."""
        return self.command(name, cls=GroupedCommand, epilog=example(*examples))


def show_help(context: typer.Context) -> None:
    """What a group of commands does when no command is named: its help page, and exit code 2."""
    if context.invoked_subcommand is None:
        say_as_is(context.get_help() + "\n")
        raise typer.Exit(2)
