"""``--encoder-check`` of ``score`` and ``profile``: the comparison as a table or as JSON."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Option

from taskaff.cli.options import ReportingOptions
from taskaff.cli.streams import write

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
    found = check_encoder(Session(settings), requests)
    write(_document(found) if format == "json" else _table(found))
    if not found.passed:
        error = max(found.batch_error, found.plain_error)
        raise EmbedError(
            f"{found.encoder.id} gives other vectors when it is run in another way: "
            f"cosine error {error:.1e}, tolerance {found.tolerance:.0e}",
            hint="--dtype float32, --device cpu or --batch-size 1, whichever brings the error down",
        )


def _document(found: EncoderCheck) -> str:
    return json_text.dumps({**asdict(found), "passed": found.passed}, indent=2) + "\n"


def _table(found: EncoderCheck) -> str:
    from taskaff.stages.report.escape import terminal

    card, counts = found.encoder, found.counts
    lengths = f"{found.shortest:,} to {found.longest:,} tokens (median {found.median:,})"
    cut = f"{counts.truncated:,} cut off, {counts.empty:,} empty"
    revision = f" {card.revision}" if card.revision else ""
    errors = (
        (f"batches of {found.batch_size}, reversed", found.batch_error),
        ("float32, cpu, one text at a time", found.plain_error),
    )
    lines = [
        f"encoder  {card.id}{revision}, {card.width:,} dimensions, {found.dtype} on {found.device}",
        f"sample   {found.rows:,} rows of {', '.join(found.tasks)}: {lengths}",
        f"texts    {cut}; {counts.unknown:,} of {counts.tokens:,} tokens unknown",
        f"largest cosine error, at most {found.tolerance:.0e}:",
        *(f"  {against:<34}{_error(value, found.tolerance)}" for against, value in errors),
    ]
    return "".join(terminal(line) + "\n" for line in lines)


def _error(value: float, tolerance: float) -> str:
    return f"{value:.1e}  {'passed' if value <= tolerance else 'FAILED'}"
