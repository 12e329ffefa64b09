"""Folders as people have them: shards, clones of the hub, caches, what ``save_to_disk`` wrote."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from taskaff.core.errors import DataError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.data_file import DataFile, Located, local_file, remote_file
from taskaff.stages.data.declared import cards, configuration, revision
from taskaff.stages.data.names import and_more, format_of, is_notice, split_of, split_word
from taskaff.stages.data.shards import check_numbers, check_state, saved_splits
from taskaff.stages.data.trees import DEPTH, Tree, below

_TEXT, _CODE = ".txt", ".py"
_METADATA = (".json", ".md", ".py", ".toml", ".yaml", ".yml", ".sh", ".html", ".pdf")


class Folder:
    """A folder of one data set.

    Its files are those that its ``README.md`` declares; else its own and those of subfolders that
    are named after splits; else those of the one folder below it that has any.
    """

    def __init__(self, path: str, request: DataRequest, tree: Tree | None = None) -> None:
        self._request, self._tree = request, tree or Tree()
        self._path = revision(self._tree, path)

    def files(self) -> Located:
        """The files, in the order of their names."""
        if declared := self.configuration(None):
            return declared
        files = self._own()
        tables = [file for file in files if file.format != "txt"]
        if tables:
            return self._checked(tables, self._left_out(tables))
        holders = self._holders(DEPTH)
        if files and not holders:
            return self._checked(files, [])
        if len(holders) != 1:
            raise self._several(holders) if holders else self._nothing()
        inner = Folder(holders[0], self._request, self._tree).files()
        inner.notes.insert(0, f"read from its folder {below(holders[0], self._path)}")
        return inner

    def configuration(self, name: str | None) -> Located | None:
        """The files of a configuration (the default one); None where the card declares no such."""
        declared = configuration(self._tree, self._path, name)
        if declared is None:
            return None
        files = [self._file(info, (), split) for info, split in declared.files]
        return self._checked(files, declared.notes)

    def _checked(self, files: list[DataFile], notes: Sequence[str]) -> Located:
        check_numbers([file.path for file in files])
        formats = sorted({file.format for file in files})
        if len(formats) > 1:
            suffix = PurePosixPath(files[0].path).suffix
            raise self._error(
                f"the folder mixes formats: {', '.join(formats)}",
                f"name the files: '{self._tree.shown(self._path)}/*{suffix}'",
            )
        return Located("", files, list(notes))

    # -- the folder's own files

    def _own(self) -> list[DataFile]:
        """Files of the folder itself and of its subfolders that are named after splits."""
        infos, folders = self._tree.inside(self._path)
        self._refuse_classes(folders)
        own = split_word(PurePosixPath(self._path).name)
        files = self._shards(self._path, infos, (own,) if own else ())
        saved = saved_splits(self._tree, self._path, {info.base_name for info in folders})
        for folder in folders:
            name = folder.base_name
            if name in saved if saved is not None else split_of((name,)):
                inside, deeper = self._tree.inside(folder.path)
                self._refuse_classes(deeper)
                files += self._shards(folder.path, inside, (name,))
        return files

    def _shards(self, path: str, infos: Sequence[Any], folders: tuple[str, ...]) -> list[DataFile]:
        files = _data(infos) or self._others(infos)
        dead = [link for link in self._tree.dead_links(path) if format_of(link)[0] is not None]
        if dead:
            raise self._tree.error(
                dead[0],
                "a link to a file that is not there",
                "fetch the data set again, as with hf download, or delete the link",
            )
        check_state(self._tree, path, {info.base_name for info in files})
        return [self._file(info, folders, None) for info in files]

    def _others(self, infos: Sequence[Any]) -> list[Any]:
        """Files of one text a line; where a format was named, also those of an odd suffix."""
        asked = self._request.format is not None
        data = [i for i in infos if not is_notice(i.base_name)]
        texts = [i for i in data if format_of(i.path)[0] == "txt"]
        odd = [i for i in data if PurePosixPath(i.path).suffix.lower() not in _METADATA]
        return texts or (odd if asked else [])

    def _file(self, info: Any, folders: tuple[str, ...], split: str | None) -> DataFile:
        path = str(info.path)
        if self._tree.remote:
            shown = self._tree.shown(path)
            return remote_file(self._tree.filesystem, info, self._request, folders, shown, split)
        return local_file(path, self._request, folders, split)

    # -- folders below

    def _holders(self, depth: int) -> list[str]:
        """The folders below that are data sets by themselves."""
        paths = []
        for path, files, folders in self._tree.walk(self._path, depth):
            if path != self._path and self._holds(path, files, folders):
                paths.append(path)
                folders.clear()
        return paths

    def _holds(self, path: str, files: Sequence[Any], folders: Sequence[Any]) -> bool:
        if _data(files) or cards(self._tree, path):
            return True
        splits = [folder for folder in folders if split_of((folder.base_name,))]
        return any(_data(self._tree.inside(folder.path)[0]) for folder in splits)

    def _left_out(self, files: Sequence[DataFile]) -> list[str]:
        read = {str(PurePosixPath(file.path).parent) for file in files}
        holders = [path for path in self._holders(1) if self._tree.shown(path) not in read]
        names = [PurePosixPath(path).name for path in holders]
        return [f"not read: the folders {and_more(names)}"] if names else []

    def _refuse_classes(self, folders: Sequence[Any]) -> None:
        """Refuse ``pos/0.txt``, ``neg/0.txt``: folders of classes, a file of text each row."""
        classes = []
        for folder in folders if len(folders) > 1 else ():
            infos, _ = self._tree.inside(folder.path)
            texts = [i.base_name for i in infos if i.base_name.endswith(_TEXT)]
            splits = [split_of((name.removesuffix(_TEXT),)) for name in texts]
            if len(texts) > 1 and 2 * len(texts) > len(infos) and not any(splits):
                classes.append(below(folder.path, self._path))
        if len(classes) > 1:
            raise self._error(
                f"the folders {and_more(classes)} look like classes, with a text file for each row",
                "write one file of them with the columns text and label; docs/data.md has a script",
            )

    # -- errors

    def _several(self, holders: Sequence[str]) -> DataError:
        names = [below(path, self._path) for path in holders]
        return self._error(
            f"the folder holds {len(names)} data sets: {and_more(names)}",
            f"name one of them: {shlex.quote(self._tree.shown(holders[0]))}",
        )

    def _nothing(self) -> DataError:
        files, folders = self._tree.inside(self._path)
        scripts = [info.base_name for info in files if info.base_name.endswith(_CODE)]
        if scripts:
            return self._error(
                f"the folder holds no data, only a loading script, which is not run: {scripts[0]}",
                "of most such repositories the hub has the data as Parquet: hf download "
                "OWNER/NAME --repo-type dataset --revision refs/convert/parquet --local-dir NAME",
            )
        names = [folder.base_name for folder in folders]
        inside = f"; it has the folders {and_more(names)}" if names else ""
        return self._error(
            f"the folder holds no file of a known format{inside}",
            "the folder must hold .csv, .tsv, .jsonl, .txt, .parquet, .arrow, .npz or .npy files",
        )

    def _error(self, problem: str, hint: str) -> DataError:
        return self._tree.error(self._path, problem, hint)


def _data(infos: Sequence[Any]) -> list[Any]:
    """The data files among the files of a folder; plain text may be anything, and is none."""
    return [
        i for i in infos if format_of(i.path)[0] not in (None, "txt") and not is_notice(i.base_name)
    ]
