"""A process of its own that opens files, so that one which kills it is counted and not the end.

`Worker(function).ask(job)` gives what `function(job)` gives, or a `Fault`: the process died, took
too long, or raised something that is no answer to bad input.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Opened:
    """What taskaff read of a file: its texts or its vectors, and how many rows it skipped."""

    rows: int
    skipped: int
    texts: list[str] = field(default_factory=list)
    vectors: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    """What taskaff said where it refused."""

    found: str
    hint: str = ""


@dataclass(frozen=True)
class Fault:
    """No answer: a process that died, a time limit, an error that is a defect."""

    why: str


def open_file(fields: dict[str, Any]) -> Opened | Refused | Fault:
    """Read a data set whole, as `score` and `probe` do; `fields` are those of a `DataRequest`."""
    from taskaff.core.errors import TaskaffError
    from taskaff.core.records.data import DataRequest
    from taskaff.stages.data import open_task

    texts: list[str] = []
    vectors: list[list[float]] = []
    try:
        task = open_task(DataRequest(**fields))
        for batch in task.batches():
            if batch.text:
                texts += batch.text[0].to_pylist()
            elif batch.vectors is not None:
                vectors += batch.vectors.tolist()
    except TaskaffError as error:
        return Refused(str(error), error.hint or "")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Fault(f"{type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})")
    rows = sum(task.info.rows.values())
    return Opened(rows, sum(file.rejected for file in task.info.files), texts, vectors)


def _serve(connection: Any, function: Callable[[Any], Any]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # what native code prints of a broken file
    while True:
        job = connection.recv()
        if job is None:
            return
        answer = function(job)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        connection.send((answer, peak))


class Worker:
    """One process at a time; a new one after each that died. `peak` is the most bytes of any."""

    def __init__(self, function: Callable[[Any], Any], seconds: float = 60.0) -> None:
        self._function, self._seconds = function, seconds
        self._spawn = multiprocessing.get_context("spawn")
        self._process: Any = None
        self.peak = 0

    def ask(self, job: Any) -> Any:
        """The answer, or a `Fault`."""
        if self._process is None:
            self._connection, theirs = self._spawn.Pipe()
            args = (theirs, self._function)
            self._process = self._spawn.Process(target=_serve, args=args, daemon=True)
            self._process.start()
            theirs.close()
        try:
            self._connection.send(job)
            if self._connection.poll(self._seconds):
                answer, peak = self._connection.recv()
                self.peak = max(self.peak, peak)
                return answer
            why = f"no answer in {self._seconds:g} s"
            self._process.kill()
            self._process.join()
        except (EOFError, OSError):
            self._process.join()
            why = f"the process died: {self._process.exitcode}"
        self._process = None
        return Fault(why)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._connection.send(None)
            self._process.join()
            self._process = None
