"""One run of the command line: every way in which it can end, and the exit code of each.

0 finished or passed, 1 the gate failed and nothing else, 2 could not run, 3 inconclusive,
130 interrupted, 141 broken pipe. The application is invoked below the point where Typer would
turn an abort, a broken pipe or an uncaught exception into exit code 1. An error that cannot be
reported, because standard error cannot be written either, is still exit code 2.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, TextIO

import typer

from taskaff.cli.interrupt import INTERRUPTED, interrupt, leave, on_interrupt
from taskaff.cli.streams import flush, say
from taskaff.core.errors import TaskaffError, TaskaffWarning

FINISHED, BROKEN, BROKEN_PIPE = 0, 2, 141
"""The others, 1 and 3, come from the gate alone (``cli.gate.EXIT_CODES``)."""


def main() -> NoReturn:
    """Run with the arguments of this process, and exit."""
    _fill_descriptors()
    on_interrupt(interrupt)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # a second one, while the first was being reported
        code = INTERRUPTED
    on_interrupt(leave)  # nothing is left to be told, and exiting may wait for threads
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run with ``arguments`` and return the exit code, after everything has been written."""
    debug, arguments = _take_debug(arguments)
    _tolerate_streams()
    try:
        with _shown_warnings():
            code = _invoke(arguments)
        flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except KeyboardInterrupt:
        code = INTERRUPTED
        with contextlib.suppress(Exception):
            say("interrupted")
    except (Exception, SystemExit) as error:
        code = BROKEN
        with contextlib.suppress(Exception):
            _complain(error, debug)
    _close_output(sys.stdout)
    _close_output(sys.stderr)
    return code


def _invoke(arguments: Sequence[str]) -> int:
    from taskaff.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("taskaff", list(arguments)) as context:
            return int(command.invoke(context) or FINISHED)
    except typer.Exit as ending:  # --help and --version
        return ending.exit_code


@contextlib.contextmanager
def _shown_warnings() -> Iterator[None]:
    """Our own warnings as lines on standard error."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, TaskaffWarning):
                say(f"warning: {message}")
            else:
                others(message, category, *where, **more)

        warnings.simplefilter("always", TaskaffWarning)
        warnings.showwarning = show
        yield


def _take_debug(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """``--debug`` may stand anywhere, since the hint says to add it to the command."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return len(options) < end, [*options, *arguments[end:]]


def _complain(error: BaseException, debug: bool) -> None:
    if debug:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    if isinstance(error, TaskaffError):
        _say_error(str(error), error.hint)
    elif isinstance(error, typer.TyperException):
        _say_error(*_usage(error))
    else:
        found = f"internal error: {type(error).__name__}: {str(error)[:300]}"
        _say_error(found, "this is a defect: please report it with the output of --debug")


def _say_error(found: str, hint: str | None) -> None:
    say(f"error: {found}")
    if hint:
        say(f"hint: {hint}")


def _usage(error: typer.TyperException) -> tuple[str, str]:
    """Typer's complaint about the command line, with the option or the help page to try."""
    renamed = RENAMED.get(getattr(error, "option_name", ""))
    if renamed:
        return f"usage: {error.format_message()}", renamed
    near = getattr(error, "possibilities", None)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "taskaff"
    found = error.message if near else error.format_message()
    hint = f"did you mean {' or '.join(near)}?" if near else f"see {command} --help"
    return f"usage: {found.replace('Value error, ', '')}", hint


RENAMED = {
    "--sampling": "--recipe turns (or concat, share=0.2, temperature=2, together)",
    "--steps": "--updates N, the cap of a run in updates of its target",
}
"""Options of earlier versions that meant something else, and what there is now."""


def _fill_descriptors() -> None:
    """Open what was closed (``<&-``, ``>&-``), so that no file of ours takes its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one


def _tolerate_streams() -> None:
    """Make sure that both streams exist, and that no character is an error in the locale's code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _close_output(stream: TextIO) -> None:
    """Drop what cannot be written, so that the interpreter does not try again at its exit."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
