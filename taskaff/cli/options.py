"""The options that commands share, in the groups of their help pages.

None means *not given*: the environment, the configuration and the default come after.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from taskaff.cli.groups import Given, Settings
from taskaff.core.records.data import DataRequest
from taskaff.core.settings import declared
from taskaff.core.settings.setting import Setting

_DATA, _RUN = "Data sets", "Run"
run_option = partial(Option, rich_help_panel=_RUN)
output_option = partial(Option, rich_help_panel="Output")
DATA_HELP = (
    "PATH, NAME=PATH, a folder of shards, a glob, - for standard input, a URL, a .taskaff "
    "signature, or the name of a data set of taskaff.toml."
)


OneSource = Annotated[str, Argument(metavar="DATA", help=DATA_HELP)]
Sources = Annotated[list[str] | None, Argument(metavar="DATA", help=DATA_HELP)]
WithPredictions = Annotated[Given, Settings(None, ("predict.enabled",))]

Verbose = Annotated[
    bool, output_option("--verbose", "-v", help="The numbers behind the answer, too.")
]


@dataclass(frozen=True)
class StandardInput:
    """What can be said of standard input alone."""

    stdin_format: Annotated[str | None, Setting("Of standard input alone.", metavar="FORMAT")] = (
        None
    )


READING = {each.key: each for record in (DataRequest, StandardInput) for each in declared(record)}
DataOptions = Annotated[Given, Settings(_DATA, ("",), declared=READING)]
"""How to read the data sets; holds for all of those on the command line."""


@dataclass(frozen=True)
class ConfigOptions:
    """Which configuration, and overrides of single keys."""

    config: Annotated[
        list[str] | None, run_option(metavar="KEY=VALUE", help="Set one key of taskaff.toml.")
    ] = None
    config_file: Annotated[
        Path | None,
        run_option(metavar="FILE", help="In place of the nearest taskaff.toml or pyproject.toml."),
    ] = None


Offline = Annotated[Given, Settings(_RUN, ("embed.offline",))]
EncodingOptions = Annotated[Given, Settings(_RUN, ("embed", "cache"))]
"""How rows become vectors."""
RunOptions = Annotated[Given, Settings(_RUN, ("embed", "cache", "score.split"))]
"""How rows become signatures."""


@dataclass(frozen=True)
class ReportingOptions:
    """How a result is written."""

    format: Annotated[
        str | None,
        output_option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="table, json, jsonl, csv, markdown; of a check junit, sarif, github too.",
        ),
    ] = None
    json: Annotated[bool, output_option("--json", help="Short for --format json.")] = False
    output: Annotated[
        list[Path] | None,
        output_option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the result there too, in the format of the suffix; repeatable.",
        ),
    ] = None
    quiet: Annotated[bool, output_option("--quiet", "-q", help="Print only the verdict.")] = False
