"""Open a located file with the reader of its format, or say why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

from taskaff.core.errors import DataError, Place, UsageError
from taskaff.core.file_content import recognise
from taskaff.core.records.data import DataRequest
from taskaff.core.registry import resolve
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.data_file import DataFile
from taskaff.stages.data.formats import Format
from taskaff.stages.data.guess import head_of, likely_flags
from taskaff.stages.data.nested import opened
from taskaff.stages.data.pointers import refuse_pointer
from taskaff.stages.data.reader import Options, Reader
from taskaff.stages.data.suspects import refuse_other


def options_of(request: DataRequest) -> Options:
    """Reading options of a request."""
    return Options(
        request.delimiter,
        request.encoding,
        request.quote,
        header=not request.no_header,
        skip_lines=request.skip_lines,
        named=request.format is not None,
    )


def open_reader(file: DataFile, options: Options, formats: Mapping[str, Format]) -> Reader:
    """The reader of one file; its header or metadata is read, and nothing else."""
    if file.table is not None:
        _refuse_options(file, options, frozenset())
        return file.table
    assert file.blob is not None
    if file.blob.size == 0:
        raise DataError(
            "the file is empty", where=Place(file.path), hint="fetch or write the file again"
        )
    if not file.format:
        raise _unknown_suffix(file.blob, options)
    make = resolve("format", formats, file.format)
    _refuse_options(file, options, getattr(make, "uses", frozenset()))
    refuse_other(file.blob, file.format, options)
    return opened(make(file.blob, options), file.path)


def _unknown_suffix(blob: Blob, options: Options) -> DataError:
    """The error for a suffix that says no format; the first bytes tell what the hint is."""
    refuse_pointer(blob)
    content = recognise(head_of(blob))
    problem = "the suffix says no known format"
    return DataError(
        f"{problem}, and the file is {content.what}" if content else problem,
        where=Place(blob.path),
        hint=likely_flags(blob, options)
        or (content.hint if content else "name the format: --input-format csv"),
    )


def _refuse_options(file: DataFile, options: Options, uses: frozenset[str]) -> None:
    """Refuse options that the file's format does not use; none is accepted and ignored."""
    said = {
        "delimiter": options.delimiter,
        "encoding": options.encoding,
        "quote": options.quote,
        "no_header": not options.header,
        "skip_lines": options.skip_lines,
    }
    idle = [name for name, value in said.items() if value and name not in uses]
    if idle:
        option = "--" + idle[0].replace("_", "-")
        raise UsageError(
            f"{option} means nothing for {file.path}, which is {file.format}",
            hint=f"leave it out; for one of several data sets, set {idle[0]} in [datasets.NAME]",
        )
