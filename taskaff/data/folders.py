"""Folders of shards, local or of an object store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from taskaff.data.found import Found, Located, found_local, found_remote
from taskaff.data.names import format_of, split_of, split_word
from taskaff.errors import DataError, Place
from taskaff.records import DataRequest


class Folder:
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
                found.append(found_remote(self._fs, info, self._request, folders, str(info.path)))
            else:
                found.append(found_local(info.path, self._request, folders))
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
