"""One spelling for every label, whatever type or file it is stored in.

Words lose the blanks around them and take Unicode's composed form (NFC); true and false are written
small; whole numbers are written as integers, be they stored as integers, floats, decimals or text.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.stages.data.values import INTEGER, NUMBER, decoded, is_words

NAN = r"(?i)^[+-]?nan$"
COMMA = r"^[+-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d+,\d+)$"
"""Numbers with a decimal comma or with commas between thousands: which of them nobody can tell."""
LIST = r"(?s)^\[.*\]$"
TRUTH = ("false", "true")
_WHOLE = 2.0**53
"""Beyond it floats are spaced wider than integers."""


def spelled(array: pa.Array, names: Sequence[str] = ()) -> pa.Array:
    """A scalar column as strings, one spelling a value; nulls stay.

    ``names`` are those of the ids 0, 1 ... of an integer column; ids without a name stay numbers.
    """
    array = decoded(array)
    if is_words(array.type):
        return _tidied(array.cast(pa.string()))
    if pat.is_floating(array.type):
        return _of_floats(array)
    if pat.is_decimal(array.type):
        coded = array.cast(pa.string()).dictionary_encode()
        return arrow.strings([by_value(w) for w in coded.dictionary.to_pylist()]).take(
            coded.indices
        )
    if names and pat.is_integer(array.type):
        return _named(array, names)
    return array.cast(pa.string())


def _tidied(array: pa.Array) -> pa.Array:
    coded = array.dictionary_encode()
    words = pc.utf8_trim_whitespace(pc.utf8_normalize(coded.dictionary, form="NFC"))
    lower = pc.utf8_lower(words)
    words = pc.if_else(pc.is_in(lower, value_set=arrow.strings(TRUTH)), lower, words)
    return words.take(coded.indices)


def _of_floats(array: pa.Array) -> pa.Array:
    if array.type == pa.float16():
        array = array.cast(pa.float32())
    lost = arrow.is_null(array)
    values = np.array(arrow.array(array.cast(pa.float64())), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        integral = ~lost & (np.abs(values) < _WHOLE) & (values == np.trunc(values))
    integers = arrow.flat(np.where(integral, values, 0).astype(np.int64)).cast(pa.string())
    return pc.if_else(arrow.flags(integral), integers, array.cast(pa.string()))


def _named(array: pa.Array, names: Sequence[str]) -> pa.Array:
    lost = arrow.is_null(array)
    ids = np.where(lost, -1, arrow.array(array).astype(np.int64))
    known = (ids >= 0) & (ids < len(names))
    table = arrow.strings([tidy(name) for name in names])
    taken = table.take(arrow.flat(np.where(known, ids, 0)))
    return pc.if_else(arrow.flags(known), taken, array.cast(pa.string()))


def tidy(word: str) -> str:
    """One word as ``spelled`` writes it."""
    spelling: str = _tidied(arrow.strings([word]))[0].as_py()
    return spelling


def by_value(word: str) -> str:
    """A number's one spelling (``+1.0`` and ``01`` are ``1``); other words as they are."""
    if re.match(INTEGER, word):
        return str(int(word)) if len(word) <= 4000 else word
    if not re.match(NUMBER, word):
        return word
    value = float(word)
    return str(int(value)) if abs(value) < _WHOLE and value == int(value) else repr(value)


def listed(word: str) -> tuple[str, ...] | None:
    """Items of a list that was written as text, JSON's or Python's; None if it is no such list."""
    try:
        items: Any = json.loads(word)
    except (ValueError, RecursionError):
        try:
            items = ast.literal_eval(word)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not isinstance(items, list) or not all(isinstance(i, str | int | float) for i in items):
        return None
    return tuple(dict.fromkeys(_item(item) for item in items))


def _item(item: str | float) -> str:
    if isinstance(item, str):
        word = unicodedata.normalize("NFC", item).strip()
        return word.lower() if word.lower() in TRUTH else word
    return str(item).lower() if isinstance(item, bool) else by_value(str(item))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names sorted; numerically when all are integers."""
    try:
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(names))
