"""``taskaff schema``."""

from __future__ import annotations

import json
from typing import Any

import typer

from taskaff.cli.help import GroupedCommand, LightGroup, example, show_help
from taskaff.cli.streams import write

app = typer.Typer(
    cls=LightGroup, rich_markup_mode=None, epilog=example("schema result > result.schema.json")
)


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Print the JSON Schema of what taskaff writes and reads."""
    show_help(context)


@app.command(cls=GroupedCommand, epilog=example("schema result"))
def result() -> None:
    """Print the JSON Schema of the documents that --json prints."""
    from taskaff.stages.report import result_schema

    _print(result_schema())


@app.command(cls=GroupedCommand, epilog=example("schema config"))
def config() -> None:
    """Print the JSON Schema of taskaff.toml."""
    from taskaff.core.config import config_schema

    _print(config_schema())


def _print(schema: dict[str, Any]) -> None:
    write(json.dumps(schema, indent=2) + "\n")
