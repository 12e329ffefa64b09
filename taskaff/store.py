"""A content-addressed cache on disk that several runs may share and that survives kill -9.

``root/<kind>/<first two of key>/<key>.<first 32 of the content's SHA-256>``: one file an entry, and
the checksum is part of its name, so that a single atomic rename publishes both. A writer works on
a temporary file in the same folder and holds the folder's lock; two runs that want the same entry
write it once. The lock only saves work: without it the last of two equal files would stay.

Reading verifies the whole checksum of entries up to ``VERIFIED_BYTES`` (a signature of d = 384 has
5 MB: some 20 ms). Larger entries hold converted word vectors, which are mapped into memory and
not read through; their reader checks the length that their header declares, and ``verify`` reads
everything.
An entry that fails is removed and counts as missing: it is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from taskaff.errors import CacheError, Place

MODES = ("use", "refresh", "only", "off")
VERIFIED_BYTES = 64 * 2**20
LOCK_SECONDS = 3600.0
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

    def get(self, kind: str, key: str) -> Path | None:
        """The entry's file (to be read, not written), or None when it must be computed."""
        if self.mode == "off" or (self.mode == "refresh" and (kind, key) not in self._written):
            return None
        with _wrapped(self.root):
            found = _find(self._folder(kind, key), key)
        if found is None and self.mode == "only":
            raise CacheError(
                f"no {kind} entry for this input in the cache",
                where=Place(str(self.root)),
                hint="run once with --cache use, which computes and keeps it",
            )
        return found

    def put(self, kind: str, key: str, write: Callable[[Path], None]) -> Path:
        """Keep what ``write(temporary_path)`` writes, and return the entry's file.

        ``write`` must not use the store. In mode ``use``, when another run has written the entry
        in the meantime, that one is returned and ``write`` is not called.
        """
        if self.mode == "only":
            raise CacheError(
                f"a {kind} entry would have to be written", hint="allow it with --cache use"
            )
        with _wrapped(self.root):
            if self.mode == "off":
                return self._put_private(key, write)
            folder = self._folder(kind, key)
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder):
                found = _find(folder, key) if self.mode == "use" else None
                path = found or _publish(folder, key, write)
        self._written.add((kind, key))
        return path

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
            now, kept, removed = time.time(), 0, []
            for entry in sorted(self.entries(), key=lambda e: e.used, reverse=True):
                too_old = older_than is not None and now - entry.used > older_than
                too_many = max_bytes is not None and kept + entry.bytes > max_bytes
                if too_old or too_many:
                    entry.path.unlink(missing_ok=True)
                    removed.append(entry)
                else:
                    kept += entry.bytes
        return removed

    def remove(self, entry: Entry) -> None:
        """Remove one entry, such as one that ``verify`` found."""
        with _wrapped(self.root):
            entry.path.unlink(missing_ok=True)

    def _folder(self, kind: str, key: str) -> Path:
        if not _KIND.fullmatch(kind) or not re.fullmatch(r"[0-9a-f]{16,64}", key):
            raise CacheError(f"not a kind and a key: {kind!r}, {key!r}")
        return self.root / kind / key[:2]

    def _put_private(self, key: str, write: Callable[[Path], None]) -> Path:
        if self._private is None:
            self._private = Path(tempfile.mkdtemp(prefix="taskaff-"))
            weakref.finalize(self, shutil.rmtree, self._private, ignore_errors=True)
        path = self._private / f"{key}.{secrets.token_hex(4)}"
        write(path)
        return path

    def _sweep(self) -> None:
        """Remove temporary files of folders that nobody is writing in."""
        for folder in {path.parent for path in self.root.glob("*/??/*.tmp")}:
            with suppress(CacheError), _locked(folder, seconds=0):
                _remove_temporaries(folder)


def _find(folder: Path, key: str) -> Path | None:
    """The newest intact file of ``key``; broken ones are removed."""
    for path in sorted(folder.glob(f"{key}.*"), key=_mtime, reverse=True):
        if not _ENTRY.fullmatch(path.name):
            continue
        with suppress(FileNotFoundError):
            if path.stat().st_size > VERIFIED_BYTES or _matches(path):
                with suppress(OSError):  # a cache that may only be read
                    os.utime(path)
                return path
            path.unlink()
    return None


def _publish(folder: Path, key: str, write: Callable[[Path], None]) -> Path:
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
def _wrapped(root: Path) -> Iterator[None]:
    """Turn the operating system's refusals (no space, no permission) into CacheError."""
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"the cache cannot be used: {error.strerror or error}",
            where=Place(str(error.filename or root)),
            hint="free some space or check the permissions, or run with --cache off",
        ) from error
