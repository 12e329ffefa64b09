"""Pointers of Git LFS, which a clone holds in place of files that were not fetched."""

from __future__ import annotations

from pathlib import PurePosixPath

from taskaff.core.errors import DataError, Place
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.declared import quoted

_BEGINS = b"version https://git-lfs.github.com/spec/"
_MOST = 1024
"""No pointer is longer, by its specification."""


def refuse_pointer(blob: Blob) -> None:
    """Refuse a pointer with the command that fetches the file, whatever its format."""
    if blob.size > _MOST:
        return
    with blob.native() as file:
        begins = bytes(file.read(len(_BEGINS)))
    if begins == _BEGINS:
        folder = quoted(str(PurePosixPath(blob.path).parent))
        raise DataError(
            "a pointer of Git LFS, not the file",
            where=Place(blob.path),
            hint=f"fetch it: git -C {folder} lfs pull",
        )
