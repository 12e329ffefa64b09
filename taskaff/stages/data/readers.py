"""Open a located file with the reader of its format, or say why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.registry import resolve
from taskaff.stages.data.data_file import DataFile
from taskaff.stages.data.formats import Format
from taskaff.stages.data.nested import opened
from taskaff.stages.data.reader import Reader
from taskaff.stages.data.suspects import refuse_other, unknown_suffix


def open_reader(file: DataFile, request: DataRequest, formats: Mapping[str, Format]) -> Reader:
    """The reader of one file; its header or metadata is read, and nothing else."""
    if file.table is not None:
        _refuse_options(file, request, frozenset())
        return file.table
    assert file.blob is not None
    if file.blob.size == 0:
        raise file.blob.error("the file is empty", "fetch or write the file again")
    if not file.format:
        raise unknown_suffix(file.blob, request)
    make = resolve("format", formats, file.format)
    _refuse_options(file, request, getattr(make, "uses", frozenset()))
    refuse_other(file.blob, file.format, request)
    return opened(make(file.blob, request), file.path)


def _refuse_options(file: DataFile, request: DataRequest, uses: frozenset[str]) -> None:
    """Refuse options that the file's format does not use; none is accepted and ignored."""
    for name in ("delimiter", "encoding", "quote", "no_header", "skip_lines"):
        if getattr(request, name) and name not in uses:
            raise UsageError(
                f"--{name.replace('_', '-')} means nothing for {file.path}, which is {file.format}",
                hint=f"leave it out; for one of several data sets, set {name} in [datasets.NAME]",
            )
