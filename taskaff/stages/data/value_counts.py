"""Distinct values of label columns, counted by file and split as far as that is affordable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.stages.data.spelling import COMMA, LIST, NAN, spelled
from taskaff.stages.data.values import INTEGER, NONFINITE, NUMBER, Mask, decoded, numbers

TRAIN = 0
"""Code of the split ``train``."""
MAX_COUNTED = 20_000
"""Distinct values that are counted; past that the column is ``full``."""
DASH = "-"
_ALWAYS = frozenset({DASH, "nan", "NaN", "NAN"})
"""Counted however many others there are, since they may mean that a label is missing."""
BINARY = ("0", "1", "false", "true")
Key = tuple[int, int]
"""Number of a file, and code of a split."""


@dataclass(slots=True)
class Span:
    """Labels of one split of one file: words with counts, and the range of the numbers."""

    words: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    low: float = math.inf
    high: float = -math.inf

    def widen(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> None:
        """Take in finite numbers."""
        if len(values):
            self.numbers += int(times.sum())
            self.low = min(self.low, float(values.min()))
            self.high = max(self.high, float(values.max()))


@dataclass(slots=True)
class Tally:
    """Counted values of one column of scalars, or of the items of a column of lists."""

    spans: dict[Key, Span] = field(default_factory=dict)
    forms: Counter[str] = field(default_factory=Counter)
    """Values by form: ``integer``, ``decimal``, number with a ``comma``, ``list``, ``nan``,
    ``infinite`` number, ``dash``, or any other ``word``."""
    samples: dict[str, str] = field(default_factory=dict)
    """One value of each form."""
    pointed: int = 0
    """Whole numbers that are stored as floats or written with a point."""
    full: bool = False
    """Too many distinct values to go on counting."""
    trained: set[str] = field(default_factory=set)
    """Words of training rows past the limit, which are not used."""
    _distinct: set[str] = field(default_factory=set)

    @property
    def train_words(self) -> set[str]:
        """Words of train, whether they are used or not."""
        return {*self.count(TRAIN), *self.trained}

    def add(self, array: pa.Array, file: int, codes: NDArray[np.int8], words: pa.Array) -> None:
        """Take in values that are present, with the codes of their splits and their spellings."""
        if not len(array):
            return
        kind = decoded(array).type
        real = pat.is_floating(kind) or pat.is_decimal(kind)
        for code in np.unique(codes):
            counted = pc.value_counts(words.filter(arrow.flags(codes == code)))
            span = self.spans.setdefault((file, int(code)), Span())
            self._add(span, counted.field("values"), arrow.integers(counted.field("counts")), real)

    def _add(self, span: Span, uniques: pa.Array, times: NDArray[np.int64], real: bool) -> None:
        values = numbers(uniques)
        for form, mask in _form_masks(uniques, values).items():
            total = int(times[mask].sum())
            if total:
                self.forms[form] += total
                self.samples.setdefault(form, uniques[int(mask.argmax())].as_py())
        finite = np.isfinite(values)
        span.widen(values[finite], times[finite])
        integral = finite & (values == np.trunc(values))
        plain = arrow.array(pc.match_substring_regex(uniques, INTEGER))
        self.pointed += int(times[integral & (real | ~plain)].sum())
        self._count(span, uniques.to_pylist(), times.tolist())

    def _count(self, span: Span, words: Iterable[str], times: Iterable[int]) -> None:
        for word, count in zip(words, times, strict=True):
            if not self.full or word in self._distinct or word in _ALWAYS:
                self._distinct.add(word)
                span.words[word] += count
                self.full = self.full or len(self._distinct) > MAX_COUNTED

    def count(self, split: int | None = None) -> Counter[str]:
        """Values of a split, of all by default."""
        total: Counter[str] = Counter()
        for (_, code), span in self.spans.items():
            if split in (None, code):
                total.update(span.words)
        return total


def forms_of(words: Counter[str]) -> Counter[str]:
    """Number of words of each form (``Tally.forms``)."""
    if not words:
        return Counter()
    uniques = arrow.strings(words)
    times = np.array(list(words.values()))
    masks = _form_masks(uniques, numbers(uniques))
    return Counter({form: int(times[mask].sum()) for form, mask in masks.items()})


def _form_masks(uniques: pa.Array, values: NDArray[np.float64]) -> dict[str, Mask]:
    def like(pattern: str) -> Mask:
        return np.asarray(arrow.array(pc.match_substring_regex(uniques, pattern)))

    number, nan = like(NUMBER), like(NAN)
    with np.errstate(invalid="ignore"):
        integral = number & (values == np.trunc(values)) & np.isfinite(values)
    infinite = (like(NONFINITE) & ~nan) | (number & ~np.isfinite(values))
    masks = {
        "integer": integral,
        "decimal": number & ~integral & ~infinite,
        "infinite": infinite,
        "nan": nan,
        "comma": like(COMMA),
        "list": like(LIST),
        "dash": like(f"^{DASH}$"),
    }
    masks["word"] = ~np.logical_or.reduce(list(masks.values()))
    return masks


@dataclass(slots=True)
class BinaryTally:
    """One of several label columns: are its values 0 and 1, or any numbers, or words?"""

    word: str | None = None
    """Some value that is not a number."""
    odd: str | None = None
    """Some value that is neither 0 nor 1."""
    ones: int = 0

    def add(self, array: pa.Array) -> None:
        """Take in values that are present."""
        if pat.is_floating(array.type):
            values = numbers(array)
            odd = values[np.isfinite(values) & (values != 0) & (values != 1)]
            self.odd = self.odd or (str(odd[0]) if len(odd) else None)
            self.ones += int((values == 1).sum())
            return
        counted = pc.value_counts(spelled(array))
        uniques, times = counted.field("values"), arrow.integers(counted.field("counts"))
        values = numbers(uniques)
        self.word = self.word or _first(uniques, np.isnan(values))
        self.odd = self.odd or _first(uniques, (values != 0) & (values != 1))
        self.ones += int(times[values == 1].sum())


def _first(values: pa.Array, mask: Mask) -> str | None:
    word: str | None = values[int(mask.argmax())].as_py() if mask.any() else None
    return word
