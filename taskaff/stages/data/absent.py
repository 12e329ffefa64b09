"""Rows without a label: which values mean that there is none, whatever the column's type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Absent:
    """Values that mean "no label" in every row of the data set."""

    declared: tuple[str, ...] = ()
    """Values of ``--missing-label``, as they are spelled."""

    def masks(self, array: pa.Array, names: Sequence[str], several: bool) -> dict[str, Mask]:
        """Masks ``(n,)`` of the rows without a label, by reason; a row may have two reasons."""
        null = arrow.is_null(array)
        masks = {NO_VALUE: null}
        if is_list(array.type):
            return masks | self._lists(array, names)
        if pat.is_fixed_size_list(array.type):
            values = matrix(array)
            masks[NO_VALUE] = null | (np.isnan(values).all(axis=1) if values.size else False)
            return masks
        kind = decoded(array).type
        if pat.is_floating(kind):
            masks[NO_VALUE] = null | np.isnan(numbers(array))
        words = None
        if is_words(kind):
            words = spelled(array)
            masks[NO_VALUE] = null | _equal(words, "")
        if several and words is not None:
            masks[_quoted(DASH)] = _equal(words, DASH)
            masks[NO_VALUE] |= like(words, NAN)
        if names and pat.is_integer(kind):
            masks[NO_CLASS] = numbers(array) == -1
        for value in self.declared:
            plain = spelled(array)
            mask = _equal(plain, value) | _same_number(plain, value)
            if names:
                mask |= _equal(spelled(array, names), value)
            masks[f"{_quoted(value)}, by --missing-label"] = mask
        return masks

    def _lists(self, array: pa.Array, names: Sequence[str]) -> dict[str, Mask]:
        """Masks ``(n,)``, by reason, of lists that hold only values that mean "no label"."""
        items = array.flatten()
        parents = arrow.array(pc.list_parent_indices(array))
        total = np.bincount(parents, minlength=len(array))
        masks = {}
        for reason, mask in self.masks(items, names, several=False).items():
            if reason != NO_VALUE:
                hits = np.bincount(parents[mask], minlength=len(array))
                masks[reason] = (total > 0) & (hits == total)
        return masks


def absent(declared: Sequence[str]) -> Absent:
    """Build ``Absent`` from the values of ``--missing-label``, in their one spelling."""
    values = [declared] if isinstance(declared, str) else declared
    return Absent(tuple(dict.fromkeys(by_value(tidy(str(value))) for value in values)))


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
        odd = ~np.isfinite(numbers(words)) & ~like(words, NAN)
        if kind is None:
            return np.asarray(odd & like(words, f"({NUMBER})|({NONFINITE})"))
        return np.asarray(odd & ~_equal(words, DASH) & ~like(words, LIST))
    if kind is None and not pat.is_floating(array.type):
        return none
    return np.asarray(~np.isfinite(numbers(array)))


def like(words: pa.Array, pattern: str) -> Mask:
    """Mask ``(n,)`` of words that match a regular expression; nulls do not."""
    same = pc.match_substring_regex(words, pattern)
    return np.asarray(arrow.array(same) & ~arrow.is_null(same))


def _quoted(value: str) -> str:
    return repr(value[:60])


def _equal(words: pa.Array, value: str) -> Mask:
    same = pc.equal(words, arrow.string(value))
    return np.asarray(arrow.array(same) & ~arrow.is_null(same))


def _same_number(words: pa.Array, value: str) -> Mask:
    wanted = numbers(arrow.strings([value]))[0]
    return np.asarray(numbers(words) == wanted)
