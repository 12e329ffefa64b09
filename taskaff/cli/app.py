"""The table of commands; a command is one module and one line here."""

from __future__ import annotations

from typing import Annotated

import typer

from taskaff import __version__
from taskaff.cli.commands import atlas as _atlas
from taskaff.cli.commands import (
    cache,
    check,
    env,
    explain,
    init,
    inspect,
    merge,
    overlap,
    probe,
    profile,
    schema,
    score,
    vectors,
)
from taskaff.cli.help import Commands, show_help
from taskaff.cli.streams import write

HELP = "Will adding this data set to a multi-task mix help or hurt?"
app = Commands(HELP, "score reviews.csv tweets.csv", "score --help")


def _print_version(wanted: bool) -> None:
    if wanted:
        write(f"taskaff {__version__}\n")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback(invoke_without_command=True, help=HELP)
def root(context: typer.Context, version: Version = False) -> None:  # noqa: ARG001
    """Show the help page."""
    show_help(context)


for module, command in (
    (score, score.score),
    (probe, probe.probe),
    (check, check.check),
    (explain, explain.explain),
    (profile, profile.profile),
    (merge, merge.merge),
    (inspect, inspect.inspect),
    (overlap, overlap.overlap),
):
    app.add(*module.EXAMPLES)(command)
app.add_typer(_atlas.app, name="atlas")
app.add_typer(vectors.app, name="vectors")
app.add_typer(cache.app, name="cache")
for module, command in ((init, init.init), (env, env.env)):
    app.add(*module.EXAMPLES)(command)
app.add_typer(schema.app, name="schema")
