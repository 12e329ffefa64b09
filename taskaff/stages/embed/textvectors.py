"""Word vectors as text: ``word x1 ... xd`` on each line (GloVe ``.txt``, fastText ``.vec``).

The width ``d`` is that of most of the first lines: a word may contain spaces. A first line of two
integers (words, width) is a header, as word2vec and fastText write it, and is checked.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskaff.core.errors import EmbedError, Place
from taskaff.stages.embed.textblock import NUMBER, number_after_tab, parse_block

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.arrays import Floats32
    from taskaff.stages.embed.sources import Stream

BLOCK = 8 << 20
LINE_LIMIT = 4 << 20
WIDTH_LIMIT = 100_000
HEAD_LINES = 1000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shape:
    """``width`` d; ``rows`` as the header says, None without one."""

    width: int
    rows: int | None = None


def head_shape(head: bytes, name: str) -> Shape:
    """Shape that the first lines of a file tell (``head`` may end inside a line)."""
    lines = head.removeprefix(_BOM).split(b"\n")
    lines = [line.rstrip(b" \r") for line in (lines[:-1] or lines)[:HEAD_LINES]]
    header = parse_header(lines[0])
    body = [line for line in lines[1 if header else 0 :] if line]
    if not body:
        raise EmbedError("no word vectors in the file", where=Place(name), hint="check the path")
    width = Counter(line.count(b" ") for line in body).most_common(1)[0][0]
    if header and width == 1 != header[1]:
        return Shape(1)  # "7 3" among lines of one number is a word and its number
    if not _looks_right(body, width):
        hint = "each line must be a word and its numbers, separated by single spaces"
        if b"\t" in head:
            hint += rf"; for tabs: tr '\t' ' ' < {shlex.quote(name)} > spaced.txt"
        raise EmbedError("this is no word-vector file", where=Place(name), hint=hint)
    if header and header[1] != width:
        raise EmbedError(
            f"the header says width {header[1]}, most of the first lines have {width}",
            where=Place(name, line=1),
            hint="correct or remove the header line; the file may also be cut off",
        )
    return Shape(width, header[0] if header else None)


def parse_header(line: bytes) -> tuple[int, int] | None:
    """Words and width of a line of two integers, else None."""
    match = re.fullmatch(rb"(\d{1,12}) (\d{1,9})\s*", line)
    return (int(match[1]), int(match[2])) if match else None


def read_text(
    stream: Stream, name: str, shape: Shape, block: int = BLOCK
) -> Iterator[tuple[pa.Array, Floats32]]:
    """Blocks of words (large_binary) and vectors ``(n, d)``; EmbedError names the line."""
    line, rows = 1, 0
    for lines in _whole_lines(stream, name, block):
        if line == 1:
            lines = lines.removeprefix(_BOM)
            if shape.rows is not None:
                lines, line = lines[lines.index(b"\n") + 1 :], 2
        if lines:
            words, vectors = parse_block(lines, shape.width, Place(name, line=line))
            yield words, vectors
            line += len(words)
            rows += len(words)
    if shape.rows is not None and rows != shape.rows:
        raise EmbedError(
            f"the header promises {shape.rows} words, and there are {rows}",
            where=Place(name, line=line - 1),
            hint="the file may be cut off: fetch it again, or correct the header line",
        )


def _whole_lines(stream: Stream, name: str, block: int) -> Iterator[bytes]:
    """Blocks of complete lines; blank lines are dropped at the end of the file."""
    rest, line = b"", 1
    while data := stream.read(block):
        rest += data
        cut = rest.rfind(b"\n", 0, len(rest.rstrip(b"\r\n"))) + 1  # keeps the last line back
        if cut:
            yield rest[:cut]
            line += rest.count(b"\n", 0, cut)
            rest = rest[cut:]
        if len(rest) > LINE_LIMIT:
            raise EmbedError(
                f"a line is longer than {LINE_LIMIT >> 20} MB",
                where=Place(name, line=line),
                hint="lines must end in a newline (0x0A)",
            )
    rest = rest.rstrip(b"\r\n")
    if rest:
        yield rest + b"\n"


def _looks_right(body: list[bytes], width: int) -> bool:
    if not 0 < width <= WIDTH_LIMIT:
        return False
    typical = next(line for line in body if line.count(b" ") == width)
    word, *numbers = typical.split(b" ")
    return all(map(NUMBER.fullmatch, numbers)) and not number_after_tab(word)
