"""Files that are something else than their name or the user says, told by their first bytes.

What a file most likely is stands in hints only: nothing is read by a guess.
"""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import PurePosixPath

from taskaff.core.errors import DataError, TaskaffError
from taskaff.core.file_content import HEAD, Content, is_text, recognise
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.candidates import Candidates, looks_like_a_row
from taskaff.stages.data.delimited import CsvReader, TsvReader
from taskaff.stages.data.names import COMPRESSIONS, KNOWN_NAMES

_BINARY = {"parquet": "Parquet", "arrow": "Arrow", "npy": "NumPy", "npz": "NumPy"}
_CUT_SHORT = (b"PAR1", b"ARRO", b"\x93NUM")
_ARRAY = "import json, sys; [print(json.dumps(row)) for row in json.load(sys.stdin)]"
_LINES = 20
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_BYTES = 1024
"""No pointer of Git LFS is longer, by its specification."""


def unknown_suffix(blob: Blob, request: DataRequest) -> DataError:
    """The error for a suffix that says no format; the first bytes tell what the hint is."""
    _refuse_pointer(blob)
    content = recognise(_head_of(blob))
    problem = "the suffix says no known format"
    return blob.error(
        f"{problem}, and the file is {content.what}" if content else problem,
        likely_flags(blob, request)
        or (content.hint if content else "name the format: --input-format csv"),
    )


def refuse_other(blob: Blob, format: str, request: DataRequest) -> None:
    """Refuse a file that its first bytes show to be no ``format``; say what to do instead."""
    _refuse_pointer(blob)
    head = _head_of(blob)
    content = recognise(head)
    if blob.compression is not None:
        if content is None or content.kind != blob.compression:
            raise _not_compressed(blob, content)
        try:
            with blob.stream() as stream:
                head = stream.read(HEAD)
        except TaskaffError:
            return  # the reader meets the damage too, and names it
        content = recognise(head)
    if content is not None and content.kind.partition("-")[0] != format:
        raise blob.error(f"the file is {content.what}", likely_flags(blob, request) or content.hint)
    if content is None and format in _BINARY and is_text(head) and not head.startswith(_CUT_SHORT):
        hint = likely_flags(blob, request) or "fetch or write the file again"
        raise blob.error(f"the file is text, and no {_BINARY[format]} file", hint)
    if format not in _BINARY:
        _refuse_json(blob, format, head)


def _head_of(blob: Blob) -> bytes:
    """The first bytes as they are stored."""
    with blob.native() as file:
        return bytes(file.read(HEAD))


def _refuse_pointer(blob: Blob) -> None:
    """Refuse a pointer of Git LFS, which a clone has in place of a file that was not fetched."""
    if blob.size <= _POINTER_BYTES and _head_of(blob).startswith(_POINTER):
        folder = shlex.quote(str(PurePosixPath(blob.path).parent))
        raise blob.error(
            "a pointer of Git LFS, not the file", f"fetch it: git -C {folder} lfs pull"
        )


def _refuse_json(blob: Blob, format: str, head: bytes) -> None:
    """Refuse a JSON document where lines are read, and JSON lines where a table is."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"\[\s*\{", start):
        path = PurePosixPath(blob.path)
        out = shlex.quote(f"{path.name.split('.')[0] or 'data'}.jsonl")
        raise blob.error(
            "the file is a JSON array, not one object a line",
            f"python3 -c '{_ARRAY}' < {shlex.quote(blob.path)} > {out}",
        )
    if format != "jsonl" and re.match(rb'\{\s*"[^"\n]*"\s*:', start):
        raise blob.error("the lines are JSON objects", "--input-format jsonl")


def _not_compressed(blob: Blob, content: Content | None) -> DataError:
    suffixes = {kind: suffix for suffix, kind in COMPRESSIONS.items()}
    suffix = suffixes[str(blob.compression)]
    what = content.what if content else "no such data"
    plain = re.sub(re.escape(suffix) + "$", "", PurePosixPath(blob.path).name, flags=re.IGNORECASE)
    if content is None or content.kind in _BINARY:
        hint = f"if it was decompressed already, rename it to {plain}; else fetch it again"
    elif content.kind in suffixes:
        hint = f"rename it to {plain}{suffixes[content.kind]}"
    else:
        hint = content.hint
    return blob.error(f"the name ends in {suffix}, and the file is {what}", hint)


# -- what a file most likely is


def likely_flags(blob: Blob, request: DataRequest) -> str | None:
    """The flags with which the file can be read; None where nothing is known that reads it."""
    name = _likely_format(blob)
    if name is None:
        return None
    format, _, suffix = name.partition(".")
    if suffix:
        blob = replace(blob, compression=COMPRESSIONS[f".{suffix}"])
    readers: dict[str, type[CsvReader]] = {"csv": CsvReader, "tsv": TsvReader}
    more = _columns(readers[format], blob, request) if format in readers else None
    return f"--input-format {name}" + (f" {more}" if more else "")


def _likely_format(blob: Blob) -> str | None:
    """A name for ``--input-format``, with the compression that the suffix does not say."""
    try:
        with blob.stream() as stream:
            head = stream.read(HEAD)
    except TaskaffError:
        return None
    content = recognise(head)
    if content is None:
        return _likely_text_format(head)
    if content.kind in _BINARY:
        return content.kind
    suffix = next((s for s, kind in COMPRESSIONS.items() if kind == content.kind), None)
    if suffix is None or blob.compression is not None:
        return None
    inner = _likely_format(replace(blob, compression=content.kind))
    return f"{inner}{suffix}" if inner else None


def _likely_text_format(head: bytes) -> str | None:
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    lines = lines[: -1 if len(head) == HEAD and len(lines) > 1 else None][:_LINES]
    if not lines or "\0" in lines[0]:
        return None
    if is_object(lines[0]):
        return "jsonl"
    if tabulated(lines):
        return "tsv"
    cells = [len(row) for row in csv.reader(lines)]
    return "csv" if has_names(lines[0]) or (len({*cells}) == 1 and cells[0] > 1) else "txt"


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


def has_names(line: str) -> bool:
    """Whether a line reads like the header of a table, with commas."""
    names = {cell.strip(' "\ufeff').lower() for cell in line.split(",")}
    return len(names) > 1 and bool(names & KNOWN_NAMES)


def _columns(made: type[CsvReader], blob: Blob, request: DataRequest) -> str | None:
    """The flags for a header line and the columns, where their names do not say it."""
    try:
        reader = made(blob, replace(request, no_header=False))
        names = [column.name for column in reader.columns]
        if looks_like_a_row(names, reader):
            return f"--no-header {Candidates(reader.without_header()).flags() or ''}".strip()
        known = {name.lower() for name in names} & KNOWN_NAMES
        return None if known else Candidates(reader).flags()
    except (TaskaffError, csv.Error):
        return None
