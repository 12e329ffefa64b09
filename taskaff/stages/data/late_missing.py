"""Values that mean "no label", which only all files together can tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from taskaff.core.records.data import SPLITS
from taskaff.stages.data.absent import NO_VALUE
from taskaff.stages.data.labelling import UNSEEN
from taskaff.stages.data.spelling import NAN, by_value
from taskaff.stages.data.value_counts import DASH, TRAIN, Span, Tally

SOME = 10
"""Rows of a split that, if all hold one number, are no coincidence."""

Lost = dict[int, dict[str, str]]
"""By split code: spellings that mean "no label" there, and why."""


def lost_before(tally: Tally, numbers: bool) -> Lost:
    """Values that mean "no label", whatever the kind.

    These are a dash, unless ``+`` is a label too; and the only value of a split, if train does not
    have it (if it is a number, where only ``numbers`` are asked for).
    """
    lost: Lost = {code: {} for code in range(len(SPLITS))}
    every = tally.count()
    if every[DASH] and not every["+"]:
        for reasons in lost.values():
            reasons[DASH] = repr(DASH)
    train = {by_value(w) for w in tally.train_words - set(lost[TRAIN])}
    for code in (1, 2) if train else ():
        words = set(tally.count(code)) - set(lost[code])
        values = {by_value(word) for word in words}
        alone = len(values) == 1 and not values & train
        if alone and _means_none(tally, code, numbers):
            lost[code] |= dict.fromkeys(words, unseen(values.pop()))
    return lost


def _means_none(tally: Tally, code: int, numbers: bool) -> bool:
    """Whether one value in all rows of a split is no coincidence: outside of train's numbers."""
    train, own = (_merged_spans(tally, one) for one in (TRAIN, code))
    if not own.numbers or not train.numbers:
        return bool(own.numbers) or not numbers
    return own.numbers >= SOME or (own.numbers > 1 and not train.low <= own.low <= train.high)


def _merged_spans(tally: Tally, code: int) -> Span:
    """Numbers of a split, over all its files: how many, the lowest, the highest."""
    spans = [span for (_, split), span in tally.spans.items() if split == code]
    merged = Span()
    merged.numbers = sum(span.numbers for span in spans)
    merged.low = min((span.low for span in spans), default=merged.low)
    merged.high = max((span.high for span in spans), default=merged.high)
    return merged


def unseen(word: str) -> str:
    """The reason that train does not have a value."""
    return f"{word[:60]!r}, which train does not have"


def lost_by_class(tally: Tally, lost: Lost, meaning: Mapping[str, tuple[str, ...]]) -> Lost:
    """Extend ``lost`` by the classes of other splits that train does not have."""
    train = tally.train_words
    known = {meaning.get(word, (word,)) for word in train - set(lost[TRAIN])}
    if not known:
        return lost
    extended = {code: dict(reasons) for code, reasons in lost.items()}
    for code in (1, 2):
        for word in tally.count(code):
            if meaning[word] not in known:
                extended[code].setdefault(word, unseen(meaning[word][0]))
    return extended


Meaning = dict[str, tuple[str, ...]]
"""The labels behind each spelling."""
Unseen = dict[int, Counter[str]]
"""By split code: labels that train does not have, and in how many rows."""


def unseen_items(tally: Tally, meaning: Meaning) -> tuple[Meaning, Unseen]:
    """Items of lists without those that train does not have."""
    known = {meaning.get(word) for word in tally.train_words}
    if not known:
        return meaning, {}
    missed: Unseen = {}
    for code in (1, 2):
        for word, count in tally.count(code).items():
            if meaning[word] not in known:
                missed.setdefault(code, Counter())[meaning[word][0]] += count
    return {word: own if own in known else () for word, own in meaning.items()}, missed


def lost_lists(tally: Tally, lost: Lost, meaning: Meaning) -> tuple[Lost, Meaning, Unseen]:
    """Extend ``lost`` by lists, written as text, of which train has no label.

    Returns it with the meanings cut to labels that train has, and the labels cut off.
    """
    train = tally.train_words - set(lost[TRAIN])
    known = {name for word in train for name in meaning[word]}
    if not train:
        return lost, meaning, {}
    extended = {code: dict(reasons) for code, reasons in lost.items()}
    missed: Unseen = {}
    for code in (1, 2):
        for word, count in tally.count(code).items():
            own = meaning.get(word, ())
            if own and not known & set(own):
                extended[code].setdefault(word, UNSEEN)
            elif more := dict.fromkeys((name for name in own if name not in known), count):
                missed.setdefault(code, Counter()).update(more)
    left = {word: tuple(n for n in own if n in known) for word, own in meaning.items()}
    return extended, left, missed


def lost_numbers(tally: Tally, lost: Lost) -> Lost:
    """Extend ``lost`` by ``nan``, which is how a missing number is written (regression)."""
    nans = [word for word in tally.count() if re.match(NAN, word)]
    more = dict.fromkeys(nans, NO_VALUE)
    return {code: reasons | more for code, reasons in lost.items()}
