"""A content-addressed cache on disk that several runs may share and that survives kill -9.

``root/<kind>/<first two of key>/<key>.<first 32 of the content's SHA-256>``: one file an entry, and
the checksum is part of its name, so that a single atomic rename publishes both. A writer works on
a temporary file in the same folder and holds the folder's lock; two runs that want the same entry
write it once. The lock only saves work: without it the last of two equal files would stay.

Reading verifies the checksum of all bytes (SHA-256: some 3 ms a megabyte), unless the caller says
that the file has one of its own, which its reader compares: word vectors have a faster one. An
entry that fails is removed with a warning and counts as missing: it is computed again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from taskaff.core.errors import CacheError, Place, TaskaffError, TaskaffWarning
from taskaff.core.files import private_folder

MODES = ("use", "refresh", "only", "off")
LOCK_SECONDS = 3600.0
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ENTRY = re.compile(r"([0-9a-f]{16,64})\.([0-9a-f]{32})")
_KIND = re.compile(r"[a-z][a-z0-9-]*")


def digest_key(**fields: object) -> str:
    """The key of an entry: SHA-256 (hex) of the fields as canonical JSON."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the cache; ``used`` is the time of the last read, in seconds of the epoch."""

    kind: str
    key: str
    path: Path
    bytes: int
    used: float


class Store:
    """Entries by kind and key under ``root``.

    Parameters
    ----------
    root : folder, made when the first entry is written.
    mode : ``use`` reads and writes; ``refresh`` reads only what this object wrote; ``only`` raises
        CacheError instead of letting anything be computed; ``off`` leaves ``root`` alone and puts
        entries into a private folder that goes when this object goes.
    """

    def __init__(self, root: Path, mode: str = "use") -> None:
        if mode not in MODES:
            raise CacheError(f"unknown cache mode {mode!r}", hint=f"known: {', '.join(MODES)}")
        self.root = Path(root)
        self.mode = mode
        self._written: set[tuple[str, str]] = set()
        self._private: Path | None = None

    def get(self, kind: str, key: str, verify: bool = True) -> Path | None:
        """The entry's file (to be read, not written), or None when it must be computed.

        Without ``verify`` its reader compares a checksum, and calls ``discard`` where it fails.
        """
        if self.mode == "off" or (self.mode == "refresh" and (kind, key) not in self._written):
            return None
        with _wrapped(self.root):
            file = _find(self._folder(kind, key), key, verify)
        if file is None and self.mode == "only":
            raise CacheError(
                f"no {kind} entry for this input in the cache",
                where=Place(str(self.root)),
                hint="run once with --cache use, which computes and keeps it",
            )
        return file

    def put(
        self, kind: str, key: str, write: Callable[[Path], object], verify: bool = True
    ) -> Path:
        """Store what ``write(temporary_path)`` writes, and return the entry's file.

        ``write`` must not use the store. In mode ``use``, when another run has written the entry
        in the meantime, that one is returned and ``write`` is not called.
        """
        if self.mode == "only":
            raise CacheError(
                f"a {kind} entry would have to be written", hint="allow it with --cache use"
            )
        if self.mode == "off":
            with _wrapped(Path(tempfile.gettempdir()), "set TMPDIR to a folder with room"):
                return self._put_private(key, write)
        with _wrapped(self.root):
            folder = self._folder(kind, key)
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder):
                existing = _find(folder, key, verify) if self.mode == "use" else None
                path = existing or _publish(folder, key, write)
        self._written.add((kind, key))
        return path

    def discard(self, path: Path, why: str = "its checksum is another one") -> None:
        """Remove an entry whose content turned out to be damaged, and warn of it."""
        with _wrapped(self.root):
            _discard(path, why)

    def entries(self) -> Iterator[Entry]:
        """Every complete entry, verified or not."""
        for path in sorted(self.root.glob("*/??/*")):
            match = _ENTRY.fullmatch(path.name)
            if match is None:
                continue
            with suppress(FileNotFoundError):  # another run may prune at this moment
                stat = path.stat()
                kind = path.parent.parent.name
                yield Entry(kind, match[1], path, stat.st_size, stat.st_mtime)

    def verify(self) -> list[Entry]:
        """The entries whose content does not have the recorded checksum; nothing is removed."""
        return [entry for entry in self.entries() if not _matches(entry.path)]

    def prune(self, max_bytes: int | None = None, older_than: float | None = None) -> list[Entry]:
        """Remove abandoned temporary files, and the least recently used entries.

        ``older_than`` is in seconds since the last use; ``max_bytes`` is what may stay in all.
        """
        with _wrapped(self.root):
            self._sweep()
            now, remaining, removed = time.time(), 0, []
            for entry in sorted(self.entries(), key=lambda e: e.used, reverse=True):
                too_old = older_than is not None and now - entry.used > older_than
                too_many = max_bytes is not None and remaining + entry.bytes > max_bytes
                if too_old or too_many:
                    entry.path.unlink(missing_ok=True)
                    removed.append(entry)
                else:
                    remaining += entry.bytes
        return removed

    def remove(self, entry: Entry) -> None:
        """Remove one entry, such as one that ``verify`` returned."""
        with _wrapped(self.root):
            entry.path.unlink(missing_ok=True)

    def _folder(self, kind: str, key: str) -> Path:
        if not _KIND.fullmatch(kind) or not re.fullmatch(r"[0-9a-f]{16,64}", key):
            raise CacheError(f"not a kind and a key: {kind!r}, {key!r}")
        return self.root / kind / key[:2]

    def _put_private(self, key: str, write: Callable[[Path], object]) -> Path:
        if self._private is None:
            self._private, handle = private_folder("taskaff-")
            weakref.finalize(self, _remove_private, self._private, handle)
        path = self._private / f"{key}.{secrets.token_hex(4)}"
        write(path)
        return path

    def _sweep(self) -> None:
        """Remove temporary files of folders that nobody is writing in."""
        for folder in {path.parent for path in self.root.glob("*/??/*.tmp")}:
            with suppress(CacheError), _locked(folder, seconds=0):
                _remove_temporaries(folder)


