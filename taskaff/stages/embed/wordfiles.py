"""``glove:PATH`` and ``taskaff vectors``: any word-vector file, converted once, then mapped.

The conversion is cached under the content of the source, and what is known of a source
(its SHA-256) under its path, size and time of change, so that opening it again reads neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from taskaff.core.errors import CacheError, EmbedError, Place
from taskaff.core.files import whole_file
from taskaff.core.store import Store, digest_key, file_sha256
from taskaff.stages.embed import wordvectors
from taskaff.stages.embed.folders import folder_files, read_folder
from taskaff.stages.embed.sources import HEAD, open_stream, refuse_content, split_member
from taskaff.stages.embed.textblock import NUMBER
from taskaff.stages.embed.textvectors import Shape, head_shape, parse_header, read_text
from taskaff.stages.embed.word2vec import read_binary

if TYPE_CHECKING:
    from taskaff.stages.embed.wordvectors import WordVectors

TEXT, BINARY = "text", "word2vec binary"
READER_VERSION = 2
"""Raise it when the reader gives other words or numbers for the same file."""


@dataclass(frozen=True, slots=True)
class WordVectorInfo:
    """What a word-vector file holds (``taskaff vectors info``)."""

    path: str
    format: str
    words: int
    width: int
    repeats: int
    """Number of lines whose word occurred before; they are left out."""
    with_spaces: int
    not_utf8: int
    digest: str
    """SHA-256 of words and numbers, the same whatever the file's format."""
    first: tuple[str, ...]
    """The first words of the file."""


def load(spec: str, store: Store) -> WordVectors:
    """Open a word-vector file; converts it into ``store`` if that was not done before."""
    path, member = _existing(spec)
    if _is_converted(path):
        return _open_foreign(path, store)
    key = digest_key(
        content=_remembered(path, store, _content_digest),
        member=member or "",
        reader=READER_VERSION,
        format=wordvectors.FORMAT_VERSION,
    )

    def converted() -> Path:
        stored = store.get("vectors", key, verify=False)
        write = partial(_write_converted, spec)
        return stored or store.put("vectors", key, write, verify=False)

    file = converted()
    try:
        return wordvectors.open_file(file)
    except EmbedError as error:
        store.discard(file, error.found)
    return wordvectors.open_file(converted())


def describe(spec: str, store: Store) -> WordVectorInfo:
    """Facts about a word-vector file, after reading all of it once."""
    return _info(spec, load(spec, store))


def convert(spec: str, out: Path) -> WordVectorInfo:
    """Convert a file into one safetensors file; ``out`` appears when it is complete."""
    try:
        with whole_file(out) as temporary:
            _write_converted(spec, temporary)
    except OSError as error:
        problem = f"cannot write: {error.strerror or error}"
        raise EmbedError(problem, where=Place(str(out)), hint="choose another -o FILE") from error
    return _info(spec, wordvectors.open_file(out))


def _write_converted(spec: str, out: Path) -> None:
    path, _ = _existing(spec)
    if path.is_dir():
        wordvectors.write(out, read_folder(path), {"source_format": "matrix and words"})
    elif _is_converted(path):
        source = wordvectors.open_file(path)
        wordvectors.write(out, [(source.words, source.vectors)], source.metadata)
    else:
        with open_stream(spec) as stream:
            format, shape = _recognise(stream.read(HEAD), spec)
        reader = read_binary if format == BINARY else read_text
        with open_stream(spec) as stream:
            wordvectors.write(out, reader(stream, spec, shape), {"source_format": format})


def _recognise(head: bytes, spec: str) -> tuple[str, Shape]:
    """Text, or word2vec's binary format: a header line and then no line of numbers."""
    refuse_content(head, spec)
    first, _, rest = head.partition(b"\n")
    header = parse_header(first)
    if header and _is_binary(rest, header[1]):
        return BINARY, Shape(width=header[1], rows=header[0])
    return TEXT, head_shape(head, spec)


def _is_binary(rest: bytes, width: int) -> bool:
    """Whether what follows the header is no line of numbers and holds bytes that text has not."""
    fields = rest.partition(b"\n")[0].rstrip(b" \r").split(b" ")
    if len(fields) > width and all(NUMBER.fullmatch(field) for field in fields[-width:]):
        return False
    begin = rest.find(b" ") + 1
    return bool(re.search(rb"[\x00-\x08\x0e-\x1f\x7f-\xff]", rest[begin : begin + 4 * width]))


def _is_converted(path: Path) -> bool:
    """A safetensors file: an eight-byte length, then JSON."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(9)[7:] == b"\0{"


def _open_foreign(path: Path, store: Store) -> WordVectors:
    """A converted file that is not the cache's own: its digest is not taken on trust."""
    table = wordvectors.open_file(path)
    digest = _remembered(path, store, lambda _: _checked_digest(table, path))
    if digest != table.digest:
        raise EmbedError(
            "the file of word vectors was changed after its conversion",
            where=Place(str(path)),
            hint="convert the original file again: taskaff vectors convert FILE -o OUT",
        )
    return table


def _checked_digest(table: WordVectors, path: Path) -> str:
    if not all(np.isfinite(block).all() for block in wordvectors.row_blocks(table.vectors)):
        raise EmbedError("a value is not finite", where=Place(str(path)))
    return wordvectors.weights_digest(table.words, table.vectors)


def _content_digest(path: Path) -> str:
    if not path.is_dir():
        return file_sha256(path)
    return digest_key(files=[file_sha256(file) for file in folder_files(path)])


def _remembered(path: Path, store: Store, compute: Callable[[Path], str]) -> str:
    """``compute(path)``, or what it gave when the files had the same size and time of change."""
    if store.mode == "off":
        return compute(path)
    files = folder_files(path) if path.is_dir() else [path]
    stats = [(str(file.resolve()), file.stat()) for file in files]
    key = digest_key(files=[[name, s.st_size, s.st_mtime_ns, s.st_ino] for name, s in stats])
    notes = Store(store.root, "use")  # what a run may compute anyway, whatever the mode
    entry = notes.get("digests", key)
    if entry is not None:
        return entry.read_text()
    digest = compute(path)
    with suppress(CacheError):  # a cache that may only be read
        notes.put("digests", key, lambda out: out.write_text(digest))
    return digest


def _info(spec: str, table: WordVectors) -> WordVectorInfo:
    words = table.words
    foreign = words.filter(pc.match_substring_regex(words, r"[\x80-\xff]"))
    return WordVectorInfo(
        path=spec,
        format=table.metadata.get("source_format", ""),
        words=len(words),
        width=table.vectors.shape[1],
        repeats=int(table.metadata.get("repeats", "0")),
        with_spaces=pc.sum(pc.match_substring(words, b" ")).as_py() or 0,
        not_utf8=sum(not _is_utf8(word) for word in foreign.to_pylist()),
        digest=table.digest,
        first=tuple(word.decode("utf-8", "replace") for word in words[:5].to_pylist()),
    )


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _existing(spec: str) -> tuple[Path, str | None]:
    path, member = split_member(spec)
    if not path.exists():
        hint = "check the path of the word vectors"
        raise EmbedError("no such file", where=Place(spec), hint=hint)
    return path, member
