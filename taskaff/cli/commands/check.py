"""``taskaff check``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option

from taskaff.cli.groups import Given, Settings, names_of, spread
from taskaff.cli.options import (
    DATA_HELP,
    ConfigOptions,
    DataOptions,
    ReportingOptions,
    RunOptions,
    Verbose,
)
from taskaff.cli.streams import say

if TYPE_CHECKING:
    from taskaff.core.config import Config
    from taskaff.core.records.data import DataRequest
    from taskaff.stages.gate import Lock

EXAMPLES = (
    "check new.csv",
    "check reviews=data/reviews.csv -o result.xml -o result.sarif",
    "check new.csv --probe --budget 5m",
    "check --write-baseline",
)

_PANEL = "Gate"
gate_option = partial(Option, rich_help_panel=_PANEL)

Candidates = Annotated[list[str] | None, Argument(metavar="CANDIDATE", help=DATA_HELP)]


Decision = Annotated[
    Given,
    Settings(
        _PANEL,
        ("check.probe", "probe.budget", "probe.seeds", "check.baseline", "check.inconclusive"),
        help={
            "probe.budget": "Of the probe, all candidates.",
            "probe.seeds": "Repetitions of the probe.",
        },
    ),
]
"""How to decide."""


@dataclass(frozen=True)
class GateOptions:
    """What an outcome means, and what is written."""

    compare: Annotated[bool, gate_option(help="Whether to compare with the baseline.")] = True
    write_baseline: Annotated[
        bool,
        gate_option("--write-baseline", help="Write the numbers of this check as the baseline."),
    ] = False
    force: Annotated[
        bool,
        gate_option(
            "--force", help="Write it though the check fails, or numbers of others are lost."
        ),
    ] = False
    exit_zero: Annotated[bool, gate_option("--exit-zero", help="Exit 0 whatever is found.")] = False
    explain: Annotated[
        bool, gate_option("--explain", help="Rule, numbers, reasons, next step.")
    ] = False
    github: Annotated[
        bool | None, gate_option(help="Annotations and job summary; on in GitHub Actions.")
    ] = None


AGAIN = frozenset({*names_of(DataOptions), *names_of(RunOptions), *names_of(ConfigOptions)})
"""Options that a command proposed by a hint needs too."""


@spread
def check(
    context: Context,
    reading: DataOptions,
    run: RunOptions,
    decision: Decision,
    gate: GateOptions,
    choice: ConfigOptions,
    reporting: ReportingOptions,
    candidates: Candidates = None,
    verbose: Verbose = False,
) -> int:
    """Decide whether data sets may join the mix: a gate for CI.

    The mix and the limits stand in taskaff.toml. Without candidates, every data set that is
    declared there and not in the mix is checked. Exit code 0: passed; 1: failed; 2: could not
    run; 3: inconclusive.
    """
    from taskaff.cli import again, github
    from taskaff.cli.gate import mapped
    from taskaff.cli.gate_settings import baseline_to_read, gate_run, gate_settings, lock_path
    from taskaff.cli.output import emit, plan
    from taskaff.cli.progress import ProgressBar
    from taskaff.cli.settings import config_file, probe_settings, read_config, run_settings
    from taskaff.pipeline.check import check as check_candidates

    config = read_config(choice, run, decision)
    file = config_file(choice.config_file)
    asked, mix = _requests(candidates or (), config, reading)
    rules, settings = gate_settings(config), gate_run(config, run_settings(config))
    probing = probe_settings(config)
    inputs = [request.source for request in (*asked, *mix)]
    report = plan(reporting, inputs, gate.explain, gate=True, verbose=verbose)
    lock = lock_path(config, file)[0]
    before = _before(lock, inputs, gate)
    compare = gate.compare and not gate.write_baseline
    with ProgressBar(reporting.quiet) as progress:
        result = check_candidates(
            asked,
            mix,
            rules,
            settings,
            probe_settings=probing,
            baseline=baseline_to_read(config, file, compare),
            declared=list(config.datasets),
            options=" ".join(again.arguments(context, AGAIN)),
            progress=progress,
        )
    emit(result, report)
    if github.inside() if gate.github is None else gate.github:
        github.report(result, annotated=report.format == "github")
    failed = mapped(result.outcome, rules.inconclusive, exit_zero=False) == 1
    if gate.write_baseline and failed and not gate.force:
        say(f"{lock} is not written, since the check failed; --force writes it all the same")
    elif gate.write_baseline:
        _write_lock(lock, before, result.lock, gate.force)
    return mapped(result.outcome, rules.inconclusive, gate.exit_zero)


def _requests(
    arguments: Sequence[str], config: Config, reading: Given
) -> tuple[list[DataRequest], list[DataRequest]]:
    """The candidates and the data sets of the mix; the options of reading are for candidates."""
    from taskaff.cli.datasets import requests

    mix = list(config.mix.datasets)
    for argument in arguments:
        _require_new(argument, config)
    named = list(arguments) or [name for name in config.datasets if name not in mix]
    found = requests(named, config, reading) if named else []
    return found, requests(mix, config, {}) if mix else []


def _require_new(argument: str, config: Config) -> None:
    """Refuse a name of the mix, and a word that is neither a declared name nor a file."""
    from taskaff.core.errors import CheckError
    from taskaff.core.registry import closest

    if argument in config.datasets:
        if argument in config.mix.datasets:
            others = [name for name in config.datasets if name not in config.mix.datasets]
            hint = f"candidates are: {', '.join(others) or 'none that is declared'}"
            raise CheckError(f"{argument!r} is in the mix already", hint=hint)
        return
    plain = not any(char in argument for char in "=./\\*?[-")
    near = closest(argument, config.datasets) if plain else None
    if near and not Path(argument).exists():
        known = ", ".join(config.datasets)
        found = f"{argument!r} is no declared data set and no file"
        raise CheckError(found, hint=f"did you mean {near!r}? known: {known}")


def _before(path: Path, inputs: Sequence[object], gate: GateOptions) -> Lock | None:
    """The baseline that numbers are to be added to; None where there is none or none to be written.

    By ``--force`` one that cannot be read is written anew.
    """
    from taskaff.cli.files import check_target
    from taskaff.core.errors import CheckError, UsageError
    from taskaff.stages.gate import read

    if not gate.write_baseline:
        if gate.force:
            found = "--force is about writing a baseline"
            raise UsageError(found, hint="add --write-baseline, or leave --force out")
        return None
    check_target(path, inputs)
    try:
        return read(path)[1] if path.is_file() else None
    except CheckError as error:
        if not gate.force:
            raise
        say(f"warning: {error}; it is written anew")
        return None


def _write_lock(path: Path, before: Lock | None, text: str, force: bool) -> None:
    from taskaff.cli.files import whole_file, write_text
    from taskaff.stages.gate import merged

    dropped: tuple[str, ...] = ()
    if before is not None:
        text, dropped = merged(before, text, str(path), force)
    with whole_file(path) as temporary:
        write_text(temporary, [text])
    said = f", without those of {', '.join(dropped)}, which no longer compare" if dropped else ""
    say(f"wrote {path}{said}")
