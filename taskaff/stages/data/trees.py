"""Folder listings of any filesystem, without what is hidden."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from taskaff.core.errors import DataError, Place

_HIDDEN = (".", "_", "cache-")
DEPTH = 6
"""Levels of folders that are listed."""
MOST = 2000
"""Number of folders that are listed."""


class Tree:
    """Folders of a filesystem of Arrow; the local one where none is given.

    Paths are shown in messages with ``scheme`` before them.
    """

    def __init__(self, filesystem: Any = None, scheme: str = "") -> None:
        import pyarrow.fs as pafs

        self.remote, self.scheme = filesystem is not None, scheme
        self.filesystem = filesystem if self.remote else pafs.LocalFileSystem()

    def shown(self, path: str) -> str:
        """Path for messages, with the scheme before it."""
        return self.scheme + path

    def error(self, path: str, problem: str, hint: str) -> DataError:
        """The error for something at a path."""
        return DataError(problem, where=Place(self.shown(path)), hint=hint)

    def inside(self, path: str) -> tuple[list[Any], list[Any]]:
        """Files and folders in the order of their names; hidden ones are left out."""
        import pyarrow.fs as pafs

        infos = self.filesystem.get_file_info(pafs.FileSelector(path))
        try:
            visible = [info for info in infos if not info.base_name.startswith(_HIDDEN)]
        except UnicodeDecodeError as error:
            name = error.object.decode("utf-8", "backslashreplace")
            raise DataError(
                f"the file name {name!r} is not UTF-8", where=Place(path), hint="rename the file"
            ) from error
        visible.sort(key=lambda info: str(info.base_name))
        folders = [info for info in visible if info.type == pafs.FileType.Directory]
        return [info for info in visible if info.type != pafs.FileType.Directory], folders

    def dead_links(self, path: str) -> list[str]:
        """Links of a local folder to what is not there, which Arrow's listings leave out."""
        if self.remote:
            return []
        with os.scandir(path) as entries:
            links = [Path(entry.path) for entry in entries if entry.is_symlink()]
        return sorted(str(link) for link in links if not link.exists())

    def walk(self, path: str, depth: int = DEPTH) -> Iterator[tuple[str, list[Any], list[Any]]]:
        """Path, files and folders of a folder and of those below it, by the order of names.

        The caller may shorten the list of folders, as that of ``os.walk``.
        """
        left = [(path, depth)]
        for _ in range(MOST):
            if not left:
                return
            here, levels = left.pop()
            files, folders = self.inside(here)
            yield here, files, folders
            if levels:
                left += [(str(folder.path), levels - 1) for folder in reversed(folders)]

    def text(self, path: str, most: int) -> str | None:
        """The first bytes of a text file; None where there is no such file."""
        import pyarrow.fs as pafs

        if self.filesystem.get_file_info(path).type != pafs.FileType.File:
            return None
        with self.filesystem.open_input_file(path) as file:
            return bytes(file.read(most)).decode("utf-8", "replace")


def below(path: str, folder: str) -> str:
    """The path of something in a folder, from there."""
    return str(PurePosixPath(path).relative_to(PurePosixPath(folder)))
