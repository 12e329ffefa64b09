"""One file of a data set before it is opened: path, format, split, and where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from taskaff.core.errors import DataError, Place, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob, local_blob
from taskaff.stages.data.names import COMPRESSIONS, SplitWord, format_of, split_of, stem_of
from taskaff.stages.data.tables import TableReader


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file (or table) of a task, not opened yet."""

    path: str
    format: str
    split: SplitWord | None
    blob: Blob | None = None
    table: TableReader | None = None


@dataclass(slots=True)
class Located:
    """What one argument names: a task's name, its files, and notes for the user."""

    name: str
    files: list[DataFile]
    notes: list[str] = field(default_factory=list)


def format_and_compression(path: str, request: DataRequest) -> tuple[str, str | None]:
    """Format and compression of a file, by request or by suffix; ``""`` where nothing says it."""
    named, compression = format_of(path)
    if request.format is None:
        return named or "", compression
    name, said = requested_format(request.format)
    return name, said or compression


def requested_format(text: str) -> tuple[str, str | None]:
    """Format and compression of a name such as ``csv.gz``; raises ``UsageError``."""
    name, _, suffix = text.lower().partition(".")
    if suffix and f".{suffix}" not in COMPRESSIONS:
        known = ", ".join(COMPRESSIONS)
        raise UsageError(
            f"unknown compression {suffix!r} in format {text!r}", hint=f"known: {known}"
        )
    return name, COMPRESSIONS.get(f".{suffix}")


def local_file(
    path: str, request: DataRequest, folders: tuple[str, ...], declared: str | None = None
) -> DataFile:
    """Describe a file of this machine, under folders whose names may say the split.

    A split that was declared for the file counts more than its name. A name that is not
    UTF-8 is refused, since no report could show it.
    """
    shown = path.encode("utf-8", "backslashreplace").decode()
    if shown != path:
        raise DataError("the file name is not UTF-8", where=Place(shown), hint="rename the file")
    name, compression = format_and_compression(path, request)
    split = split_of((*folders, stem_of(path)) if declared is None else (declared,))
    return DataFile(path, name, split, local_blob(path, compression))


def remote_file(
    filesystem: Any,
    info: Any,
    request: DataRequest,
    folders: tuple[str, ...],
    shown: str,
    declared: str | None = None,
) -> DataFile:
    """Describe a file of an Arrow filesystem, called ``shown`` in messages."""
    name, compression = format_and_compression(info.path, request)

    def stamp() -> object:
        now = filesystem.get_file_info(info.path)
        return now.size, now.mtime_ns

    blob = Blob(shown, info.size, lambda: filesystem.open_input_file(info.path), stamp, compression)
    split = split_of((*folders, stem_of(info.path)) if declared is None else (declared,))
    return DataFile(shown, name, split, blob)
