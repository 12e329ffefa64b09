"""Columns of token lists, joined into texts where that was asked for (``--join-tokens``)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.candidates import Candidates, flag
from taskaff.stages.data.names import LABELS, TEXT_PAIRS, TEXTS
from taskaff.stages.data.reader import Column, Reader
from taskaff.stages.data.values import is_words

_TOKENS = ("tokens", "words")
_TEXTS = {*TEXTS, *(name for pair in TEXT_PAIRS for name in pair)}


def joined(reader: Reader, request: DataRequest, path: str) -> Reader:
    """The reader with the lists of words among its texts as strings.

    Raises
    ------
    DataError : a text is a list and nobody said to join it, or somebody did and none is.
    """
    lists = [column.name for column in reader.columns if _is_tokens(column.type)]
    wanted = [name for name in lists if _is_meant(name, request.text)]
    if wanted and request.join_tokens:
        return _Joined(reader, wanted)
    if not lists and not request.join_tokens:
        return reader
    others = {column.name.lower() for column in reader.columns} - {name.lower() for name in lists}
    if request.text is None:  # a text that is one comes first
        wanted = wanted or [name for name in lists if name.lower() in _TOKENS]
        wanted = [] if others & _TEXTS else wanted
    label = "" if request.label or others & set(LABELS) else _label(reader, lists)
    if wanted:
        raise DataError(
            f"column {wanted[0]!r} holds lists of words, which are no text until they are joined",
            where=Place(path, column=wanted[0]),
            hint=f"{flag('--text', request.text or wanted[:1])} --join-tokens{label}",
        )
    if request.join_tokens:
        raise DataError(
            "no text column holds lists of words to join",
            where=Place(path),
            hint=f"{flag('--text', lists[:1])} --join-tokens{label}"
            if lists
            else "leave --join-tokens out",
        )
    return reader


class _Joined:
    """A reader some of whose columns are joined with a blank between the words."""

    def __init__(self, reader: Reader, names: Sequence[str]) -> None:
        self._reader, self._names = reader, frozenset(names)
        self.typed, self.nullable = reader.typed, reader.nullable

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, texts as strings."""
        return tuple(
            column._replace(type=pa.string()) if column.name in self._names else column
            for column in self._reader.columns
        )

    @property
    def dialect(self) -> Mapping[str, str]:
        """Dialect of the wrapped reader."""
        return self._reader.dialect

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """First rows, at most ``PEEK_ROWS``."""
        return self._texts(self._reader.peek(columns))

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass of the wrapped reader."""
        return map(self._texts, self._reader.scan(columns))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Second pass of the wrapped reader."""
        return map(self._texts, self._reader.batches(columns))

    def _texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        arrays = [
            _text(array) if name in self._names else array
            for name, array in zip(names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names=names)


def _text(array: pa.Array) -> pa.Array:
    """Strings; null where the list is, or a word of it."""
    if pat.is_null(array.type):
        return array.cast(pa.string())
    return pc.binary_join(array.cast(pa.list_(pa.string())), arrow.string(" "))


def _is_tokens(kind: pa.DataType) -> bool:
    lists = pat.is_list(kind) or pat.is_large_list(kind) or pat.is_fixed_size_list(kind)
    return bool(lists and is_words(kind.value_type))


def _is_meant(name: str, asked: Sequence[str] | None) -> bool:
    if asked is None:
        return name.lower() in _TEXTS
    return any(name == word or fnmatch.fnmatchcase(name, word) for word in asked)


def _label(reader: Reader, lists: Sequence[str]) -> str:
    return f" {Candidates(reader, without=lists).label_flag(None)}"
