"""``--encoder-check`` of ``score`` and ``profile``: the comparison as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Option

from taskaff.cli.options import ReportingOptions
from taskaff.cli.streams import write, write_json

if TYPE_CHECKING:
    from taskaff.core.records.data import DataRequest
    from taskaff.core.settings import RunSettings
    from taskaff.pipeline.encoder_check import EncoderCheck

WithEncoderCheck = Annotated[
    bool,
    Option(
        "--encoder-check",
        help="Only compare the encoder with itself, run plainly; exit 2 if they differ.",
        rich_help_panel="Run",
    ),
]


def run_check(
    requests: Sequence[DataRequest],
    settings: RunSettings,
    reporting: ReportingOptions | None = None,
) -> None:
    """Check, print a table or JSON, and raise EmbedError when an error is beyond the tolerance."""
    from taskaff.core.errors import EmbedError, UsageError
    from taskaff.pipeline.encoder_check import check_encoder
    from taskaff.pipeline.session import Session

    asked = reporting or ReportingOptions()
    format = "json" if asked.json else asked.format or "table"
    if asked.output or format not in ("table", "json"):
        hint = "leave -o and --format out, or use --json"
        raise UsageError("--encoder-check prints a table or JSON and writes no file", hint=hint)
    check = check_encoder(Session(settings), requests)
    if format == "json":
        write_json({**asdict(check), "passed": check.passed})
    else:
        write(_table(check))
    if not check.passed:
        error = max(check.batch_error, check.plain_error)
        raise EmbedError(
            f"{check.encoder.id} gives other vectors when it is run in another way: "
            f"cosine error {error:.1e}, tolerance {check.tolerance:.0e}",
            hint="--dtype float32, --device cpu or --batch-size 1, whichever brings the error down",
        )


def _table(check: EncoderCheck) -> str:
    from taskaff.stages.report.escape import terminal

    card, counts = check.encoder, check.counts
    lengths = f"{check.shortest:,} to {check.longest:,} tokens (median {check.median:,})"
    cut = f"{counts.truncated:,} cut off, {counts.empty:,} empty"
    revision = f" {card.revision}" if card.revision else ""
    errors = (
        (f"batches of {check.batch_size}, reversed", check.batch_error),
        ("float32, cpu, one text at a time", check.plain_error),
    )
    lines = [
        f"encoder  {card.id}{revision}, {card.width:,} dimensions, {check.dtype} on {check.device}",
        f"sample   {check.rows:,} rows of {', '.join(check.tasks)}: {lengths}",
        f"texts    {cut}; {counts.unknown:,} of {counts.tokens:,} tokens unknown",
        f"largest cosine error, at most {check.tolerance:.0e}:",
        *(f"  {against:<34}{_error(value, check.tolerance)}" for against, value in errors),
    ]
    return "".join(terminal(line) + "\n" for line in lines)


def _error(value: float, tolerance: float) -> str:
    return f"{value:.1e}  {'passed' if value <= tolerance else 'FAILED'}"
