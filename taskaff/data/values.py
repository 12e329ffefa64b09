"""Arrow columns as words, as numbers and as vectors, and which rows of them are unusable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
INTEGER = r"^[+-]?\d+$"
NONFINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"

Mask = NDArray[np.bool_]


def is_list(kind: pa.DataType) -> bool:
    """Lists of any length (a fixed length means a matrix)."""
    return bool(pat.is_list(kind) or pat.is_large_list(kind))


def decoded(array: pa.Array) -> pa.Array:
    """Dictionaries spelled out."""
    return array.dictionary_decode() if pat.is_dictionary(array.type) else array


def words(array: pa.Array) -> pa.Array:
    """Any scalar column as strings; nulls stay."""
    return decoded(array).cast(pa.string())


def is_words(kind: pa.DataType) -> bool:
    """Whether a column holds strings."""
    if pat.is_dictionary(kind):
        kind = kind.value_type
    return bool(pat.is_string(kind) or pat.is_large_string(kind) or pat.is_string_view(kind))


def numbers(array: pa.Array) -> NDArray[np.float64]:
    """Any scalar column as float64; NaN where it is null or no number."""
    array = decoded(array)
    if is_words(array.type):
        array = _parsed(array.cast(pa.string()))
    elif pat.is_null(array.type):
        array = array.cast(pa.float64())
    elif not pat.is_floating(array.type):
        array = array.cast(pa.float64(), safe=False)
    filled = pc.fill_null(array.cast(pa.float64()), float("nan"))
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.float64)


def _parsed(array: pa.Array) -> pa.Array:
    """Strings as float64; true and false count as 1 and 0."""
    coded = array.dictionary_encode()
    texts = pc.utf8_trim_whitespace(coded.dictionary)
    lower = pc.utf8_lower(texts)
    texts = pc.if_else(
        pc.equal(lower, "true"), "1", pc.if_else(pc.equal(lower, "false"), "0", texts)
    )
    good = pc.match_substring_regex(texts, NUMBER)
    bare = pc.utf8_ltrim(pc.if_else(good, texts, None), characters="+")
    return bare.cast(pa.float64()).take(coded.indices)


def missing(array: pa.Array) -> Mask:
    """Rows that are null, or the empty word; for a matrix or a list, null or with a null inside."""
    if is_list(array.type) or pat.is_fixed_size_list(array.type):
        return _missing_lists(array)
    null = pc.is_null(array, nan_is_null=False)
    if is_words(array.type):
        empty = pc.equal(words(array), "")
        null = pc.or_(null, pc.fill_null(empty, False))
    return _mask(null)


def _missing_lists(array: pa.Array) -> Mask:
    null = _mask(pc.is_null(array))
    if array.flatten().null_count:
        parents = pc.list_parent_indices(array)
        null[_indices(parents.filter(pc.is_null(array.flatten())))] = True
    return null


def _indices(array: pa.Array) -> NDArray[np.int64]:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.int64)


def _mask(array: pa.Array) -> Mask:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def matrix(array: pa.Array, width: int | None = None) -> NDArray[Any]:
    """A column of equally long lists as ``(n, d)`` floats; null rows are NaN.

    Raises ``WidthError`` for the first row of another length.
    """
    lengths = _indices(pc.fill_null(pc.list_value_length(array), -1))
    present = lengths >= 0
    if width is None:
        width = int(lengths[present][0]) if present.any() else 0
    wrong = np.flatnonzero(present & (lengths != width))
    if len(wrong):
        raise WidthError(int(wrong[0]), int(lengths[wrong[0]]), width)
    flat = array.drop_null().flatten() if array.null_count else array.flatten()
    dtype = np.float64 if flat.type in (pa.float64(), pa.int64()) else np.float32
    out = np.full((len(array), width), np.nan, dtype)
    values = pc.fill_null(flat, None) if not flat.null_count else flat
    out[present] = np.asarray(values.to_numpy(zero_copy_only=False), dtype=dtype).reshape(-1, width)
    return out


class WidthError(Exception):
    """A row (0-based, of the batch) whose list has another length than those before it."""

    def __init__(self, row: int, found: int, width: int) -> None:
        super().__init__(row, found, width)
        self.row, self.found, self.width = row, found, width
