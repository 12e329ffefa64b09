"""What a file is by its first bytes, whatever its name says; and what to do with it.

Only what its own mark tells for certain is named: a magic number, a Git LFS pointer, the begin of a
web page. Which of these a caller can read is for the caller to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = 4096
"""Bytes of a file that are enough for ``recognise``."""


@dataclass(frozen=True, slots=True)
class Content:
    """``kind`` is for programs, ``what`` for people, and ``hint`` says what to do with it."""

    kind: str
    what: str
    hint: str


_PAGE = (
    "fetch the file itself: the download link of the page (on huggingface.co /resolve/ in place "
    "of /blob/, on github.com the Raw button)"
)
_SHEET = "save it as CSV (UTF-8) and give that file"
_UNPACK = "unpack it and give the file inside"
_PICKLE = (
    "a pickle can run code and is never opened; if you trust it, in Python: "
    "pandas.read_pickle(FILE).to_parquet('rows.parquet')"
)
_EXPORT = "export the table as CSV or Parquet and give that file"
_READABLE = "name the format: --input-format {}"

_TEXTS: tuple[tuple[bytes, Content], ...] = (
    (
        rb"version https://(git-lfs\.github\.com|hawser\.github\.com)/spec/",
        Content("lfs", "a Git LFS pointer, not the file that it stands for", "git lfs pull"),
    ),
    (
        rb"\S*\.?git/annex/objects/|/annex/objects/",
        Content("annex", "a git-annex pointer, not the file that it stands for", "git annex get ."),
    ),
    (
        rb"(?i)\s*<(!doctype\s+html|html|head|body)\b",
        Content("html", "a web page, not a data file", _PAGE),
    ),
    (
        rb"\s*<\?xml\b",
        Content(
            "xml",
            "an XML document",
            "it may be the error message of a download: open it, and fetch the file again",
        ),
    ),
)
_MARKS: tuple[tuple[bytes, Content], ...] = (
    (rb"\x1f\x8b", Content("gzip", "gzip data", "gunzip the file, or name it .gz")),
    (rb"BZh[1-9]1AY&SY", Content("bz2", "bzip2 data", "bunzip2 the file, or name it .bz2")),
    (rb"\xfd7zXZ\0", Content("xz", "xz data", "unxz the file, or name it .xz")),
    (rb"\x28\xb5\x2f\xfd", Content("zstd", "Zstandard data", "unzstd the file, or name it .zst")),
    (rb"PAR1[\0-\x20]", Content("parquet", "Parquet data", _READABLE.format("parquet"))),
    (
        rb"PARE[\0-\x20]",
        Content("parquet-encrypted", "an encrypted Parquet file", "decrypt it and write it again"),
    ),
    (
        rb"ARROW1\0\0|\xff\xff\xff\xff",
        Content("arrow", "Arrow data", _READABLE.format("arrow")),
    ),
    (rb"\x93NUMPY", Content("npy", "a NumPy array", _READABLE.format("npy"))),
    (
        rb"FEA1[\0-\x20]",
        Content("feather1", "a Feather file of version 1", "write it again as Parquet"),
    ),
    (rb"SQLite format 3\0", Content("sqlite", "an SQLite database", _EXPORT)),
    (rb"\x80[\x02-\x05]", Content("pickle", "a pickle", _PICKLE)),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content("xls", "an Excel workbook", _SHEET)),
    (rb"%PDF-", Content("pdf", "a PDF document", "extract its text, one text a line, into .txt")),
    (rb"\{\\rtf", Content("rtf", "a rich-text document", _SHEET)),
    (rb"\x89HDF\r\n", Content("hdf5", "an HDF5 file", _EXPORT)),
    (rb"Obj\x01", Content("avro", "an Avro file", _EXPORT)),
    (rb"ORC[\0-\x20\x80-\xff]", Content("orc", "an ORC file", _EXPORT)),
    (rb"7z\xbc\xaf\x27\x1c", Content("7z", "a 7-Zip archive", _UNPACK)),
    (rb"Rar!\x1a\x07", Content("rar", "a RAR archive", _UNPACK)),
    (rb"\x04\x22\x4d\x18", Content("lz4", "LZ4 data", "lz4 -d the file")),
    (rb".{257}ustar", Content("tar", "a tar archive", _UNPACK)),
    (rb"PK\x05\x06", Content("zip", "an empty zip archive", "fetch the file again")),
)
_ZIPS: tuple[tuple[bytes, Content], ...] = (
    (rb"\[Content_Types\]\.xml|_rels/\.rels|xl/", Content("xlsx", "an Office document", _SHEET)),
    (rb"mimetypeapplication/vnd\.oasis", Content("ods", "an OpenDocument file", _SHEET)),
    (rb"PK\x03\x04.{26}[^\0/]*\.npy", Content("npz", "NumPy arrays", _READABLE.format("npz"))),
    (rb"", Content("zip", "a zip archive", _UNPACK)),
)


def recognise(head: bytes) -> Content | None:
    """What the first ``HEAD`` bytes of a file mark it as; None for anything else, such as text."""
    if head.startswith(b"PK\x03\x04"):
        return next(content for mark, content in _ZIPS if re.search(mark, head, re.DOTALL))
    start = head.removeprefix(b"\xef\xbb\xbf")
    for marks, data in ((_MARKS, head), (_TEXTS, start)):
        for mark, content in marks:
            if re.match(mark, data, re.DOTALL):
                return content
    return None


def is_text(head: bytes) -> bool:
    """Whether bytes can be read as UTF-8 text (``head`` may end inside a character)."""
    if re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]", head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4
    return True
