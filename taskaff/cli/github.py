"""What GitHub Actions gets beside the result: annotations, and the summary of the job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.cli.streams import say, say_as_is

if TYPE_CHECKING:
    from taskaff.core.records.check import CheckResult

ACTIONS = "GITHUB_ACTIONS"
SUMMARY = "GITHUB_STEP_SUMMARY"
ROOM = 1_000_000
"""Bytes; GitHub drops a summary above one mebibyte."""


def inside() -> bool:
    """Whether this process is a step of a workflow."""
    return os.environ.get(ACTIONS) == "true"


def report(result: CheckResult, annotated: bool) -> None:
    """Annotations on standard error, unless they stand in the output, and the step's summary.

    A summary that cannot be written is a warning: it changes no verdict.
    """
    from taskaff.stages.report import render

    if not annotated:
        say_as_is(render(result, "github"))
    target = os.environ.get(SUMMARY)
    if not target:
        return
    text = render(result, "markdown") + "\n"
    encoded = text.encode("utf-8", "backslashreplace")
    try:
        with Path(target).open("ab") as file:
            file.write(encoded if len(encoded) < ROOM else _shortened(encoded))
    except OSError as error:
        say(f"warning: the summary cannot be written to {SUMMARY}: {error.strerror}")


def _shortened(encoded: bytes) -> bytes:
    kept = encoded[:ROOM].rpartition(b"\n")[0].decode("utf-8", "ignore")
    return f"{kept}\n\nThe rest is left out.\n".encode()
