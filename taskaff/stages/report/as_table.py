"""The result for a person at a terminal: the parts of its page, laid out for a width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskaff.stages.report.escape import guard, terminal
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import page_of
from taskaff.stages.report.terminal.canvas import Canvas
from taskaff.stages.report.terminal.writers import WRITERS


def render(result: Any, options: ReportOptions) -> Iterator[str]:
    """The whole page as one piece; when quiet the verdicts, a line each."""
    page = page_of(result, options, wide=False)
    if options.quiet:
        yield from (guard(terminal(text)) + "\n" for text in page.verdicts)
        return
    canvas = Canvas(options)
    for part in page.parts:
        WRITERS[type(part)](canvas, part)
    yield canvas.text()
