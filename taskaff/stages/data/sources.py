"""Locate the files of an argument: a path, folder, glob, standard input, URL or table."""

from __future__ import annotations

import glob
import sys
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from taskaff.core.errors import DataError, Place, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.registry import closest
from taskaff.stages.data.byte_source import spool
from taskaff.stages.data.data_file import DataFile, Located, local_file, requested_format
from taskaff.stages.data.folders import Folder
from taskaff.stages.data.names import SplitWord, split_word, task_name
from taskaff.stages.data.reader import CELL_BYTES
from taskaff.stages.data.remote import from_tree
from taskaff.stages.data.tables import TableReader, pair_table, spool_stream
from taskaff.stages.data.trees import Tree

STDIN_BYTES = 4 << 30
"""Standard input is copied to a temporary file; a stream that brings more may have no end."""


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


def _from_object(source: Any, path: str, split: SplitWord | None) -> DataFile:
    if hasattr(source, "collect_schema") and hasattr(source, "collect"):
        source = source.collect()  # a polars LazyFrame
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return DataFile(path, "table", split, table=TableReader(source, path))
    if isinstance(source, tuple) and len(source) == 2:
        return DataFile("(X, y)", "table", split, table=TableReader(pair_table(*source), "(X, y)"))
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "with_format"):
        return DataFile(path, "arrow", split, blob=spool_stream(source, path))
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
        file = local_file(text, request, ())
        return Located(task_name(str(path.absolute()), folder=False), [file])
    if path.is_dir():
        names = Folder(text, request).files()
        return Located(task_name(str(path.absolute()), folder=True), names.files, names.notes)
    if glob.has_magic(text):
        return _from_glob(text, request)
    if path.exists():
        raise DataError(
            "not a regular file",
            where=Place(text),
            hint="pipe it in: a single - reads standard input, with --stdin-format csv",
        )
    declared = Folder(str(path.parent), request).configuration(path.name)
    if declared is not None:
        name = task_name(str(path.absolute()), folder=True)
        return Located(name, declared.files, declared.notes)
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
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        hint = "pipe the data in, as in: cat data.csv | taskaff inspect - --stdin-format csv"
        raise UsageError("standard input is closed, and - reads it", hint=hint)
    format, compression = requested_format(request.format)
    lines = compression is None and format in ("csv", "tsv", "jsonl", "txt")
    first_line = CELL_BYTES if lines else None
    blob = spool(stream, "-", compression, limit=STDIN_BYTES, first_line=first_line)
    return Located("stdin", [DataFile("-", format, None, blob)])


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
        files.append(local_file(path, request, parts[:-1]))
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
    if scheme == "hf":
        from taskaff.stages.data.hub import from_hub

        return from_hub(text, request)
    if scheme in ("http", "https"):
        raise UsageError(
            f"{scheme}:// is not read", hint="download the data first and give its path"
        )
    import pyarrow.fs as pafs

    try:
        filesystem, path = pafs.FileSystem.from_uri(text)
        if isinstance(filesystem, pafs.LocalFileSystem):
            return _from_text(path, request)
        filesystem.get_file_info(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"the URL cannot be opened: {reason}",
            where=Place(text),
            hint="check the address and the credentials of the object store",
        ) from error
    return from_tree(Tree(filesystem, f"{scheme}://"), path, request)
