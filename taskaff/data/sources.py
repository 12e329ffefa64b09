"""From what was typed to a list of files: paths, folders, globs, standard input, URLs, tables."""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from taskaff.data.blobs import Blob, local_blob, spool
from taskaff.data.names import format_of, split_of, split_word, stem_of, task_name
from taskaff.data.tables import TableReader, pair_table, spool_stream
from taskaff.errors import DataError, Place, UsageError
from taskaff.records import DataRequest, SplitName
from taskaff.registry import closest


@dataclass(frozen=True, slots=True)
class Found:
    """One file (or table) of a task, not opened yet."""

    path: str
    format: str
    split: SplitName | None
    blob: Blob | None = None
    table: TableReader | None = None


@dataclass(slots=True)
class Located:
    """Everything that one argument stands for."""

    name: str
    files: list[Found]
    notes: list[str] = field(default_factory=list)


def locate(request: DataRequest) -> Located:
    """Find the files of a request; nothing is read but folder listings and standard input."""
    source = request.source
    if isinstance(source, PathLike):
        source = str(source)
    if isinstance(source, str):
        return _from_text(source, request)
    if isinstance(source, Mapping) and source and all(split_word(str(k)) for k in source):
        files = [
            _from_object(table, f"table[{key}]", split_word(str(key)))
            for key, table in source.items()
        ]
        return Located("table", files)
    return Located("table", [_from_object(source, "table", None)])


def _from_object(source: Any, path: str, split: SplitName | None) -> Found:
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return Found(path, "table", split, table=TableReader(source, path))
    if isinstance(source, tuple) and len(source) == 2:
        return Found("(X, y)", "table", split, table=TableReader(pair_table(*source), "(X, y)"))
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "with_format"):
        return Found(path, "arrow", split, blob=spool_stream(source, path))
    raise UsageError(
        f"a data set cannot be made of {type(source).__name__}",
        hint="pass a path, an Arrow table, an object with __arrow_c_stream__, or (X, y)",
    )


def _from_text(text: str, request: DataRequest) -> Located:
    if text == "-":
        return _standard_input(request)
    if "://" in text:
        return _from_url(text, request)
    path = Path(text)
    if path.is_file():
        found = _found_local(text, request, ())
        return Located(task_name(str(path.absolute()), folder=False), [found])
    if path.is_dir():
        names = _Folder(text, request).files()
        return Located(task_name(str(path.absolute()), folder=True), names.files, names.notes)
    if glob.has_magic(text):
        return _from_glob(text, request)
    if path.exists():
        raise DataError(
            "not a regular file",
            where=Place(text),
            hint="pipe it in: a single - reads standard input, with --stdin-format csv",
        )
    raise _no_such(text)


def _no_such(text: str) -> DataError:
    path = Path(text)
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = closest(path.name, siblings)
    hint = f"did you mean {path.parent / near}?" if near else "give the path of a file or folder"
    return DataError("no such file or folder", where=Place(text), hint=hint)


def _standard_input(request: DataRequest) -> Located:
    if request.format is None:
        raise UsageError(
            "standard input has no suffix that says its format", hint="--stdin-format csv"
        )
    blob = spool(sys.stdin.buffer, "-")
    return Located("stdin", [Found("-", request.format, None, blob)])


def _from_glob(text: str, request: DataRequest) -> Located:
    paths = sorted(p for p in glob.glob(text, recursive=True) if Path(p).is_file())  # noqa: PTH207
    if not paths:
        raise DataError(
            "no file matches the pattern",
            where=Place(text),
            hint="quote the pattern; check the folder",
        )
    fixed = Path(*_fixed_parts(text))
    files = []
    for path in paths:
        parts = Path(path).relative_to(fixed).parts
        files.append(_found_local(path, request, parts[:-1]))
    name = task_name(str(fixed.absolute()), folder=True)
    return Located(name, files)


def _fixed_parts(pattern: str) -> list[str]:
    """Leading folders of a pattern without a wildcard."""
    parts: list[str] = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return parts or ["."]


def _from_url(text: str, request: DataRequest) -> Located:
    scheme = text.split("://", 1)[0].lower()
    if scheme in ("http", "https", "hf"):
        raise UsageError(
            f"{scheme}:// is not read", hint="download the data first and give its path"
        )
    import pyarrow.fs as pafs

    try:
        filesystem, path = pafs.FileSystem.from_uri(text)
        if isinstance(filesystem, pafs.LocalFileSystem):
            return _from_text(path, request)
        info = filesystem.get_file_info(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"the URL cannot be opened: {reason}",
            where=Place(text),
            hint="check the address and the credentials of the object store",
        ) from error
    return from_filesystem(filesystem, path, info, text, request)


