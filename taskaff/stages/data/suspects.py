"""Files that are something else than their name or the user says, told by their first bytes."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from taskaff.core.errors import DataError, Place, TaskaffError
from taskaff.core.file_content import HEAD, Content, is_text, recognise
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.guess import head_of, likely_flags
from taskaff.stages.data.names import COMPRESSIONS
from taskaff.stages.data.pointers import refuse_pointer
from taskaff.stages.data.reader import Options

_BINARY = {"parquet": "Parquet", "arrow": "Arrow", "npy": "NumPy", "npz": "NumPy"}
_BEGUN = (b"PAR1", b"ARRO", b"\x93NUM")
"""The begin of a file that was cut short."""
_ARRAY = "import json, sys; [print(json.dumps(row)) for row in json.load(sys.stdin)]"


def refuse_other(blob: Blob, format: str, options: Options) -> None:
    """Refuse a file that its first bytes show to be no ``format``; say what to do instead."""
    refuse_pointer(blob)
    head = head_of(blob)
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
        raise _error(
            blob, f"the file is {content.what}", likely_flags(blob, options) or content.hint
        )
    if content is None and format in _BINARY and is_text(head) and not head.startswith(_BEGUN):
        hint = likely_flags(blob, options) or "fetch or write the file again"
        raise _error(blob, f"the file is text, and no {_BINARY[format]} file", hint)
    if format not in _BINARY:
        _refuse_json(blob, format, head)


def _refuse_json(blob: Blob, format: str, head: bytes) -> None:
    """Refuse a JSON document where lines are read, and JSON lines where a table is."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"\[\s*\{", start):
        path = PurePosixPath(blob.path)
        out = shlex.quote(f"{path.name.split('.')[0] or 'data'}.jsonl")
        raise _error(
            blob,
            "the file is a JSON array, not one object a line",
            f"python3 -c '{_ARRAY}' < {shlex.quote(blob.path)} > {out}",
        )
    if format != "jsonl" and re.match(rb'\{\s*"[^"\n]*"\s*:', start):
        raise _error(blob, "the lines are JSON objects", "--input-format jsonl")


def _not_compressed(blob: Blob, content: Content | None) -> DataError:
    suffix = next(s for s, kind in COMPRESSIONS.items() if kind == blob.compression)
    kinds = {kind: s for s, kind in COMPRESSIONS.items()}
    what = content.what if content else "no such data"
    plain = re.sub(re.escape(suffix) + "$", "", PurePosixPath(blob.path).name, flags=re.IGNORECASE)
    if content is None or content.kind in ("parquet", "arrow", "npy", "npz"):
        hint = f"if it was decompressed already, rename it to {plain}; else fetch it again"
    elif content.kind in kinds:
        hint = f"rename it to {plain}{kinds[content.kind]}"
    else:
        hint = content.hint
    return _error(blob, f"the name ends in {suffix}, and the file is {what}", hint)


def _error(blob: Blob, problem: str, hint: str) -> DataError:
    return DataError(problem, where=Place(blob.path), hint=hint)
