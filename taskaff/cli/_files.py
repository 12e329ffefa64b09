"""Files written whole or not at all, and never over an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from taskaff.errors import Place, ReportError, UsageError


def check_target(path: Path, inputs: Iterable[object]) -> None:
    """Refuse, before any work, a target that cannot be written or that is one of the inputs."""
    if path.is_dir():
        raise UsageError(f"-o {path} is a folder", hint=f"-o {path / 'result.json'}")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no folder {path.parent}", hint="make it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"-o {path}: the folder cannot be written", hint="name another one")
    for source in inputs:
        if isinstance(source, (str, Path)) and _same(path, Path(source)):
            raise UsageError(f"-o {path} would overwrite an input", hint="name another file")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.exists() and other.exists() and one.samefile(other)
    except (OSError, ValueError):
        return False


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target`` that takes its place when the block ends well.

    A symbolic link stays one: the file that it points to is replaced.
    """
    real = Path(os.path.realpath(target))
    temporary = real.with_name(f".{os.getpid()}.{real.name}")
    try:
        yield temporary
        temporary.replace(real)
    except OSError as error:
        found = f"cannot be written: {error.strerror or error}"
        hint = "make room, or name another file with -o"
        raise ReportError(found, where=Place(str(target)), hint=hint) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write UTF-8 with the line ends as they are; lone surrogates become escapes."""
    with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.writelines(pieces)
