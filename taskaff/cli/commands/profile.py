"""``taskaff profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from taskaff.cli.encoder_check import WithEncoderCheck, run_check
from taskaff.cli.groups import spread
from taskaff.cli.options import (
    ConfigOptions,
    DataOptions,
    OneSource,
    ReportingOptions,
    RunOptions,
    output_option,
)
from taskaff.cli.streams import say

EXAMPLES = ("profile reviews.csv -o reviews.taskaff",)

Output = Annotated[
    Path | None,
    output_option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to; NAME.taskaff in this folder if not given.",
    ),
]
Quiet = Annotated[bool, output_option("--quiet", "-q", help="Say nothing.")]


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
    from taskaff.cli.datasets import requests
    from taskaff.cli.files import check_signature_target
    from taskaff.cli.progress import ProgressBar
    from taskaff.cli.settings import read_config, run_settings
    from taskaff.pipeline.profile import profile as profile_source
    from taskaff.stages.signature import save

    config = read_config(choice, run)
    settings = run_settings(config)
    [request] = requests([data], config, reading)
    if encoder_check:
        run_check([request], settings, ReportingOptions(output=[output] if output else None))
        return
    if output is not None:
        check_signature_target(output, [request.source])
    with ProgressBar(quiet) as progress:
        signature = profile_source(request, settings, progress)
    target = output or Path(signature.name.replace("/", "_").replace("\\", "_") + ".taskaff")
    if output is None:
        check_signature_target(target, [request.source])
    save(signature, target)
    if not quiet:
        say(f"wrote {target}: {signature.rows:,} rows of {signature.name}")
