"""Whether a folder has all the shards that it says it has."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

from taskaff.core.errors import DataError, Place
from taskaff.stages.data.names import stem_of
from taskaff.stages.data.trees import Tree

_NUMBERED = re.compile(r"(.*-)?(\d{5,6})-of-(\d{5,6})(-[0-9a-f]+)?")
_BYTES = 1 << 20


def check_numbers(paths: Sequence[str]) -> None:
    """Refuse a gap or a repeat in ``train-00000-of-00002``, the names that the hub gives."""
    series: dict[tuple[str, str, int], dict[int, str]] = defaultdict(dict)
    for path in paths:
        match = _NUMBERED.fullmatch(stem_of(path))
        if match is None:
            continue
        key = str(PurePosixPath(path).parent), match[1] or "", int(match[3])
        twin = series[key].setdefault(int(match[2]), path)
        if twin != path:
            raise DataError(
                f"the same shard is there twice: also {PurePosixPath(twin).name}",
                where=Place(path),
                hint="delete one of them, or name the files to read",
            )
    for (folder, prefix, total), present in series.items():
        lost = sorted(set(range(min(total, 100_000))) - set(present))
        if lost:
            kind = PurePosixPath(next(iter(present.values()))).suffix
            raise DataError(
                f"shard {prefix}{lost[0]:05}-of-{total:05} is missing ({len(lost)} of {total})",
                where=Place(folder),
                hint=f"fetch the missing shards, or name those to read: '{folder}/{prefix}*{kind}'",
            )


def check_state(tree: Tree, folder: str, present: set[str]) -> None:
    """Refuse a folder of ``save_to_disk`` without all shards of its ``state.json``."""
    path = str(PurePosixPath(folder, "state.json"))
    names = _listed(tree, path, lambda saved: [entry["filename"] for entry in saved["_data_files"]])
    lost = [name for name in names or () if name not in present]
    if lost:
        raise tree.error(
            path,
            f"state.json lists {lost[0]!r}, which is not there ({len(lost)} missing)",
            "fetch the missing shards, or save the data set again",
        )


def saved_splits(tree: Tree, folder: str, present: set[str]) -> list[str] | None:
    """Folders that ``DatasetDict.save_to_disk`` lists as splits; None in another folder."""
    path = str(PurePosixPath(folder, "dataset_dict.json"))
    names = _listed(tree, path, lambda saved: list(saved["splits"]))
    lost = [name for name in names or () if name not in present]
    if lost:
        raise tree.error(
            path,
            f"dataset_dict.json lists the split {lost[0]!r}, whose folder is not there",
            "fetch the missing folder, or name one that is there",
        )
    return names


def _listed(tree: Tree, path: str, names: Callable[[Any], list[Any]]) -> list[str] | None:
    raw = tree.text(path, _BYTES)
    if raw is None:
        return None
    try:
        return [str(name) for name in names(json.loads(raw))]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise tree.error(
            path,
            f"{PurePosixPath(path).name} is not what save_to_disk writes",
            "save the data set again, or name the files: '*.arrow'",
        ) from error
