"""Open a word-vector file as a stream: plain, gzip, or a member of a zip, which is never extracted.

Formats that can run code when loaded, or that hold no words, are refused with the way out.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from taskaff.core.errors import EmbedError, Place
from taskaff.core.file_content import HEAD as CONTENT_HEAD
from taskaff.core.file_content import recognise

RATIO_LIMIT = 200
"""Text of numbers shrinks to a third; what grows this much when decompressed is an attack."""
RATIO_FROM = 64 << 20
HEAD = 1 << 20

_GENSIM = "in Python: KeyedVectors.load(FILE).save_word2vec_format('vectors.txt')"
_UNPICKLE = (
    "in Python, if you trust the file: load it and write one line a word, "
    "the word and its numbers separated by single spaces"
)
_TORCH = (
    "in Python: state = torch.load(FILE, weights_only=True), then write the matrix with numpy.save "
    "into a folder, beside words.txt with one word a line"
)
_PLAIN = "give a text file with one word and its numbers a line, as GloVe and fastText write it"
_NPY = "put it into a folder together with words.txt (one word a line) and name the folder"
_BY_SUFFIX = {
    ".kv": ("a gensim file, which is a pickle", _GENSIM),
    ".model": ("a gensim model, which is a pickle", _GENSIM),
    ".pkl": ("a pickle", _UNPICKLE),
    ".pickle": ("a pickle", _UNPICKLE),
    ".joblib": ("a joblib file, which is a pickle", _UNPICKLE),
    ".pt": ("a PyTorch file", _TORCH),
    ".pth": ("a PyTorch file", _TORCH),
}
_BY_MAGIC = (
    (rb"\x80[\x02-\x05]", "a pickle", _UNPICKLE),
    (rb"\xba\x16\x4f\x2f", "a fastText model", "use the .vec file that fastText writes beside it"),
    (rb"\x93NUMPY", "a matrix without its words", _NPY),
    (rb"\x89HDF", "an HDF5 file", _UNPICKLE),
)


@contextmanager
def open_stream(spec: str) -> Iterator[Stream]:
    """The bytes of ``PATH``, ``PATH.gz`` or ``PATH.zip[:MEMBER]``; damage raises EmbedError."""
    path, member = split_member(spec)
    refuse_suffix(path)
    with ExitStack() as stack:
        with _named(spec):
            raw = stack.enter_context(path.open("rb"))
            magic = raw.read(4)
            raw.seek(0)
            inner: IO[bytes] | gzip.GzipFile = raw
            if magic == b"PK\x03\x04":
                archive = stack.enter_context(zipfile.ZipFile(raw))
                inner = stack.enter_context(archive.open(_member(archive, spec, member)))
            elif magic[:2] == b"\x1f\x8b":
                inner = stack.enter_context(gzip.GzipFile(fileobj=raw))
        yield Stream(inner, raw, spec)


class Stream:
    """What the readers need of a file; stops when decompressing grows beyond reason."""

    def __init__(self, inner: IO[bytes] | gzip.GzipFile, raw: IO[bytes], name: str) -> None:
        self._inner, self._raw, self._name = inner, raw, name
        self._given = 0

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end."""
        with _named(self._name):
            data = self._inner.read(size)
            packed = self._raw.tell()
        self._given += len(data)
        if self._given > RATIO_FROM + RATIO_LIMIT * packed:
            raise EmbedError(
                f"decompresses to more than {RATIO_LIMIT} times its size",
                where=Place(self._name),
                hint="extract it yourself if you trust it",
            )
        return data


@contextmanager
def _named(spec: str) -> Iterator[None]:
    """Turn what the decompressors and the operating system raise into EmbedError."""
    again = "it is damaged or cut off: fetch it again"
    try:
        yield
    except (zlib.error, EOFError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise EmbedError(f"cannot decompress: {error}", where=Place(spec), hint=again) from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or an unusual method
        hint = "extract the file and name it instead"
        raise EmbedError(f"cannot decompress: {error}", where=Place(spec), hint=hint) from error
    except OSError as error:
        problem = f"cannot read: {error.strerror or error}"
        raise EmbedError(problem, where=Place(spec), hint="check the path") from error


def refuse_suffix(path: Path) -> None:
    """Refuse formats by name, before anything is opened."""
    if path.suffix.lower() in _BY_SUFFIX and path.is_file():
        what, hint = _BY_SUFFIX[path.suffix.lower()]
        raise EmbedError(f"{what} is not read as word vectors", where=Place(str(path)), hint=hint)


def refuse_content(head: bytes, name: str) -> None:
    """Refuse formats by their first bytes, whatever the file is called."""
    for magic, what, hint in _BY_MAGIC:
        if re.match(magic, head):
            raise EmbedError(f"{what} is not read as word vectors", where=Place(name), hint=hint)
    content = recognise(head[:CONTENT_HEAD])
    if content is not None:
        for_tables = "--" in content.hint or content.kind in ("xls", "xlsx", "ods")
        hint = _PLAIN if for_tables else content.hint  # word vectors have no such options
        raise EmbedError(
            f"{content.what} is not read as word vectors", where=Place(name), hint=hint
        )


def split_member(spec: str) -> tuple[Path, str | None]:
    """``PATH.zip:MEMBER`` in its two parts; a path that exists is taken as it is."""
    match = re.fullmatch(r"(.*?\.zip):(.+)", spec, re.IGNORECASE | re.DOTALL)
    if match is None or Path(spec).exists():
        return Path(spec), None
    return Path(match[1]), match[2]


def _member(archive: zipfile.ZipFile, spec: str, member: str | None) -> zipfile.ZipInfo:
    files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    if any(name.endswith(("/data.pkl", ".npy")) for name in files):
        raise EmbedError(
            "a PyTorch or NumPy archive is not read as word vectors", where=Place(spec), hint=_TORCH
        )
    if member in files:
        return files[member]
    fit = [name for name in files if name.lower().endswith((".txt", ".vec", ".bin"))]
    if member is None and len(fit) == 1:
        return files[fit[0]]
    listing = ", ".join(sorted(fit or files)[:20]) or "nothing"
    path = spec if member is None else spec.removesuffix(f":{member}")
    problem = f"no member {member!r} in the archive" if member else "which member of the archive?"
    first = sorted(fit or files)[0] if files else "MEMBER"
    raise EmbedError(
        f"{problem} It holds: {listing}", where=Place(path), hint=f"name it: glove:{path}:{first}"
    )
