"""One label column of lists: each row has any number of labels.

A label that train does not have is no label of the task. A row of another split that holds no
other ones has no label, and which rows these are is known at the end, when train was read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.records.data import LabelSchema
from taskaff.stages.data.kinds import Column, check_count
from taskaff.stages.data.labelling import EMPTY, UNSEEN, Labelling
from taskaff.stages.data.late_missing import unseen_items
from taskaff.stages.data.shape import Shape, canonical, no_lists
from taskaff.stages.data.spelling import in_order, spelled
from taskaff.stages.data.value_counts import TRAIN, Key
from taskaff.stages.data.values import Mask


class Items(Shape):
    """Counts the labels of a column of lists, and decides the task from them."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._positives: Counter[str] = Counter()
        self._rows: Counter[Key] = Counter()
        self._empty: Counter[Key] = Counter()
        self._pending: dict[Key, Counter[frozenset[str]]] = defaultdict(Counter)
        """Lists of other splits, none of whose labels was found in train so far."""

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in rows whose labels are present."""
        [array] = arrays
        items, parents = array.flatten(), arrow.integers(pc.list_parent_indices(array))
        words = spelled(items, self.ids)
        self.tally.add(items, file, codes[parents], words)
        coded = words.dictionary_encode()
        size = max(1, len(coded.dictionary))
        once = np.unique(parents * size + arrow.integers(coded.indices)) % size
        names = coded.dictionary.to_pylist()
        for code, count in zip(*np.unique(once, return_counts=True), strict=True):
            self._positives[names[int(code)]] += int(count)
        filled = np.bincount(parents, minlength=len(array)) > 0
        for code in np.unique(codes):
            key, mine = (file, int(code)), codes == code
            self._rows[key] += int(mine.sum())
            self._empty[key] += int((mine & ~filled).sum())
            if code != TRAIN and not self.tally.full:
                self._pending[key].update(self._unknown(words, parents, mine & filled))

    def _unknown(self, words: pa.Array, parents: NDArray[np.int64], rows: Mask) -> Any:
        """Lists of which no label has been seen in train so far."""
        train = arrow.strings(self.tally.train_words)
        known = np.asarray(arrow.array(pc.is_in(words, value_set=train)))
        rows = rows & (np.bincount(parents[known], minlength=len(rows)) == 0)
        mine = rows[parents]
        lists: dict[int, set[str]] = defaultdict(set)
        chosen = words.filter(arrow.flags(mine)).to_pylist()
        for row, word in zip(parents[mine].tolist(), chosen, strict=True):
            lists[row].add(word)
        return (frozenset(own) for own in lists.values())

    def add_trained(self, array: pa.Array) -> None:
        """Take in the items of training rows past the limit."""
        super().add_trained(array.flatten())

    def decide(self) -> Labelling:
        """Kind, names and meanings."""
        if self.requested in ("classes", "regression"):
            raise no_lists(self.requested)
        forms = self.tally.forms
        column = Column(self.columns[0], self.tally, self.tally.count(), forms, bool(self.ids))
        check_count(column, asked=self.requested is not None)
        self.column = column
        meaning, unseen = unseen_items(self.tally, canonical(column))
        names = in_order({name for own in meaning.values() for name in own})
        schema = LabelSchema("multilabel", names, self.columns)
        empty = frozenset(code for code in (1, 2) if self._all_empty(code))
        return Labelling(schema, self.ids, meaning, unseen=unseen, empty=empty)

    def _all_empty(self, code: int) -> bool:
        """Whether a split holds empty lists alone, and train none."""
        rows, empty = (
            [sum(n for (_, c), n in counts.items() if c == split) for split in (TRAIN, code)]
            for counts in (self._rows, self._empty)
        )
        return rows[0] > 0 == empty[0] and rows[1] == empty[1] > 0

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label."""
        lost: dict[Key, Counter[str]] = {}
        for key, lists in self._pending.items():
            total = sum(n for own, n in lists.items() if not any(map(labelling.meaning.get, own)))
            if total:
                lost[key] = Counter({UNSEEN: total})
        for key, count in self._empty.items():
            if count and key[1] in labelling.empty:
                lost.setdefault(key, Counter())[EMPTY] += count
        return lost

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        rows = dict.fromkeys(labelling.schema.names, 0)
        for word, count in self._positives.items():
            for name in labelling.meaning[word]:
                rows[name] += count
        return rows
