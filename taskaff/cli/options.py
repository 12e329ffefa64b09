"""The options that commands share, in the groups of their help pages.

None means *not given*: the environment, the configuration and the default come after.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from taskaff.cli.groups import Given, Settings, option_of
from taskaff.core.records.data import DataRequest, LabelKind
from taskaff.core.settings import SETTINGS, declared

_DATA, _RUN, _OUTPUT = "Data sets", "Run", "Output"
DATA_HELP = (
    "PATH, NAME=PATH, a folder of shards, a glob, - for standard input, a URL, a .taskaff "
    "signature, or the name of a data set of taskaff.toml."
)


OneSource = Annotated[str, Argument(metavar="DATA", help=DATA_HELP)]
Sources = Annotated[list[str] | None, Argument(metavar="DATA", help=DATA_HELP)]
WithPredictions = Annotated[Given, Settings(None, ("predict.enabled",))]

Verbose = Annotated[
    bool,
    Option("--verbose", "-v", help="The numbers behind the answer, too.", rich_help_panel=_OUTPUT),
]


_READING = {each.name: each for each in declared(DataRequest)}


@dataclass(frozen=True)
class DataOptions:
    """How to read the data sets; holds for all of those on the command line."""

    text: Annotated[str | None, option_of(_READING["text"], _DATA)] = None
    label: Annotated[str | None, option_of(_READING["label"], _DATA)] = None
    label_kind: Annotated[LabelKind | None, option_of(_READING["label_kind"], _DATA)] = None
    split_column: Annotated[str | None, option_of(_READING["split_column"], _DATA)] = None
    join_tokens: Annotated[bool | None, option_of(_READING["join_tokens"], _DATA)] = None
    delimiter: Annotated[str | None, option_of(_READING["delimiter"], _DATA)] = None
    encoding: Annotated[str | None, option_of(_READING["encoding"], _DATA)] = None
    quote: Annotated[str | None, option_of(_READING["quote"], _DATA)] = None
    no_header: Annotated[bool | None, option_of(_READING["no_header"], _DATA)] = None
    skip_lines: Annotated[int | None, option_of(_READING["skip_lines"], _DATA)] = None
    input_format: Annotated[str | None, option_of(_READING["format"], _DATA)] = None
    stdin_format: Annotated[
        str | None,
        Option(metavar="FORMAT", help="Of standard input alone.", rich_help_panel=_DATA),
    ] = None
    on_bad_row: Annotated[
        Literal["fail", "skip"] | None, option_of(_READING["on_bad_row"], _DATA)
    ] = None
    missing_label: Annotated[list[str] | None, option_of(_READING["missing_label"], _DATA)] = None
    limit: Annotated[int | None, option_of(_READING["limit"], _DATA)] = None
    offline: Annotated[bool | None, option_of(SETTINGS["embed.offline"], _RUN)] = None

    def settings(self) -> Given:
        """What is a setting of the configuration among these."""
        return {"embed.offline": self.offline}


@dataclass(frozen=True)
class ConfigOptions:
    """Which configuration, and overrides of single keys."""

    config: Annotated[
        list[str] | None,
        Option(metavar="KEY=VALUE", help="Set one key of taskaff.toml.", rich_help_panel=_RUN),
    ] = None
    config_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="In place of the nearest taskaff.toml or pyproject.toml.",
            rich_help_panel=_RUN,
        ),
    ] = None


EncodingOptions = Annotated[Given, Settings(_RUN, ("embed", "cache"), without=("embed.offline",))]
"""How rows become vectors."""
RunOptions = Annotated[
    Given, Settings(_RUN, ("embed", "cache", "score.split"), without=("embed.offline",))
]
"""How rows become signatures."""


@dataclass(frozen=True)
class ReportingOptions:
    """How a result is written."""

    format: Annotated[
        str | None,
        Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="table, json, jsonl, csv, markdown; of a check junit, sarif, github too.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    json: Annotated[
        bool, Option("--json", help="Short for --format json.", rich_help_panel=_OUTPUT)
    ] = False
    output: Annotated[
        list[Path] | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the result there too, in the format of the suffix; repeatable.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    quiet: Annotated[
        bool,
        Option("--quiet", "-q", help="Print only the verdict.", rich_help_panel=_OUTPUT),
    ] = False
