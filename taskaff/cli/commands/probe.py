"""``taskaff probe``."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Context, Option

from taskaff.cli.groups import spread
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
from taskaff.core.settings import Trunk

if TYPE_CHECKING:
    from taskaff.core.config import ProbeSection

EXAMPLES = (
    "probe reviews.csv tweets.csv",
    "probe a.csv b.csv c.csv --align --budget 60s -o gains.png",
    "probe a.csv b.csv --capacity 2,4,8,16",
    "probe a.csv b.csv --trunk lstm",
    "probe 'synthetic:linear?task=1' 'synthetic:linear?task=3&rows=500'",
)

_PANEL = "Probe"
FINISHED = 0


def _number(text: str, **more: Any) -> Any:
    return Option(min=1, metavar="N", help=text, rich_help_panel=_PANEL, **more)


def _rate(text: str) -> Any:
    return Option(metavar="X", help=text, rich_help_panel=_PANEL)


@dataclass(frozen=True)
class ProbeOptions:
    """What to train, and how long."""

    mode: Annotated[
        Literal["pairs", "mix", "transfer"] | None,
        Option(
            help="Every pair; the last data set added to the others; or train, then fine-tune.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    align: Annotated[
        bool | None,
        Option("--align", help="Also with alignment matrices.", rich_help_panel=_PANEL),
    ] = None
    align_form: Annotated[
        Literal["full", "low-rank", "orthogonal"] | None,
        Option(help="Form of the alignment matrices.", rich_help_panel=_PANEL),
    ] = None
    align_train: Annotated[
        Literal["heads", "joint"] | None,
        Option(
            help="Trained with the matrices: heads, or the shared module too.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    weights: Annotated[
        Literal["equal", "proportional", "svd", "svd-printed", "uncertainty"] | None,
        Option(help="Loss weights of the tasks.", rich_help_panel=_PANEL),
    ] = None
    svd_rank: Annotated[
        int | None, _number("r of Algorithm 2; those that tasks share by default.")
    ] = None
    recipe: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="How tasks share the updates: turns, concat, share=0.2, temperature=2, together.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    shares: Annotated[
        bool | None,
        Option(
            "--shares",
            help="Also the gain over the source's share, and at the best.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    source_until: Annotated[
        float | None,
        Option(
            metavar="SHARE",
            help="The source leaves after this share of the cap.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    capacity: Annotated[
        str | None,
        Option(metavar="N[,N]", help="Loss against these capacities.", rich_help_panel=_PANEL),
    ] = None
    r: Annotated[int | None, _number("Capacity of the shared module.")] = None
    trunk: Annotated[
        Trunk | None,
        Option(
            help="The shared module: linear, relu and mlp on vectors, the others fine-tuned.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    max_tokens: Annotated[int | None, _number("Tokens of a row, of fine-tuned trunks.")] = None
    transference: Annotated[
        bool | None,
        Option("--transference", help="Measure it during training.", rich_help_panel=_PANEL),
    ] = None
    controls: Annotated[
        bool | None,
        Option(
            "--controls",
            help="Also permuted source labels, and each target against itself.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    each_label: Annotated[
        bool | None,
        Option(
            "--each-label",
            help="Every label of a multi-label data set is a task, NAME.LABEL.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    targets: Annotated[
        str | None,
        Option(
            metavar="NAME[,NAME]",
            help="Only pairs with these as the target.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    budget: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help="60s, 5m, 1h: add seeds until all is decided or time is out.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    seeds: Annotated[int | None, _number("Repetitions, no more and no fewer.")] = None
    max_seeds: Annotated[
        int | None, _number("Add repetitions up to so many, until every pair is decided.")
    ] = None
    confidence: Annotated[
        float | None,
        Option(metavar="LEVEL", help="Of the intervals, such as 0.9.", rich_help_panel=_PANEL),
    ] = None
    margin: Annotated[
        str | None,
        Option(
            metavar="X[%]",
            help="Gains within it count as none: of loss, or % of it.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    target_rows: Annotated[
        str | None,
        Option(
            metavar="N|all",
            help="Training rows of a target; all: those that it has.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    source_rows: Annotated[int | None, _number("Most training rows of a source.")] = None
    updates: Annotated[int | None, _number("Cap of a run, in updates of its target.")] = None
    patience: Annotated[
        float | None, _rate("A run ends after so many times its best; 0: at the cap.")
    ] = None
    epochs: Annotated[int | None, _number("Passes over all rows, in place of --updates.")] = None
    batch: Annotated[int | None, _number("Rows of an update.")] = None
    lr: Annotated[float | None, _rate("Learning rate of Adam.")] = None
    align_lr: Annotated[float | None, _rate("The same, of the alignment matrices.")] = None
    leaks: Annotated[
        Literal["remove", "keep", "both"] | None,
        Option(help="Source rows that the target has too.", rich_help_panel=_PANEL),
    ] = None


@spread
def probe(
    context: Context,
    reading: DataOptions,
    asked: ProbeOptions,
    encoding: EncodingOptions,
    choice: ConfigOptions,
    reporting: ReportingOptions,
    data: Sources = None,
    predict: WithPredictions = None,
    save_predictions: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Parquet: what both arms predict of every test row.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
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
    from taskaff.cli.settings import PROBE, probe_settings, read_config, run_settings
    from taskaff.core.errors import UsageError
    from taskaff.stages.report import MATRICES

    options = {PROBE + name: value for name, value in asdict(asked).items()}
    options["predict"] = predict
    options[PROBE + "device"] = encoding.device  # one option: where to embed, and where to train
    config = read_config(choice, offline=reading.offline, **asdict(encoding), **options)
    sources = requests(data or (), config, reading)
    if len(sources) < (1 if config.probe.each_label else 2):
        hint = "name two or more, or list them in taskaff.toml (taskaff init writes one)"
        raise UsageError(f"a probe takes two data sets or more, not {len(sources)}", hint=hint)
    if predict and (what := _unpredicted(config.probe)):
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
    return INTERRUPTED if seen else FINISHED


def _unpredicted(chosen: ProbeSection) -> str:
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
