"""``taskaff score``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from typer import Context, Option

from taskaff.cli.encoder_check import WithEncoderCheck, run_check
from taskaff.cli.groups import Given, Settings, spread
from taskaff.cli.options import (
    ConfigOptions,
    DataOptions,
    ReportingOptions,
    RunOptions,
    Sources,
    Verbose,
    WithPredictions,
)
from taskaff.cli.streams import say

EXAMPLES = (
    "score reviews.csv tweets.csv",
    "score a.csv b.csv --fail-under covariance_alignment=0.5 -o r.json",
)

ScoreOptions = Annotated[Given, Settings(None, ("score",), without=("score.split",))]
FailUnder = Annotated[
    list[str] | None,
    Option(metavar="SCORE=VALUE", help="Exit 1 when a pair is below, 3 when it may be."),
]
Inconclusive = Annotated[
    Literal["pass", "fail"] | None, Option(help="What an inconclusive check counts as.")
]
ExitZero = Annotated[bool, Option("--exit-zero", help="Exit 0 whatever --fail-under finds.")]
Explain = Annotated[
    bool, Option("--explain", help="Say what every number means and where it points.")
]


@spread
def score(
    context: Context,
    reading: DataOptions,
    run: RunOptions,
    choice: ConfigOptions,
    reporting: ReportingOptions,
    asked: ScoreOptions,
    predict: WithPredictions,
    data: Sources = None,
    fail_under: FailUnder = None,
    inconclusive: Inconclusive = None,
    exit_zero: ExitZero = False,
    explain: Explain = False,
    encoder_check: WithEncoderCheck = False,
    verbose: Verbose = False,
) -> int:
    """Compare every pair of data sets: similarity, overlap, capacity.

    Without data sets, those of the nearest taskaff.toml are compared. The answers come first; the
    numbers with --scores, --explain or --verbose, in files, and in every other format.
    """
    from taskaff.cli import again, gate
    from taskaff.cli.datasets import requests
    from taskaff.cli.output import emit, plan
    from taskaff.cli.progress import ProgressBar
    from taskaff.cli.settings import read_config, run_settings
    from taskaff.core.errors import UsageError
    from taskaff.pipeline.score import score as score_sources
    from taskaff.stages.gate import worst
    from taskaff.stages.score.plugins import SCORES

    config = read_config(choice, run, asked, predict)
    limits = gate.parse_limits(fail_under or (), SCORES, config.score.scores)
    settings = run_settings(config, limits)
    sources = requests(data or (), config, reading)
    if encoder_check:
        run_check(sources, settings, reporting)
        return 0
    if len(sources) < 2:
        hint = "name two or more, or list them in taskaff.toml (taskaff init writes one)"
        raise UsageError(f"a score compares two data sets or more, not {len(sources)}", hint=hint)
    shown = verbose or explain or "score.scores" in asked
    report = plan(reporting, [request.source for request in sources], explain, verbose=shown)
    with ProgressBar(reporting.quiet) as progress:
        result = score_sources(sources, settings, progress)
    result = replace(result, arguments=again.arguments(context, again.DATA))
    result = gate.judged(result, limits)
    emit(result, report, gate.summary(result.findings) if limits else None)
    for line in gate.lines(result.findings) if limits and not reporting.quiet else ():
        say(line)
    return gate.mapped(worst(result.findings), inconclusive, exit_zero)