def _find(folder: Path, key: str, verify: bool) -> Path | None:
    """The newest intact file of ``key``; broken ones are removed."""
    for path in sorted(folder.glob(f"{key}.*"), key=_mtime, reverse=True):
        if not _ENTRY.fullmatch(path.name):
            continue
        with suppress(FileNotFoundError):
            if not verify or _matches(path):
                with suppress(OSError):  # a cache that may only be read
                    os.utime(path)
                return path
            _discard(path, "its checksum is another one")
    return None


def _discard(path: Path, why: str) -> None:
    message = f"a damaged file of the cache was removed, and is made again: {why} ({path})"
    warnings.warn(message, TaskaffWarning, stacklevel=4)
    path.unlink(missing_ok=True)


def _publish(folder: Path, key: str, write: Callable[[Path], object]) -> Path:
    _remove_temporaries(folder)  # we hold the lock: whoever left them is gone
    temporary = folder / f"{key}.{secrets.token_hex(8)}.tmp"
    try:
        write(temporary)
        final = folder / f"{key}.{file_sha256(temporary)[:32]}"
        _sync(temporary)
        temporary.replace(final)
        _sync(folder)
    finally:
        temporary.unlink(missing_ok=True)
    for path in folder.glob(f"{key}.*"):
        if path != final:  # what a refresh replaced
            path.unlink(missing_ok=True)
    return final


def _remove_private(folder: Path, handle: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)


def _matches(path: Path) -> bool:
    return file_sha256(path)[:32] == path.name.rpartition(".")[2]


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove_temporaries(folder: Path) -> None:
    for path in folder.glob("*.tmp"):
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # folders cannot be synchronised everywhere
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise CacheError(
            "another run holds the lock of this cache",
            where=Place(str(folder)),
            hint="wait for it, or run with --cache off",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _wrapped(root: Path, instead: str = "run with --cache off") -> Iterator[None]:
    """Turn the operating system's refusals (no space, no permission) into CacheError.

    A room's own error of writing a file counts where the cause is a full disk.
    """
    try:
        yield
    except (OSError, TaskaffError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or (cause is not error and cause.errno not in FULL):
            raise
        raise CacheError(
            f"the cache cannot be used: {cause.strerror or cause}",
            where=Place(str(cause.filename or root)),
            hint=f"free some space or check the permissions, or {instead}",
        ) from error
