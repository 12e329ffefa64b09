"""What is to come, on standard error: only on a terminal, and not with ``--quiet``.

Bars for what takes over a second, and the time that training is expected to take.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from taskaff.cli.streams import say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from taskaff.core.records.probe import Forecast

PATIENCE = 1.0
"""Seconds before anything is shown."""


class ProgressBar:
    """The pipeline's ``progress`` callable, and the context in which bars may be shown."""

    def __init__(self, quiet: bool = False) -> None:
        self.enabled = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], tuple[int, int | None]] = {}
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._shown: Progress | None = None
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self.enabled:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self.enabled = False
            if self._shown:
                self._shown.stop()

    def __call__(self, stage: str, task: str, done: int, total: int | None) -> None:
        """Note that ``done`` of ``total`` rows (or runs) of ``task`` are through ``stage``."""
        if self.enabled:
            with self._lock:
                self._rows[stage, task] = (done, total)
                self._draw(stage, task)

    def expect(self, found: Forecast) -> None:
        """Say how long training is expected to take, in a line that stays."""
        if not self.enabled:
            return
        with self._lock:
            if self._shown:
                self._shown.console.print(expected(found), highlight=False)
            else:
                say(expected(found))

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        with self._lock:
            if self.enabled:
                columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
                self._shown = Progress(*columns, console=Console(stderr=True), transient=True)
                self._shown.start()
                for stage, task in self._rows:
                    self._draw(stage, task)

    def _draw(self, stage: str, task: str) -> None:
        if self._shown is None:
            return
        done, total = self._rows[stage, task]
        if (stage, task) not in self._bars:
            from taskaff.stages.report.escape import markup

            description = f"{stage} {markup(task)}".rstrip()
            self._bars[stage, task] = self._shown.add_task(description, total=total)
        self._shown.update(self._bars[stage, task], completed=done, total=total)


def expected(found: Forecast) -> str:
    """``training takes about 40 s with 5 seeds, at most 3 min with 20``."""
    if found.seconds == found.most_seconds:
        return f"training takes about {spoken(found.seconds)}"
    return (
        f"training takes about {spoken(found.seconds)} with {found.seeds} seeds, and up to "
        f"{spoken(found.most_seconds)} with {found.most_seeds}, if verdicts stay open"
    )


def spoken(seconds: float) -> str:
    """A time in words, with about as many digits as a forecast has."""
    if seconds < 1.5:
        return "1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
