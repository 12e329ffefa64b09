"""``hf://datasets/OWNER/NAME[@REVISION][/PATH]``: data sets of the Hugging Face hub.

``huggingface_hub``'s file system lists and reads them; nothing of a repository is executed. The
revision is resolved to its commit first, and files are copied once into temporary ones, so that
both passes read the same bytes and a lost connection ends the run before anything is computed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskaff.core.errors import DataError, Place, TaskaffError
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import spool
from taskaff.stages.data.data_file import DataFile, Located
from taskaff.stages.data.names import HubAddress, hub_address, task_name
from taskaff.stages.data.remote import from_tree
from taskaff.stages.data.trees import Tree

SCHEME = "hf://"
ENDPOINT: str | None = None
"""Address of the hub; None: the default of ``huggingface_hub``."""
MOST_FILES = 200
MOST_BYTES = 8 << 30


def from_hub(text: str, request: DataRequest) -> Located:
    """The files of a data set of the hub, at the commit that its revision is now."""
    address = hub_address(text)
    try:
        filesystem, commit = _connected(address)
        tree = Tree(filesystem, SCHEME)
        root = f"datasets/{address.repository}@{commit}"
        path = f"{root}/{address.path}" if address.path else root
        located = from_tree(tree, path, request)
        _refuse_many(located, address)
        files = [_copied(file) for file in located.files]
    except TaskaffError:
        raise
    except Exception as error:  # of any kind: the network library below changes with versions
        raise _not_read(address, error) from error
    name = f"{address.repository}/{address.path}".rstrip("/")
    folder = len(files) != 1 or files[0].path != tree.shown(path)
    notes = [f"from the hub, commit {commit[:12]}", *located.notes]
    return Located(task_name(name, folder=folder), files, notes)


def _connected(address: HubAddress) -> tuple[Any, str]:
    """The file system as Arrow takes it, and the commit of the revision."""
    import pyarrow.fs as pafs
    from huggingface_hub import HfApi, HfFileSystem

    api = HfApi(endpoint=ENDPOINT)
    info = api.dataset_info(address.repository, revision=address.revision)
    files = HfFileSystem(endpoint=ENDPOINT, skip_instance_cache=True)
    return pafs.PyFileSystem(pafs.FSSpecHandler(files)), str(info.sha)


def _refuse_many(located: Located, address: HubAddress) -> None:
    size = sum(file.blob.size for file in located.files if file.blob)
    if len(located.files) > MOST_FILES or size > MOST_BYTES:
        raise DataError(
            f"{len(located.files)} files of {size >> 20:,} MiB are too many to copy for one run",
            where=Place(address.text),
            hint=address.download,
        )


def _copied(data_file: DataFile) -> DataFile:
    assert data_file.blob is not None
    with data_file.blob.native() as file:
        copy = spool(file, data_file.path, data_file.blob.compression)
    if copy.size != data_file.blob.size:
        raise EOFError(f"{copy.size} of {data_file.blob.size} bytes of {data_file.path}")
    return replace(data_file, blob=copy)


def _not_read(address: HubAddress, error: Exception) -> DataError:
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = Place(address.text)
    if isinstance(error, GatedRepoError):
        hint = "accept them on its page, then: hf auth login"
        problem = "the hub gives this data set only to those who accepted its terms"
    elif isinstance(error, RepositoryNotFoundError):
        hint = "check the name; a private data set needs: hf auth login"
        problem = "the hub knows no such data set"
    elif isinstance(error, RevisionNotFoundError):
        hint = "check the revision after the @"
        problem = f"the data set has no revision {address.revision!r}"
    else:
        hint = f"where there is a network: {address.download}"
        problem = f"the hub cannot be read ({type(error).__name__})"
    return DataError(problem, where=where, hint=hint)
