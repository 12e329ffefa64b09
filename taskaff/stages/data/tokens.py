"""Columns of token lists, joined into texts where that was asked for (``--join-tokens``)."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.candidates import Candidates, flag
from taskaff.stages.data.names import LABELS, TEXT_NAMES
from taskaff.stages.data.nested import Derived, Made
from taskaff.stages.data.reader import Column, Reader
from taskaff.stages.data.values import is_words

_TOKENS = ("tokens", "words")


def joined(reader: Reader, request: DataRequest, path: str) -> Reader:
    """The reader with the lists of words among its texts as strings.

    Raises
    ------
    DataError : a text is a list and nobody said to join it, or somebody did and none is.
    """
    lists = [column.name for column in reader.columns if _is_tokens(column.type)]
    wanted = [name for name in lists if _is_meant(name, request.text)]
    if wanted and request.join_tokens:
        return Derived(reader, [_made(column, wanted) for column in reader.columns])
    if not lists and not request.join_tokens:
        return reader
    others = {column.name.lower() for column in reader.columns} - {name.lower() for name in lists}
    if request.text is None:  # a text that is one comes first
        wanted = wanted or [name for name in lists if name.lower() in _TOKENS]
        wanted = [] if others & TEXT_NAMES else wanted
    label = ""
    if not request.label and not others & set(LABELS):
        label = f" {Candidates(reader, without=lists).label_flag(None)}"
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


def _made(column: Column, wanted: Sequence[str]) -> Made:
    if column.name not in wanted:
        return Made(column, column.name, lambda array: array)
    return Made(column._replace(type=pa.string()), column.name, _text)


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
        return name.lower() in TEXT_NAMES
    return any(name == word or fnmatch.fnmatchcase(name, word) for word in asked)
