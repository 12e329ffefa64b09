"""word2vec's binary format: a header line ``words width``, then ``word 0x20 d*4 bytes`` each.

T. Mikolov and others: Distributed Representations of Words and Phrases, NIPS 2013; the layout is
that of the authors' ``word2vec.c``, which ends each record in a newline (some writers do not).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from taskaff.core.errors import EmbedError, Place
from taskaff.stages.embed.textvectors import WIDTH_LIMIT, Shape

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32
    from taskaff.stages.embed.sources import Stream

WORD_LIMIT = 1 << 20
ROWS = 8192


def read_binary(stream: Stream, name: str, shape: Shape) -> Iterator[tuple[pa.Array, Floats32]]:
    """Blocks of words (large_binary) and vectors ``(n, d)``; EmbedError names the record."""
    if not 0 < shape.width <= WIDTH_LIMIT:
        raise EmbedError(f"the header says width {shape.width}", where=Place(name, line=1))
    reader = _Records(stream, name, 4 * shape.width)
    reader.skip_line()
    promised = shape.rows or 0
    while reader.count < promised:
        first = reader.count
        records = [reader.record() for _ in range(min(ROWS, promised - first))]
        vectors = np.frombuffer(b"".join(vector for _, vector in records), "<f4")
        vectors = vectors.reshape(len(records), shape.width)
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            raise EmbedError(
                "a value is not finite", where=Place(name, row=first + int(bad[0]) + 1)
            )
        yield pa.array([word for word, _ in records], pa.large_binary()), vectors
    reader.require_end(promised)


class _Records:
    def __init__(self, stream: Stream, name: str, size: int) -> None:
        self.stream, self.name, self.size = stream, name, size
        self.count, self.data, self.at = 0, b"", 0

    def skip_line(self) -> None:
        self.at = self._find(b"\n") + 1

    def record(self) -> tuple[bytes, bytes]:
        space = self._find(b" ")
        word = self.data[self.at : space].lstrip(b"\n")
        self.at = space + 1
        while len(self.data) - self.at < self.size:
            self._more()
        vector = self.data[self.at : self.at + self.size]
        self.at += self.size
        self.count += 1
        return word, vector

    def require_end(self, promised: int) -> None:
        rest = self.data[self.at :] + self.stream.read(16)
        if rest.strip(b"\n"):
            problem = f"more follows after the {promised} words that the header promises"
            raise EmbedError(problem, where=Place(self.name), hint="correct the header line")

    def _find(self, mark: bytes) -> int:
        while (place := self.data.find(mark, self.at)) < 0:
            if len(self.data) - self.at > WORD_LIMIT:
                raise EmbedError(
                    f"a word is longer than {WORD_LIMIT >> 20} MB",
                    where=Place(self.name, row=self.count + 1),
                    hint="is this a binary file of the original word2vec?",
                )
            self._more()
        return place

    def _more(self) -> None:
        read = self.stream.read(max(1 << 20, self.size))
        if not read:
            raise EmbedError(
                "the file ends inside a record",
                where=Place(self.name, row=self.count + 1),
                hint="it is cut off: fetch it again",
            )
        self.data, self.at = self.data[self.at :] + read, 0
