"""Rows without a label: which values mean that there is none, whatever the column's type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.core.records.data import LabelKind
from taskaff.stages.data.spelling import LIST, NAN, by_value, spelled, tidy
from taskaff.stages.data.value_counts import DASH
from taskaff.stages.data.values import (
    NONFINITE,
    NUMBER,
    Mask,
    decoded,
    is_list,
    is_words,
    matrix,
    numbers,
)

NO_VALUE = "no value"
NO_CLASS = "-1, which ClassLabel has for none"


def absent(
    array: pa.Array, declared: Sequence[str], names: Sequence[str], several: bool
) -> dict[str, Mask]:
    """Masks ``(n,)`` of the rows without a label, by reason; a row may have two reasons.

    ``declared`` are the values of ``--missing-label``, as ``missing_values`` spells them.
    """
    null = arrow.is_null(array)
    masks = {NO_VALUE: null}
    if is_list(array.type):
        return masks | _absent_lists(array, declared, names)
    if pat.is_fixed_size_list(array.type):
        values = matrix(array)
        masks[NO_VALUE] = null | (np.isnan(values).all(axis=1) if values.size else False)
        return masks
    kind = decoded(array).type
    if pat.is_floating(kind):
        masks[NO_VALUE] = null | np.isnan(numbers(array))
    if is_words(kind):
        words = spelled(array)
        masks[NO_VALUE] = null | _equal(words, "")
        if several:
            masks[repr(DASH)] = _equal(words, DASH)
            masks[NO_VALUE] |= _like(words, NAN)
    if names and pat.is_integer(kind):
        masks[NO_CLASS] = numbers(array) == -1
    for value in declared:
        plain = spelled(array)
        number = numbers(arrow.strings([value]))[0]
        mask = _equal(plain, value) | (numbers(plain) == number)
        if names:
            mask |= _equal(spelled(array, names), value)
        masks[f"{value[:60]!r}, by --missing-label"] = mask
    return masks


def _absent_lists(
    array: pa.Array, declared: Sequence[str], names: Sequence[str]
) -> dict[str, Mask]:
    """Masks ``(n,)``, by reason, of lists that hold only values that mean "no label"."""
    parents = arrow.array(pc.list_parent_indices(array))
    total = np.bincount(parents, minlength=len(array))
    masks = {}
    for reason, mask in absent(array.flatten(), declared, names, several=False).items():
        if reason != NO_VALUE:
            hits = np.bincount(parents[mask], minlength=len(array))
            masks[reason] = (total > 0) & (hits == total)
    return masks


def missing_values(declared: Sequence[str]) -> tuple[str, ...]:
    """The values of ``--missing-label`` in their one spelling."""
    values = [declared] if isinstance(declared, str) else declared
    return tuple(dict.fromkeys(by_value(tidy(str(value))) for value in values))


def unfit(array: pa.Array, kind: LabelKind | None) -> Mask:
    """Mask ``(n,)`` of rows whose label is present but no finite number, where numbers are needed.

    With the kind still open (None), words are no reason; the spellings of infinity are.
    """
    none = np.zeros(len(array), dtype=np.bool_)
    if kind in ("classes", "none") or is_list(array.type):
        return none
    if pat.is_fixed_size_list(array.type):
        values = matrix(array)
        return np.asarray(~np.isfinite(values).all(axis=1)) if values.size else none
    if is_words(array.type):
        words = spelled(array)
        odd = ~np.isfinite(numbers(words)) & ~_like(words, NAN)
        if kind is None:
            return np.asarray(odd & _like(words, f"({NUMBER})|({NONFINITE})"))
        return np.asarray(odd & ~_equal(words, DASH) & ~_like(words, LIST))
    if kind is None and not pat.is_floating(array.type):
        return none
    return np.asarray(~np.isfinite(numbers(array)))


def _like(words: pa.Array, pattern: str) -> Mask:
    return _known(pc.match_substring_regex(words, pattern))


def _equal(words: pa.Array, value: str) -> Mask:
    return _known(pc.equal(words, arrow.string(value)))


def _known(same: pa.Array) -> Mask:
    """Truth values as a mask ``(n,)``; null is not true."""
    return np.asarray(arrow.array(same) & ~arrow.is_null(same))