def from_filesystem(
    filesystem: Any, path: str, info: Any, shown: str, request: DataRequest
) -> Located:
    """A file or folder of an Arrow filesystem."""
    import pyarrow.fs as pafs

    if info.type == pafs.FileType.File:
        found = _found_remote(filesystem, info, request, (), shown)
        return Located(task_name(path, folder=False), [found])
    if info.type == pafs.FileType.Directory:
        listed = _Folder(path, request, filesystem).files()
        return Located(task_name(path, folder=True), listed.files, listed.notes)
    raise DataError("no such file or folder", where=Place(shown), hint="check the address")


def _format(path: str, request: DataRequest) -> tuple[str, str | None]:
    named, compression = format_of(path)
    name = request.format or named
    if name is None:
        raise DataError(
            "the suffix says no known format",
            where=Place(path),
            hint="rename it to end in .csv, .tsv, .jsonl, .parquet, .arrow, .npz or .npy "
            "(.gz, .bz2, .xz, .zst may follow)",
        )
    return name, compression


def _found_local(path: str, request: DataRequest, folders: tuple[str, ...]) -> Found:
    name, compression = _format(path, request)
    split = split_of((*folders, stem_of(path)))
    return Found(path, name, split, local_blob(path, compression))


def _found_remote(
    filesystem: Any, info: Any, request: DataRequest, folders: tuple[str, ...], shown: str
) -> Found:
    name, compression = _format(info.path, request)

    def stamp() -> object:
        now = filesystem.get_file_info(info.path)
        return now.size, now.mtime_ns

    blob = Blob(shown, info.size, lambda: filesystem.open_input_file(info.path), stamp, compression)
    return Found(shown, name, split_of((*folders, stem_of(info.path))), blob)


class _Folder:
    """A folder of shards: its own files, those of subfolders that are named after splits.

    A folder written by ``datasets.save_to_disk`` is one of these; its ``state.json`` lists the
    shards, so that a missing one is noticed.
    """

    def __init__(self, path: str, request: DataRequest, filesystem: Any = None) -> None:
        import pyarrow.fs as pafs

        self._path, self._request = path, request
        self._fs = filesystem if filesystem is not None else pafs.LocalFileSystem()
        self._remote = filesystem is not None

    def files(self) -> Located:
        """The files, in the order of their names."""
        infos = self._list(self._path)
        own = split_word(PurePosixPath(self._path).name)
        files = self._shards(infos, (own,) if own else ())
        subfolders = [info for info in infos if self._is_folder(info)]
        for folder in subfolders:
            if split_of((folder.base_name,)):
                files += self._shards(self._list(folder.path), (folder.base_name,))
        if not files:
            raise self._nothing([info.base_name for info in subfolders])
        formats = sorted({found.format for found in files})
        if len(formats) > 1:
            suffix = PurePosixPath(files[0].path).suffix
            raise DataError(
                f"the folder mixes formats: {', '.join(formats)}",
                where=Place(self._path),
                hint=f"name the files: '{self._path}/*{suffix}'",
            )
        return Located("", files)

    def _list(self, path: str) -> list[Any]:
        import pyarrow.fs as pafs

        infos = self._fs.get_file_info(pafs.FileSelector(path))
        kept = [i for i in infos if not i.base_name.startswith((".", "_", "cache-"))]
        return sorted(kept, key=lambda info: str(info.base_name))

    def _is_folder(self, info: Any) -> bool:
        import pyarrow.fs as pafs

        return bool(info.type == pafs.FileType.Directory)

    def _shards(self, infos: Sequence[Any], folders: tuple[str, ...]) -> list[Found]:
        files = [i for i in infos if not self._is_folder(i) and format_of(i.path)[0] is not None]
        self._check_state(infos, {info.base_name for info in files})
        found = []
        for info in files:
            if self._remote:
                found.append(_found_remote(self._fs, info, self._request, folders, str(info.path)))
            else:
                found.append(_found_local(info.path, self._request, folders))
        return found

    def _check_state(self, infos: Sequence[Any], present: set[str]) -> None:
        states = [info for info in infos if info.base_name == "state.json"]
        if not states:
            return
        with self._fs.open_input_file(states[0].path) as file:
            raw = file.read(1 << 20)
        try:
            listed = [str(entry["filename"]) for entry in json.loads(raw)["_data_files"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                "state.json is not what save_to_disk writes",
                where=Place(states[0].path),
                hint="save the data set again, or name the files: '*.arrow'",
            ) from error
        lost = [name for name in listed if name not in present]
        if lost:
            raise DataError(
                f"state.json lists {lost[0]!r}, which is not there ({len(lost)} missing)",
                where=Place(states[0].path),
                hint="fetch the missing shards, or save the data set again",
            )

    def _nothing(self, subfolders: list[str]) -> DataError:
        inside = f"; it has the folders {', '.join(subfolders[:12])}" if subfolders else ""
        hint = (
            f"name one of them: {PurePosixPath(self._path) / subfolders[0]}"
            if subfolders
            else "the folder must hold .csv, .tsv, .jsonl, .parquet, .arrow, .npz or .npy files"
        )
        return DataError(
            f"the folder holds no file of a known format{inside}",
            where=Place(self._path),
            hint=hint,
        )
