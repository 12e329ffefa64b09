"""``taskaff profile``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Option

from taskaff.cli._encoder_check import WithEncoderCheck, run_check
from taskaff.cli._groups import spread
from taskaff.cli._options import (
    ConfigOptions,
    DataOptions,
    OneSource,
    ReportingOptions,
    RunOptions,
)
from taskaff.cli._streams import say

EXAMPLES = ("profile reviews.csv -o reviews.taskaff",)

Output = Annotated[
    Path | None,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to; NAME.taskaff in this folder if not given.",
        rich_help_panel="Output",
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Say nothing.", rich_help_panel="Output")]


@spread
def profile(
    data: OneSource,
    reading: DataOptions,
    run: RunOptions,
    choice: ConfigOptions,
    output: Output = None,
    quiet: Quiet = False,
    encoder_check: WithEncoderCheck = False,
) -> None:
    """Write a data set's signature; scoring it needs no rows."""
    from taskaff import pipeline
    from taskaff.cli._datasets import requests
    from taskaff.cli._progress import ProgressBar
    from taskaff.cli._settings import read_config, run_settings
    from taskaff.cli._signatures import check_signature_target

    config = read_config(choice, offline=reading.offline, **asdict(run))
    settings = run_settings(config)
    [request] = requests([data], config, reading)
    if encoder_check:
        run_check([request], settings, ReportingOptions(output=[output] if output else None))
        return
    if output is not None:
        check_signature_target(output, [request.source])
    with ProgressBar(quiet) as progress:
        signature = pipeline.profile(request, settings, progress)
    target = output
    if target is None:
        target = Path(signature.name.replace("/", "_").replace("\\", "_") + ".taskaff")
        check_signature_target(target, [request.source])
    pipeline.save(signature, target)
    if not quiet:
        say(f"wrote {target}: {signature.rows:,} rows of {signature.name}")
