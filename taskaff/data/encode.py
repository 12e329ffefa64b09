"""Labels as numbers: which rows have none that fits, and the arrays that ``RowBatch`` holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff import arrow
from taskaff.data.values import NONFINITE, NUMBER, Mask, is_list, is_words, matrix, numbers, words
from taskaff.errors import DataError
from taskaff.records import LabelKind, LabelSchema


def unfit(array: pa.Array, kind: LabelKind | None) -> Mask:
    """Rows whose label is present but no finite number, where numbers are needed.

    With the kind still open (None), words are no reason; the spellings of infinity are.
    """
    none = np.zeros(len(array), dtype=np.bool_)
    if kind in ("classes", "none") or is_list(array.type):
        return none
    if pat.is_fixed_size_list(array.type):
        values = matrix(array)
        return np.asarray(~np.isfinite(values).all(axis=1)) if values.size else none
    if kind is None and is_words(array.type):
        coded = words(array).dictionary_encode()
        like = pc.match_substring_regex(coded.dictionary, f"({NUMBER})|({NONFINITE})")
        if not pc.any(like).as_py():
            return none
        endless = arrow.array(like) & ~np.isfinite(numbers(coded.dictionary))
        lost = arrow.is_null(coded.indices)
        picked: Mask = endless[np.where(lost, 0, arrow.array(coded.indices))]
        return picked & ~lost
    if kind is None and not pat.is_floating(array.type):
        return none
    return np.asarray(~np.isfinite(numbers(array)))


def encode(arrays: Sequence[pa.Array], schema: LabelSchema) -> NDArray[Any] | None:
    """Labels as ``RowBatch`` holds them."""
    if schema.kind == "none":
        return None
    first = arrays[0]
    if schema.kind == "classes":
        return _codes(words(first), schema)
    if is_list(first.type):
        return _indicators(first, schema)
    if pat.is_fixed_size_list(first.type):
        return matrix(first, schema.width).astype(np.float64)
    return np.column_stack([numbers(array) for array in arrays])


def _codes(array: pa.Array, schema: LabelSchema) -> NDArray[np.int64]:
    codes = pc.index_in(array, value_set=arrow.strings(schema.names))
    if codes.null_count:
        value = array.filter(pc.is_null(codes))[0].as_py()
        raise DataError(
            f"label {value!r} was not there when the file was first read",
            hint="the file changed while it was read, or two readers disagree: run again",
        )
    return arrow.array(codes).astype(np.int64)


def _indicators(array: pa.Array, schema: LabelSchema) -> NDArray[np.float64]:
    out = np.zeros((len(array), schema.width))
    parents = arrow.array(pc.list_parent_indices(array))
    out[parents.astype(np.int64), _codes(words(array.flatten()), schema)] = 1.0
    return out
