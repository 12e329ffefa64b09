"""Where a result goes: standard output in one format, files in those of their suffixes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.cli.files import check_target, whole_file, write_text
from taskaff.cli.options import ReportingOptions
from taskaff.cli.streams import say, wants_color, width, write
from taskaff.core.errors import UsageError
from taskaff.core.registry import unknown_name

if TYPE_CHECKING:
    from taskaff.stages.report import Result

DEFAULT_FORMAT = "table"


@dataclass(frozen=True, slots=True)
class Plan:
    """Formats and targets, all known to be good before any work is done."""

    format: str
    files: tuple[tuple[Path, str], ...]
    quiet: bool
    explain: bool = False
    verbose: bool = False


def plan(
    options: ReportingOptions,
    inputs: Sequence[object] = (),
    explain: bool = False,
    pictures: bool = False,
    gate: bool = False,
    verbose: bool = False,
) -> Plan:
    """Check the options; ``inputs`` are paths that must not be overwritten.

    ``pictures`` says that the result can be drawn, too; ``gate``, that it is a check, which has
    the formats of CI systems. ``verbose`` is about the table on standard output: files hold
    everything.
    """
    files: dict[Path, str] = {}
    for path in options.output or ():
        if path in files:
            raise UsageError(f"-o {path} is given twice", hint="leave one out")
        files[path] = _format_of(path, pictures, gate)
        check_target(path, inputs)
    return Plan(_format(options, gate), tuple(files.items()), options.quiet, explain, verbose)


def _format(options: ReportingOptions, gate: bool) -> str:
    from taskaff.stages.report import CHECK_FORMATS, FORMATS

    formats = CHECK_FORMATS if gate else FORMATS
    if options.json and options.format not in (None, "json"):
        raise UsageError(f"--json and --format {options.format} exclude each other", hint="use one")
    name = "json" if options.json else options.format or DEFAULT_FORMAT
    if name not in formats:
        raise unknown_name("format", name, formats)
    return name


def _format_of(path: Path, pictures: bool, gate: bool) -> str:
    from taskaff.stages.report import CHECK_FORMATS, FORMATS, MATRICES, PICTURES, suffixes

    known = suffixes(CHECK_FORMATS if gate else FORMATS)
    if pictures:
        known |= {**PICTURES, MATRICES: MATRICES}
    suffix = path.suffix.lower()
    if suffix not in known:
        found = f"-o {path}: no format has the suffix {path.suffix!r}"
        raise UsageError(found, hint=f"known: {', '.join(known)}")
    return known[suffix]


def emit(result: Result, plan: Plan, verdict: str | None = None) -> None:
    """Write every file, then standard output; no file changes unless all of them were rendered.

    ``verdict`` stands in for the table when only the verdict is asked for.
    """
    from taskaff.pipeline.unknown_words import loud
    from taskaff.stages.report import MATRICES, PICTURES, ReportOptions, matrices, pieces, plot

    for note in loud(getattr(result, "notes", ())):
        say(f"warning: {note}")
    plain = ReportOptions(explain=plan.explain)
    with ExitStack() as stack:
        for path, format in plan.files:
            temporary = stack.enter_context(whole_file(path))
            if format == MATRICES:
                temporary.write_bytes(matrices(result))
            elif format in PICTURES.values():
                temporary.write_bytes(plot(result, format))
            else:
                write_text(temporary, pieces(result, format, plain))
    for_people = plan.format == DEFAULT_FORMAT
    if plan.quiet and for_people and verdict is not None:
        write(verdict + "\n")
        return
    options = ReportOptions(
        explain=plan.explain,
        color=wants_color(),
        width=width(),
        quiet=plan.quiet,
        verbose=plan.verbose or not for_people,
    )
    for piece in pieces(result, plan.format, options):
        write(piece)
