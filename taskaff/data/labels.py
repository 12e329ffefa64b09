"""What labels are: tallied over every file of a task, then decided once.

One scalar column of words, whole numbers or truth values is ``classes``; of numbers of which some
are not whole, or too many to be classes, ``regression``; of lists, be they written as text,
``multilabel``. Several columns, or lists of one fixed length, are ``multilabel`` when all values
are 0 or 1, else ``regression`` targets. ``label_kind`` overrides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff import arrow
from taskaff.data.kinds import Column, check_count, kind_of
from taskaff.data.labelling import MINUS, Labelling, all_minus
from taskaff.data.late import lost_before, lost_by_class, lost_numbers
from taskaff.data.spelling import by_value, in_order, listed, spelled
from taskaff.data.tally import BINARY, BinaryTally, Key, Tally, looks_of
from taskaff.data.values import is_list, matrix
from taskaff.errors import DataError
from taskaff.records import SPLITS, LabelKind, LabelSchema


class LabelTally:
    """The labels of one task, over all its files."""

    def __init__(
        self, columns: tuple[str, ...], requested: LabelKind | None, ids: tuple[str, ...] = ()
    ) -> None:
        self.columns, self.requested, self.ids = columns, requested, ids
        self.tally = Tally()
        self.column: Column | None = None
        """The labelled values, once the kind is decided."""
        self.shapes: set[str] = set()
        self._several = [BinaryTally() for _ in columns]
        self._positives: Counter[str] = Counter()
        self._ones: NDArray[np.int64] | None = None
        self._odd: float | None = None
        self._minus: Counter[Key] = Counter()
        self._rows: Counter[Key] = Counter()

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in the label columns of rows whose labels are present."""
        for code in np.unique(codes):
            self._rows[file, int(code)] += int((codes == code).sum())
        if len(arrays) == 1 and is_list(arrays[0].type):
            self.shapes.add("list")
            self._add_items(arrays[0], file, codes)
        elif len(arrays) > 1 or pat.is_fixed_size_list(arrays[0].type):
            self._add_several(arrays, file, codes)
        else:
            self.shapes.add("scalar")
            self._require_scalar(arrays[0], self.columns[0])
            self.tally.add(arrays[0], file, codes, spelled(arrays[0], self.ids))

    def add_trained(self, array: pa.Array) -> None:
        """Take in a label column of training rows past the limit: which values there are."""
        if len(self.columns) == 1 and not pat.is_nested(array.type) and not self.tally.full:
            self.tally.trained.update(pc.unique(spelled(array.drop_null(), self.ids)).to_pylist())

    def _require_scalar(self, array: pa.Array, name: str) -> None:
        if pat.is_nested(array.type) or pat.is_binary(array.type):
            raise DataError(
                f"label column {name!r} holds {array.type}", hint="--label with another column"
            )

    def _add_items(self, array: pa.Array, file: int, codes: NDArray[np.int8]) -> None:
        items, parents = array.flatten(), arrow.integers(pc.list_parent_indices(array))
        words = spelled(items, self.ids)
        self.tally.add(items, file, codes[parents], words)
        coded = words.dictionary_encode()
        size = max(1, len(coded.dictionary))
        once = np.unique(parents * size + arrow.integers(coded.indices)) % size
        names = coded.dictionary.to_pylist()
        for code, count in zip(*np.unique(once, return_counts=True), strict=True):
            self._positives[names[int(code)]] += int(count)

    def _add_several(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Columns of numbers, or a matrix; rows of -1 alone are counted apart."""
        minus = all_minus(arrays)
        for code in np.unique(codes[minus]):
            self._minus[file, int(code)] += int((codes[minus] == code).sum())
        if minus.any():
            arrays = [array.filter(arrow.flags(~minus)) for array in arrays]
        if len(arrays) > 1:
            self.shapes.add("scalar")
            for tally, array, name in zip(self._several, arrays, self.columns, strict=True):
                self._require_scalar(array, name)
                tally.add(array)
            return
        self.shapes.add("matrix")
        values = matrix(arrays[0])
        odd = values[np.isfinite(values) & (values != 0) & (values != 1)]
        if len(odd) and self._odd is None:
            self._odd = float(odd[0])
        if len(values):
            ones = (values == 1).sum(axis=0)
            self._ones = ones if self._ones is None else self._ones + ones

    # -- the decision

    def decide(self) -> Labelling:
        """Kind, names and meanings; ``DataError`` where the values do not make sense of them."""
        if not self.columns or self.requested == "none":
            return Labelling(LabelSchema("none"))
        if len(self.shapes) > 1:
            raise DataError(
                f"label column {self.columns[0]!r} is a list in some files and not in others",
                hint="write the labels the same way in every file",
            )
        shape = next(iter(self.shapes), "")
        if shape == "list":
            return self._of_lists()
        if shape == "matrix" or len(self.columns) > 1:
            return self._of_several(shape)
        return self._of_column()

    def without_labels(self) -> Labelling:
        """What a data set is of which no row has a label."""
        if self.requested not in (None, "none"):
            raise DataError(
                f"no row has a label in {', '.join(map(repr, self.columns[:6]))}, "
                f"and --label-kind {self.requested} was asked for",
                hint="--label OTHER, or --label-kind none to compare inputs only",
            )
        return Labelling(LabelSchema("none"))

    def _of_lists(self) -> Labelling:
        if self.requested in ("classes", "regression"):
            raise self._no_lists()
        column = self._column({})
        check_count(column, asked=self.requested is not None)
        self.column = column
        meaning = self._canonical(column)
        names = in_order({name for (name,) in meaning.values()})
        return Labelling(LabelSchema("multilabel", names, self.columns), self.ids, meaning)

    def _no_lists(self) -> DataError:
        if self.requested == "regression":
            return DataError("lists of labels are no regression target", hint="--label OTHER")
        return DataError(
            "classes need one label column with one value a row",
            hint="--label COL, or --label-kind multilabel",
        )

    def _of_several(self, shape: str) -> Labelling:
        if not sum((self._rows - self._minus).values()):
            return self.without_labels()
        if self.requested == "classes":
            raise self._no_lists()
        odd = self._odd_value(shape)
        kind = self.requested or ("multilabel" if odd is None else self._regression())
        if kind == "multilabel" and odd is not None:
            raise DataError(
                f"multi-label columns hold 0 or 1, and {odd[0]!r} holds {odd[1][:60]!r}",
                hint="--label with the 0/1 columns, or --label-kind classes for one column",
            )
        names = self.columns
        if shape == "matrix":
            width = 0 if self._ones is None else len(self._ones)
            names = tuple(f"{self.columns[0]}_{i}" for i in range(width))
        schema = LabelSchema(kind, names, self.columns)
        return Labelling(schema, minus=kind == "multilabel" and bool(self._minus))

    def _odd_value(self, shape: str) -> tuple[str, str] | None:
        if shape == "matrix":
            return None if self._odd is None else (self.columns[0], f"{self._odd:g}")
        pairs = zip(self.columns, self._several, strict=True)
        return next(((name, t.odd) for name, t in pairs if t.odd is not None), None)

    def _regression(self) -> LabelKind:
        for tally, name in zip(self._several, self.columns, strict=True):
            if tally.word is not None:
                raise DataError(
                    f"several label columns must hold numbers; {name!r} holds {tally.word[:60]!r}",
                    hint="name one label column: --label COL",
                )
        return "regression"

    def _of_column(self) -> Labelling:
        lost = lost_before(self.tally, self.requested in ("regression", "multilabel"))
        column = self._column(lost)
        if column.looks["nan"] and (column.numeric or self.requested == "regression"):
            lost = lost_numbers(self.tally, lost)
            column = self._column(lost)
        if not column.rows:
            return self.without_labels()
        self.column = column
        kind = self.requested or kind_of(column)
        schema = LabelSchema(kind, self.columns, self.columns)
        if kind == "regression":
            return Labelling(schema, lost=lost)
        if kind == "classes":
            check_count(column, asked=self.requested is not None or column.named)
            meaning = self._canonical(column)
            lost = lost_by_class(self.tally, lost, meaning)
            left = set(self._labelled(lost))
            names = in_order({own[0] for word, own in meaning.items() if word in left})
            return Labelling(LabelSchema("classes", names, self.columns), self.ids, meaning, lost)
        if column.looks["list"]:
            meaning = {word: listed(word) or () for word in column.words}
            names = in_order({name for own in meaning.values() for name in own})
            return Labelling(LabelSchema("multilabel", names, self.columns), (), meaning, lost)
        odd = next((word for word in column.words if by_value(word) not in BINARY), None)
        if odd is not None:
            raise DataError(
                f"multi-label columns hold 0 or 1; {self.columns[0]!r} holds {odd[:60]!r}",
                hint="--label with the 0/1 columns, or --label-kind classes for one column",
            )
        return Labelling(schema, lost=lost)

    def _column(self, lost: dict[int, dict[str, str]]) -> Column:
        words = self._labelled(lost)
        gone: Counter[str] = Counter()
        for code, reasons in lost.items():
            count = self.tally.count([code])
            gone.update({word: count[word] for word in reasons})
        looks = self.tally.looks - looks_of(+gone)
        return Column(self.columns[0], self.tally, words, looks, bool(self.ids))

    def _labelled(self, lost: dict[int, dict[str, str]]) -> Counter[str]:
        found: Counter[str] = Counter()
        for code in range(len(SPLITS)):
            count = self.tally.count([code])
            found.update({w: n for w, n in count.items() if w not in lost.get(code, {})})
        return found

    def _canonical(self, column: Column) -> dict[str, tuple[str, ...]]:
        """The class of every spelling: numbers by value, and truth as 0 and 1 beside those."""
        words = set(self.tally.count()) | set(column.words)
        if column.named:
            return {word: (word,) for word in words}
        classes = {by_value(word) for word in column.words}
        if column.numeric:
            return {word: (by_value(word),) for word in words}
        if classes <= set(BINARY) and not classes <= {"true", "false"}:
            digit = {"true": "1", "false": "0"}
            return {word: (digit.get(word, by_value(word)),) for word in words}
        return {word: (word,) for word in words}

    # -- what is counted

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label, by file and split, and why."""
        if labelling.minus:
            return {key: Counter({MINUS: count}) for key, count in self._minus.items()}
        found: dict[Key, Counter[str]] = {}
        for key, span in self.tally.spans.items():
            reasons = labelling.lost.get(key[1], {})
            for word, reason in reasons.items():
                if span.words[word]:
                    found.setdefault(key, Counter())[reason] += span.words[word]
        return found

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        schema = labelling.schema
        if schema.kind not in ("classes", "multilabel"):
            return {}
        if "list" in self.shapes:
            words: Any = self._positives
        elif self._ones is not None:
            return dict(zip(schema.names, map(int, self._ones), strict=True))
        elif len(self.columns) > 1:
            return {n: t.ones for n, t in zip(schema.names, self._several, strict=True)}
        else:
            words = self._labelled({k: dict(v) for k, v in labelling.lost.items()})
        found = dict.fromkeys(schema.names, 0)
        for word, count in words.items():
            for name in labelling.meaning.get(word) or self._ones_of(word):
                found[name] += count
        return found

    def _ones_of(self, word: str) -> Iterable[str]:
        return self.columns if by_value(word) in ("1", "true") else ()
