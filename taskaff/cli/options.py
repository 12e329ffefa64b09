"""The options that commands share, in the groups of their help pages.

None means *not given*: the environment, the configuration and the default come after.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from taskaff.cli.groups import Given, Settings, option_of

_DATA, _RUN, _OUTPUT = "Data sets", "Run", "Output"
DATA_HELP = (
    "PATH, NAME=PATH, a folder of shards, a glob, - for standard input, a URL, a .taskaff "
    "signature, or the name of a data set of taskaff.toml."
)

LabelKind = Literal["classes", "multilabel", "regression", "none"]

OneSource = Annotated[str, Argument(metavar="DATA", help=DATA_HELP)]
Sources = Annotated[list[str] | None, Argument(metavar="DATA", help=DATA_HELP)]
WithPredictions = Annotated[Given, Settings(None, ("predict.enabled",))]

Verbose = Annotated[
    bool,
    Option("--verbose", "-v", help="The numbers behind the answer, too.", rich_help_panel=_OUTPUT),
]


@dataclass(frozen=True)
class DataOptions:
    """How to read the data sets; holds for all of those on the command line."""

    text: Annotated[
        str | None,
        Option(metavar="COL[,COL]", help="Text column, or two for pairs.", rich_help_panel=_DATA),
    ] = None
    label: Annotated[
        str | None,
        Option(metavar="COL[,COL]", help="Label column or columns.", rich_help_panel=_DATA),
    ] = None
    label_kind: Annotated[
        LabelKind | None, Option(help="What the labels are.", rich_help_panel=_DATA)
    ] = None
    split_column: Annotated[
        str | None,
        Option(
            metavar="COL",
            help="Column that names the split; none ignores one called split.",
            rich_help_panel=_DATA,
        ),
    ] = None
    join_tokens: Annotated[
        bool | None,
        Option("--join-tokens", help="Join texts that are lists of words.", rich_help_panel=_DATA),
    ] = None
    delimiter: Annotated[
        str | None,
        Option(metavar="CHAR", help=r"Of CSV files; \t is a tab.", rich_help_panel=_DATA),
    ] = None
    encoding: Annotated[
        str | None,
        Option(metavar="NAME", help="Of text files; UTF-8 if not given.", rich_help_panel=_DATA),
    ] = None
    quote: Annotated[
        str | None, Option(metavar="CHAR", help="Of CSV files.", rich_help_panel=_DATA)
    ] = None
    no_header: Annotated[
        bool | None,
        Option(
            "--no-header",
            help="CSV without a header line; its columns are c0, c1, ...",
            rich_help_panel=_DATA,
        ),
    ] = None
    skip_lines: Annotated[
        int | None,
        Option(min=0, metavar="N", help="Lines of text files to skip.", rich_help_panel=_DATA),
    ] = None
    input_format: Annotated[
        str | None,
        Option(
            metavar="FORMAT",
            help="In place of the suffix: csv, tsv, jsonl, txt, parquet ..., or csv.gz.",
            rich_help_panel=_DATA,
        ),
    ] = None
    stdin_format: Annotated[
        str | None,
        Option(metavar="FORMAT", help="Of standard input alone.", rich_help_panel=_DATA),
    ] = None
    on_bad_row: Annotated[
        Literal["fail", "skip"] | None,
        Option(help="Skipped rows are counted and named in the result.", rich_help_panel=_DATA),
    ] = None
    missing_label: Annotated[
        list[str] | None,
        Option(metavar="VALUE", help="Stands for no label; repeatable.", rich_help_panel=_DATA),
    ] = None
    limit: Annotated[
        int | None,
        Option(min=1, metavar="N", help="Rows to read of each data set.", rich_help_panel=_DATA),
    ] = None
    offline: Annotated[bool | None, option_of("embed.offline", _RUN)] = None

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
