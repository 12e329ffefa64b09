"""Standard output and error, colours and widths.

Everything that is printed goes through here, so that a stream that cannot be written (a full disk
behind ``>`` or ``2>``) ends the run with exit code 2, whatever it was about to say.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

OUTPUT, ERROR = "standard output", "standard error"
NO_TERMINAL_WIDTH = 100


def say(text: str) -> None:
    """One line on standard error, with control characters made visible."""
    from taskaff.stages.report.escape import guard, terminal

    say_as_is(guard(terminal(text)) + "\n")


def say_as_is(text: str) -> None:
    """Text that we wrote ourselves, such as a help page, on standard error."""
    with _written(ERROR):
        sys.stderr.write(text)
        sys.stderr.flush()


def write(text: str) -> None:
    """A piece of the result on standard output."""
    with _written(OUTPUT):
        sys.stdout.write(text)


def write_json(value: Any) -> None:
    """A value as JSON, over several lines."""
    write(json.dumps(value, indent=2) + "\n")


def write_facts(facts: Mapping[str, object], as_json: bool) -> None:
    """Names with their values below one another, or as JSON."""
    from taskaff.stages.report.escape import terminal

    if as_json:
        write_json(facts)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        write(f"{name:<{width}}  {terminal(str(value))}\n")


def flush() -> None:
    """Write what is still held back."""
    with _written(OUTPUT):
        sys.stdout.flush()


@contextmanager
def _written(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # nobody reads on, which is no error
        raise
    except OSError as error:
        from taskaff.core.errors import ReportError

        found = f"{name} cannot be written: {error.strerror or error}"
        raise ReportError(found, hint="look at where it is redirected to") from error


def wants_color() -> bool:
    """NO_COLOR, then FORCE_COLOR, then whether standard output is a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    force = os.environ.get("FORCE_COLOR", "")
    if force:
        return force != "0"
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns to fill: COLUMNS, the terminal's, or a fixed number where there is none."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return max(40, shutil.get_terminal_size((NO_TERMINAL_WIDTH, 24)).columns)
    return NO_TERMINAL_WIDTH
