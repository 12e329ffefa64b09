"""``taskaff probe``."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from taskaff.cli.groups import Given, Settings, spread
from taskaff.cli.interrupt import INTERRUPTED, interrupt, on_interrupt
from taskaff.cli.options import (
    ConfigOptions,
    DataOptions,
    EncodingOptions,
    ReportingOptions,
    Sources,
    Verbose,
    WithPredictions,
)
from taskaff.cli.streams import say

if TYPE_CHECKING:
    from taskaff.core.config import Section

EXAMPLES = (
    "probe reviews.csv tweets.csv",
    "probe a.csv b.csv c.csv --align --budget 60s -o gains.png",
    "probe a.csv b.csv --capacity 2,4,8,16",
    "probe a.csv b.csv --trunk lstm",
    "probe 'synthetic:linear?task=1' 'synthetic:linear?task=3&rows=500'",
)

SavePredictions = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Parquet: what both arms predict of every test row.",
        rich_help_panel="Probe",
    ),
]
ProbeOptions = Annotated[Given, Settings("Probe", ("probe",), without=("probe.device",))]


@spread
def probe(
    context: Context,
    reading: DataOptions,
    asked: ProbeOptions,
    encoding: EncodingOptions,
    choice: ConfigOptions,
    reporting: ReportingOptions,
    predict: WithPredictions,
    data: Sources = None,
    save_predictions: SavePredictions = None,
    verbose: Verbose = False,
) -> int:
    """Train briefly: does a source data set help or hurt a target?

    Without data sets, those of the nearest taskaff.toml are probed. Ctrl-C shows what is known. The
    answers come first; the numbers with --verbose, in files, and in every other format.

    Signatures (.taskaff) are refused, since they hold no rows, and so are data sets without labels,
    and ready vectors where the trunk reads texts.
    """
    from taskaff.cli import again
    from taskaff.cli.datasets import requests
    from taskaff.cli.output import emit, plan
    from taskaff.cli.progress import ProgressBar
    from taskaff.cli.settings import probe_settings, read_config, run_settings
    from taskaff.core.errors import UsageError
    from taskaff.stages.report import MATRICES

    # One option is where to embed and where to train.
    device = {"probe.device": encoding.get("embed.device")}
    config = read_config(choice, encoding, asked, predict, device)
    sources = requests(data or (), config, reading)
    if len(sources) < (1 if config.probe.each_label else 2):
        hint = "name two or more, or list them in taskaff.toml (taskaff init writes one)"
        raise UsageError(f"a probe takes two data sets or more, not {len(sources)}", hint=hint)
    if predict.get("predict.enabled") and (what := _unpredicted(config.probe)):
        raise UsageError(
            f"--predict is about pairs, and not with {what}", hint="leave --predict out"
        )
    inputs = [source.source for source in sources]
    report = plan(reporting, inputs, pictures=True, verbose=verbose)
    settings, chosen = run_settings(config), probe_settings(config)
    if save_predictions is not None:
        _check_predictions(save_predictions, inputs)
    wanted = any(format == MATRICES for _, format in report.files)
    chosen = replace(chosen, keep_outputs=save_predictions is not None, keep_matrices=wanted)
    from taskaff.cli.files import whole_file
    from taskaff.pipeline.probe import probe as probe_sources
    from taskaff.stages.report import write_predictions

    with interruptions() as seen, ProgressBar(reporting.quiet) as progress:
        expect = progress.expect if progress.enabled else None
        result = probe_sources(sources, settings, chosen, config.probe.mode, progress, expect)
    asked_again = again.arguments(context, without=again.REPORTING)
    emit(replace(result, arguments=asked_again), report)
    if save_predictions is not None:
        with whole_file(save_predictions) as temporary:
            write_predictions(result, temporary)
    if seen:
        say("interrupted: this is what was known")
    return INTERRUPTED if seen else 0


def _unpredicted(chosen: Section) -> str:
    """What asks for other things than pairs of the data sets, or nothing."""
    if chosen.capacities:
        return "--capacity"
    if chosen.mode != "pairs":
        return f"--mode {chosen.mode}"
    return "--each-label" if chosen.each_label else ""


def _check_predictions(path: Path, inputs: Sequence[object]) -> None:
    """Refuse, before any work, a file that is not Parquet or cannot be written."""
    from taskaff.cli.files import check_target
    from taskaff.core.errors import UsageError

    if path.suffix.lower() != ".parquet":
        hint = f"--save-predictions {path.with_suffix('.parquet')}"
        raise UsageError(
            f"--save-predictions {path}: predictions are written as Parquet", hint=hint
        )
    check_target(path, inputs)


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """Ctrl-C as always, and a list that holds something once it was pressed.

    The probe takes the interruption as the order to stop and say what it knows.
    """
    seen: list[int] = []

    def note(number: int, frame: Any) -> None:
        seen.append(number)
        interrupt(number, frame)

    before = signal.getsignal(signal.SIGINT)
    on_interrupt(note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
