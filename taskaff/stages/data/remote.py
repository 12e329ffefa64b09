"""Files and folders of object stores and other filesystems that Arrow opens."""

from __future__ import annotations

from pathlib import PurePosixPath

from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.data_file import Located, remote_file
from taskaff.stages.data.folders import Folder
from taskaff.stages.data.names import task_name
from taskaff.stages.data.trees import Tree


def from_tree(tree: Tree, path: str, request: DataRequest) -> Located:
    """A file, a folder, or a configuration that the ``README.md`` of a folder declares."""
    import pyarrow.fs as pafs

    if not path:
        where = Place(tree.shown(path))
        hint = "name a folder or a file below it"
        raise DataError("the address names no folder", where=where, hint=hint)
    info = tree.filesystem.get_file_info(path)
    if info.type == pafs.FileType.File:
        file = remote_file(tree.filesystem, info, request, (), tree.shown(path))
        return Located(task_name(path, folder=False), [file])
    if info.type == pafs.FileType.Directory:
        located = Folder(path, request, tree).files()
    else:
        parent, name = PurePosixPath(path).parent, PurePosixPath(path).name
        declared = Folder(str(parent), request, tree).configuration(name)
        if declared is None:
            where = Place(tree.shown(path))
            raise DataError("no such file or folder", where=where, hint="check the address")
        located = declared
    return Located(task_name(path, folder=True), located.files, located.notes)
