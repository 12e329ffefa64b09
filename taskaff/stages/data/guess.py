"""What a file most likely is, for hints only: nothing is read by a guess."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace

from taskaff.core.errors import TaskaffError
from taskaff.core.file_content import HEAD, recognise
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.candidates import Candidates, looks_like_a_row
from taskaff.stages.data.delimited import CsvReader, TsvReader
from taskaff.stages.data.names import COMPRESSIONS, KNOWN_NAMES
from taskaff.stages.data.reader import Options

_READABLE = ("parquet", "arrow", "npy", "npz")
_LINES = 20


def head_of(blob: Blob) -> bytes:
    """The first bytes as they are stored."""
    with blob.native() as file:
        return bytes(file.read(HEAD))


def likely_flags(blob: Blob, options: Options) -> str | None:
    """The flags with which the file can be read; None where nothing is known that reads it."""
    name = likely_format(blob)
    if name is None:
        return None
    format, _, suffix = name.partition(".")
    if suffix:
        blob = replace(blob, compression=COMPRESSIONS[f".{suffix}"])
    readers: dict[str, type[CsvReader]] = {"csv": CsvReader, "tsv": TsvReader}
    more = _columns(readers[format], blob, options) if format in readers else None
    return f"--input-format {name}" + (f" {more}" if more else "")


def likely_format(blob: Blob) -> str | None:
    """A name for ``--input-format``, with the compression that the suffix does not say."""
    try:
        with blob.stream() as stream:
            head = stream.read(HEAD)
    except TaskaffError:
        return None
    content = recognise(head)
    if content is None:
        return _of_text(head)
    if content.kind in _READABLE:
        return content.kind
    suffix = next((s for s, kind in COMPRESSIONS.items() if kind == content.kind), None)
    if suffix is None or blob.compression is not None:
        return None
    inner = likely_format(replace(blob, compression=content.kind))
    return f"{inner}{suffix}" if inner else None


def _of_text(head: bytes) -> str | None:
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    lines = lines[: -1 if len(head) == HEAD and len(lines) > 1 else None][:_LINES]
    if not lines or "\0" in lines[0]:
        return None
    if is_object(lines[0]):
        return "jsonl"
    if tabulated(lines):
        return "tsv"
    cells = [len(row) for row in csv.reader(lines)]
    return "csv" if has_names(lines[0], ",") or (len({*cells}) == 1 and cells[0] > 1) else "txt"


def is_object(line: str) -> bool:
    """Whether a line is one JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def tabulated(lines: list[str]) -> bool:
    """Whether all lines have the same number of tabs, and any."""
    (tabs, times), *_ = Counter(line.count("\t") for line in lines).most_common(1)
    return tabs > 0 and times == len(lines)


def has_names(line: str, delimiter: str) -> bool:
    """Whether a line reads like the header of a table."""
    names = {cell.strip(' "\ufeff').lower() for cell in line.split(delimiter)}
    return len(names) > 1 and bool(names & KNOWN_NAMES)


def _columns(made: type[CsvReader], blob: Blob, options: Options) -> str | None:
    """The flags for a header line and the columns, where their names do not say it."""
    try:
        reader = made(blob, replace(options, header=True))
        names = [column.name for column in reader.columns]
        if looks_like_a_row(names, reader):
            return f"--no-header {Candidates(reader.without_header()).flags() or ''}".strip()
        known = {name.lower() for name in names} & KNOWN_NAMES
        return None if known else Candidates(reader).flags()
    except (TaskaffError, csv.Error):
        return None
