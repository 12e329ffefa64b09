"""Ctrl-C: one line on standard error and exit code 130, wherever the program is.

A KeyboardInterrupt inside an import may be swallowed by the module that is being loaded, or leave
it half made; there the process ends at once instead. A process that was started with interruptions
ignored (``nohup``, a background job) goes on ignoring them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130

Handler = Callable[[int, FrameType | None], None]


def leave(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:  # noqa: ARG001
    """End the process, without another line of Python."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, or leave where a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            leave(number)
        frame = frame.f_back
    raise KeyboardInterrupt


def on_interrupt(handler: Handler) -> None:
    """Install ``handler``, unless interruptions are ignored."""
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
        signal.signal(signal.SIGINT, handler)
