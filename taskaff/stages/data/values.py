"""Arrow columns as words, as numbers and as vectors, and which rows of them are unusable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core import arrow

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
INTEGER = r"^[+-]?\d+$"
NONFINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"

_CELLS = 1 << 20

Mask = NDArray[np.bool_]


def is_list(kind: pa.DataType) -> bool:
    """Whether a column holds lists of any length (a fixed length means a matrix)."""
    return bool(pat.is_list(kind) or pat.is_large_list(kind))


def is_words(kind: pa.DataType) -> bool:
    """Whether a column holds strings."""
    if pat.is_dictionary(kind):
        kind = kind.value_type
    return bool(pat.is_string(kind) or pat.is_large_string(kind) or pat.is_string_view(kind))


def decoded(array: pa.Array) -> pa.Array:
    """Dictionary-encoded columns decoded; others unchanged."""
    return array.dictionary_decode() if pat.is_dictionary(array.type) else array


def missing(array: pa.Array) -> Mask:
    """Mask ``(n,)`` of nulls and, among floats, NaN."""
    lost = arrow.is_null(array)
    return lost | np.isnan(numbers(array)) if pat.is_floating(array.type) else lost


def words(array: pa.Array) -> pa.Array:
    """Any scalar column as strings; nulls stay."""
    return decoded(array).cast(pa.string())


def numbers(array: pa.Array) -> NDArray[np.float64]:
    """Any scalar column as float64 ``(n,)``; NaN where it is null or no number."""
    array = decoded(array)
    if is_words(array.type):
        array = _parsed(array.cast(pa.string()))
    elif pat.is_boolean(array.type):
        array = array.cast(pa.uint8())
    out = np.array(arrow.array(array.cast(pa.float64(), safe=False)), dtype=np.float64)
    out[arrow.is_null(array)] = np.nan
    return out


def _parsed(array: pa.Array) -> pa.Array:
    """Strings as float64; true and false count as 1 and 0."""
    coded = array.dictionary_encode()
    texts = pc.utf8_trim_whitespace(coded.dictionary)
    lower = pc.utf8_lower(texts)
    for word, digit in (("false", "0"), ("true", "1")):
        same = pc.equal(lower, arrow.string(word))
        texts = pc.if_else(same, arrow.string(digit), texts)
    good = pc.match_substring_regex(texts, NUMBER)
    bare = pc.utf8_ltrim(pc.if_else(good, texts, arrow.strings([None])[0]), characters="+")
    return bare.cast(pa.float64()).take(coded.indices)


def stacked(arrays: Sequence[pa.Array]) -> Iterator[tuple[slice, pa.Array]]:
    """Neighbouring columns of one type end to end, with their places.

    Each call of Arrow has a price of its own, which thousands of short columns would pay each.
    """
    first = 0
    while first < len(arrays):
        most = max(1, _CELLS // max(1, len(arrays[first])))
        end = first + 1
        while end < min(len(arrays), first + most) and arrays[end].type == arrays[first].type:
            end += 1
        part = arrays[first:end]
        yield (
            slice(first, end),
            part[0] if len(part) == 1 else pa.concat_arrays(list(map(decoded, part))),
        )
        first = end


def matrix(array: pa.Array, width: int | None = None) -> NDArray[Any]:
    """A column of equally long lists as ``(n, d)`` floats; NaN where a row or a number is null.

    Raises ``WidthError`` for the first row of another length.
    """
    null = arrow.is_null(array)
    lengths = np.where(null, -1, arrow.array(pc.list_value_length(array)))
    if width is None:
        width = int(lengths[~null][0]) if not null.all() else 0
    wrong = np.flatnonzero(~null & (lengths != width))
    if len(wrong):
        raise WidthError(int(wrong[0]), int(lengths[wrong[0]]), width)
    items = array.drop_null().flatten() if null.any() else array.flatten()
    wide = items.type in (pa.float64(), pa.int64(), pa.uint64())
    kind, dtype = (pa.float64(), np.float64) if wide else (pa.float32(), np.float32)
    flat = np.array(arrow.array(items.cast(kind, safe=False)), dtype=dtype)
    flat[arrow.is_null(items)] = np.nan
    if not null.any():
        return flat.reshape(len(array), width)
    out = np.full((len(array), width), np.nan, dtype)
    out[~null] = flat.reshape(int((~null).sum()), width)
    return out


class WidthError(Exception):
    """A row (0-based, of the batch) whose list has another length than those before it."""

    def __init__(self, row: int, length: int, width: int) -> None:
        super().__init__(row, length, width)
        self.row, self.length, self.width = row, length, width
