"""Files written completely or not at all, and text read within bounds.

A file is written beside its target and renamed. While that goes on the temporary file is locked;
the system drops the lock with the process, so whoever writes in the same folder next knows what a
killed process left, and removes it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".taskaff.tmp"
IN_USE = ".in-use"


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """An empty file beside ``target`` that takes its place when the block ends well.

    A symbolic link stays one: the file that it points to is replaced.
    """
    real = Path(os.path.realpath(target))
    remove_abandoned(real.parent)
    temporary, lock = _locked(real)
    try:
        yield temporary
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that are gone."""
    with suppress(OSError):  # a folder that may not be read, or is not there
        for path in folder.glob(f".*{SUFFIX}"):
            with suppress(OSError):
                _remove_unlocked(path)


def private_folder(prefix: str) -> tuple[Path, int]:
    """A new folder among the temporary ones, and the descriptor that marks it as in use.

    Those of processes that are gone are removed.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            _remove_unlocked(path / IN_USE, path)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    handle = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with suppress(OSError):
        _lock(handle)
    return folder, handle


def read_text(path: Path, most: int, encoding: str = "utf-8") -> str:
    """The text of a file of at most ``most`` bytes, which a device such as /dev/zero is not.

    Raises
    ------
    OSError, UnicodeDecodeError : it cannot be read, is longer, or has another encoding.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", str(path))
    return content.decode(encoding)


def _locked(real: Path) -> tuple[Path, int]:
    """A new temporary file, and the descriptor that holds its lock."""
    while True:
        temporary = real.with_name(f".{real.name[:40]}.{secrets.token_hex(4)}{SUFFIX}")
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _lock(handle)
        except BlockingIOError:  # another process checks whether the file is abandoned
            pass
        except OSError:  # a file system without locks, on which nothing is taken for abandoned
            return temporary, handle
        else:
            if os.fstat(handle).st_nlink:
                return temporary, handle
        os.close(handle)


def _remove_unlocked(path: Path, folder: Path | None = None) -> None:
    """Remove a file that nobody has locked, or the folder that contains it."""
    handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        _lock(handle)
        if folder is None:
            path.unlink()
        else:
            shutil.rmtree(folder)
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file without waiting, or raise OSError."""
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "no such locks")
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
