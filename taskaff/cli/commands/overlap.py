"""``taskaff overlap``."""

from __future__ import annotations

from typing import Annotated

import typer

from taskaff.cli.groups import spread
from taskaff.cli.options import ConfigOptions, DataOptions, Offline, ReportingOptions, Verbose

EXAMPLES = ("overlap reviews.csv tweets.csv", "overlap reviews.csv tweets.csv -o shared.csv")

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="Data set that has the copies.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="Data set whose rows are listed.")]


@spread
def overlap(
    source: Source,
    target: Target,
    reading: DataOptions,
    offline: Offline,
    choice: ConfigOptions,
    reporting: ReportingOptions,
    verbose: Verbose = False,
) -> None:
    """List the rows that two data sets share.

    Every row of TARGET that SOURCE has, exactly or but for about a word, with file, row, split and
    label of both, and whether the labels differ. The table lists the first twenty, -v all; -o
    FILE.csv has every row with its whole text. Signatures will not do, since they hold no rows.
    """
    from taskaff.cli.datasets import requests
    from taskaff.cli.output import emit, plan
    from taskaff.cli.settings import read_config
    from taskaff.core.errors import UsageError
    from taskaff.pipeline.overlap import overlap as overlap_of

    asked = requests([source, target], read_config(choice, offline), reading)
    for request in asked:
        if str(request.source).endswith(".taskaff"):
            found = f"{request.source} is a signature, which holds no rows to list"
            raise UsageError(found, hint="name the data set that it was made of")
    report = plan(reporting, [request.source for request in asked], verbose=verbose)
    result = overlap_of(*asked)
    emit(result, report)
