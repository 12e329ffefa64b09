"""Distinct values of one label column, counted as far as that is affordable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff import arrow
from taskaff.data.values import INTEGER, NONFINITE, NUMBER, decoded, is_words, numbers, words

MAX_COUNTED = 20_000
"""Distinct values that are counted; past that the column is ``full``."""
_BINARY = {"0", "1", "0.0", "1.0", "true", "false"}


@dataclass(slots=True)
class Tally:
    """Distinct values of one column, as far as that is affordable, and what they look like."""

    spell_floats: bool = False
    """Count floats as words too (needed when classes were asked for)."""
    counts: Counter[str] = field(default_factory=Counter)
    full: bool = False
    """Too many distinct values to go on counting."""
    families: set[str] = field(default_factory=set)
    rows: int = 0
    integers: int = 0
    decimals: int = 0
    nonfinite: int = 0
    word: str | None = None
    """Some value that is not a number."""
    odd: str | None = None
    """Some value that is neither 0 nor 1."""
    ones: int = 0

    def add(self, array: pa.Array, typed: bool) -> None:
        """Take in values that are present."""
        if not len(array):
            return
        array = decoded(array)
        self.rows += len(array)
        self.families.add(_family(array.type, typed))
        if pat.is_floating(array.type) and not self.spell_floats:
            self._add_floats(numbers(array))
        else:
            self._add_words(words(array))

    def _add_floats(self, values: NDArray[np.float64]) -> None:
        values = values[np.isfinite(values)]
        odd = values[(values != 0) & (values != 1)]
        if len(odd) and self.odd is None:
            self.odd = str(odd[0])
        self.ones += int((values == 1).sum())

    def _add_words(self, array: pa.Array) -> None:
        counted = pc.value_counts(array)
        uniques, times = counted.field("values"), counted.field("counts")
        integer = pc.match_substring_regex(uniques, INTEGER)
        number = pc.match_substring_regex(uniques, NUMBER)
        endless = pc.match_substring_regex(uniques, NONFINITE)
        self.integers += _total(times, integer)
        self.decimals += _total(times, pc.and_not(number, integer))
        self.nonfinite += _total(times, endless)
        self.word = self.word or _first(uniques, pc.invert(pc.or_(number, endless)))
        if not self.full:
            for value, count in zip(uniques.to_pylist(), times.to_pylist(), strict=True):
                self.counts[value] += count
            self.full = len(self.counts) > MAX_COUNTED
        if len(uniques) > len(_BINARY):
            self.odd = self.odd or uniques[0].as_py()
        binary = pc.is_in(pc.utf8_lower(uniques), value_set=arrow.strings(sorted(_BINARY)))
        self.odd = self.odd or _first(uniques, pc.invert(binary))
        if self.odd is None:
            self.ones += _total(times, arrow.flags(numbers(uniques) == 1.0))


def _total(times: pa.Array, mask: pa.Array) -> int:
    return pc.sum(times.filter(mask)).as_py() or 0


def _first(values: pa.Array, mask: pa.Array) -> str | None:
    chosen = values.filter(mask)
    return chosen[0].as_py() if len(chosen) else None


def _family(kind: pa.DataType, typed: bool) -> str:
    if is_words(kind):
        return "text" if typed else "cell"
    if pat.is_boolean(kind):
        return "boolean"
    if pat.is_integer(kind):
        return "integer"
    return "floating" if pat.is_floating(kind) or pat.is_decimal(kind) else str(kind)
