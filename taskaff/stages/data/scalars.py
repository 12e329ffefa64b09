"""One label column of scalars: words, numbers, truth values, or lists written as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from taskaff.core.records.data import SPLITS, LabelSchema
from taskaff.stages.data.kinds import Column, check_count, kind_of
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.late_missing import (
    Lost,
    lost_before,
    lost_by_class,
    lost_lists,
    lost_numbers,
)
from taskaff.stages.data.shape import Shape, canonical, not_binary, without_labels
from taskaff.stages.data.spelling import by_value, in_order, listed, spelled
from taskaff.stages.data.value_counts import BINARY, Key, forms_of


class Scalars(Shape):
    """One value a row."""

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in rows whose labels are present."""
        [array] = arrays
        self.tally.add(array, file, codes, spelled(array, self.ids))

    def decide(self) -> Labelling:
        """Kind, names and meanings."""
        lost = lost_before(self.tally, self.requested in ("regression", "multilabel"))
        column = self._column(lost)
        if column.forms["nan"] and (column.numeric or self.requested == "regression"):
            lost = lost_numbers(self.tally, lost)
            column = self._column(lost)
        if not column.rows:
            return without_labels(self.columns, self.requested)
        self.column = column
        kind = self.requested or kind_of(column)
        if kind == "regression":
            return Labelling(LabelSchema(kind, self.columns, self.columns), lost=lost)
        if kind == "classes":
            return self._classes(column, lost)
        if column.forms["list"]:
            return self._lists(column, lost)
        odd = next((word for word in column.words if by_value(word) not in BINARY), None)
        if odd is not None:
            raise not_binary(self.columns[0], odd)
        return Labelling(LabelSchema(kind, self.columns, self.columns), lost=lost)

    def _classes(self, column: Column, lost: Lost) -> Labelling:
        check_count(column, asked=self.requested is not None or column.named)
        meaning = canonical(column)
        lost = lost_by_class(self.tally, lost, meaning)
        left = set(self._labelled(lost))
        names = in_order({own[0] for word, own in meaning.items() if word in left})
        return Labelling(LabelSchema("classes", names, self.columns), self.ids, meaning, lost)

    def _lists(self, column: Column, lost: Lost) -> Labelling:
        meaning = {word: listed(word) or () for word in {*column.words, *self.tally.trained}}
        lost, meaning, unseen = lost_lists(self.tally, lost, meaning)
        left = self._labelled(lost)
        names = in_order({name for word in left for name in meaning[word]})
        schema = LabelSchema("multilabel", names, self.columns)
        return replace(Labelling(schema, (), meaning, lost), unseen=unseen)

    def _column(self, lost: Lost) -> Column:
        words = self._labelled(lost)
        gone: Counter[str] = Counter()
        for code, reasons in lost.items():
            count = self.tally.count(code)
            gone.update({word: count[word] for word in reasons})
        forms = self.tally.forms - forms_of(+gone)
        return Column(self.columns[0], self.tally, words, forms, bool(self.ids))

    def _labelled(self, lost: Mapping[int, Mapping[str, str]]) -> Counter[str]:
        words: Counter[str] = Counter()
        for code in range(len(SPLITS)):
            count = self.tally.count(code)
            words.update({w: n for w, n in count.items() if w not in lost.get(code, {})})
        return words

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label."""
        lost: dict[Key, Counter[str]] = {}
        for key, span in self.tally.spans.items():
            for word, reason in labelling.lost.get(key[1], {}).items():
                if span.words[word]:
                    lost.setdefault(key, Counter())[reason] += span.words[word]
        return lost

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        rows = dict.fromkeys(labelling.schema.names, 0)
        for word, count in self._labelled(labelling.lost).items():
            ones = self.columns if by_value(word) in ("1", "true") else ()
            for name in labelling.meaning[word] if labelling.meaning else ones:
                rows[name] += count
        return rows
