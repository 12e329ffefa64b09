"""What labels are: tallied over every file of a task, decided once, then encoded as numbers.

One scalar column of words, integers or truth values is ``classes``, of floats ``regression``. CSV
cells are words, so there the values decide: all numbers and some with a point or exponent is
``regression``. A column of lists is ``multilabel`` by its items; several columns, or lists of one
fixed length, are ``multilabel`` when all values are 0 or 1, else ``regression`` targets.
``label_kind`` overrides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff import arrow
from taskaff.data.tally import MAX_COUNTED, Tally
from taskaff.data.values import (
    is_list,
    matrix,
    words,
)
from taskaff.errors import DataError
from taskaff.records import LabelKind, LabelSchema

MAX_CLASSES = 1000
"""More distinct classes than this look like an id, unless the kind was given."""
MAX_CLASSES_ASKED = 10_000


class LabelTally:
    """The labels of one task, over all its files."""

    def __init__(self, columns: tuple[str, ...], requested: LabelKind | None) -> None:
        self._columns, self._requested = columns, requested
        self._tallies = [Tally(requested == "classes") for _ in columns]
        self._shapes: set[str] = set()
        self._positives: Counter[str] = Counter()
        self._ones: NDArray[np.int64] | None = None
        self._odd: float | None = None

    def add(self, arrays: Sequence[pa.Array], typed: bool) -> None:
        """Take in the label columns of rows whose labels are present."""
        if len(arrays) == 1 and is_list(arrays[0].type):
            self._shapes.add("list")
            self._add_items(arrays[0], typed)
        elif len(arrays) == 1 and pat.is_fixed_size_list(arrays[0].type):
            self._shapes.add("matrix")
            self._add_matrix(matrix(arrays[0]))
        else:
            self._shapes.add("scalar")
            for tally, array, name in zip(self._tallies, arrays, self._columns, strict=True):
                if pat.is_nested(array.type) or pat.is_binary(array.type):
                    raise DataError(
                        f"label column {name!r} holds {array.type}",
                        hint="--label with another column",
                    )
                tally.add(array, typed)

    def _add_items(self, array: pa.Array, typed: bool) -> None:
        items = array.flatten()
        self._tallies[0].add(items, typed)
        coded = words(items).dictionary_encode()
        parents = arrow.array(pc.list_parent_indices(array))
        codes = arrow.array(coded.indices)
        size = max(1, len(coded.dictionary))
        once = np.unique(parents.astype(np.int64) * size + codes) % size
        names = coded.dictionary.to_pylist()
        for code, count in zip(*np.unique(once, return_counts=True), strict=True):
            self._positives[names[int(code)]] += int(count)

    def _add_matrix(self, values: NDArray[Any]) -> None:
        odd = values[np.isfinite(values) & (values != 0) & (values != 1)]
        if len(odd) and self._odd is None:
            self._odd = float(odd[0])
        ones = (values == 1).sum(axis=0)
        self._ones = ones if self._ones is None else self._ones + ones

    # -- the decision

    def schema(self) -> LabelSchema:
        """Kind and names; raises ``DataError`` where the values do not make sense of them."""
        if not self._columns or self._requested == "none":
            return LabelSchema("none")
        if len(self._shapes) > 1:
            raise DataError(
                f"label column {self._columns[0]!r} is a list in some files and not in others",
                hint="write the labels the same way in every file",
            )
        shape = next(iter(self._shapes), "scalar")
        kind = self._requested or self._kind(shape)
        names = self._names(kind, shape)
        return LabelSchema(kind, names, self._columns)

    def _kind(self, shape: str) -> LabelKind:
        if shape == "list":
            return "multilabel"
        if shape == "matrix":
            return "regression" if self._odd is not None else "multilabel"
        if len(self._columns) > 1:
            return self._kind_of_columns()
        return self._kind_of_column(self._tallies[0])

    def _kind_of_columns(self) -> LabelKind:
        if all(tally.odd is None for tally in self._tallies):
            return "multilabel"
        for tally, name in zip(self._tallies, self._columns, strict=True):
            if tally.word is not None:
                raise DataError(
                    f"several label columns must hold numbers; {name!r} holds {tally.word[:60]!r}",
                    hint="name one label column: --label COL",
                )
        return "regression"

    def _kind_of_column(self, tally: Tally) -> LabelKind:
        families = tally.families
        if "floating" in families:
            if families <= {"floating", "integer"}:
                return "regression"
            raise DataError(
                f"label column {self._columns[0]!r} holds {' and '.join(sorted(families))} values",
                hint="write the labels the same way in every file, or --label-kind classes",
            )
        if "cell" not in families or not tally.decimals:
            return "classes"
        if tally.word is None:
            return "regression"
        if 2 * tally.decimals > tally.rows:
            raise DataError(
                f"label column {self._columns[0]!r} holds numbers with a decimal point, and "
                f"words such as {tally.word[:60]!r}",
                hint="mend those cells, or say --label-kind classes",
            )
        return "classes"

    def _names(self, kind: LabelKind, shape: str) -> tuple[str, ...]:
        if kind == "classes":
            return self._class_names(shape)
        if shape == "list":
            if kind == "regression":
                raise DataError("lists of labels are no regression target", hint="--label OTHER")
            self._check_count(self._tallies[0])
            return in_order(self._tallies[0].counts)
        if shape == "matrix":
            if kind == "multilabel" and self._odd is not None:
                raise DataError(f"multi-label values are 0 or 1, not {self._odd}")
            width = 0 if self._ones is None else len(self._ones)
            return tuple(f"{self._columns[0]}_{i}" for i in range(width))
        for tally, name in zip(self._tallies, self._columns, strict=True):
            if kind == "multilabel" and tally.odd is not None:
                raise DataError(
                    f"multi-label columns hold 0 or 1; {name!r} holds {tally.odd[:60]!r}",
                    hint="--label with the 0/1 columns, or --label-kind classes for one column",
                )
        return self._columns

    def _class_names(self, shape: str) -> tuple[str, ...]:
        if shape != "scalar" or len(self._columns) > 1:
            raise DataError(
                "classes need one label column with one value a row",
                hint="--label COL, or --label-kind multilabel",
            )
        self._check_count(self._tallies[0])
        return in_order(self._tallies[0].counts)

    def _check_count(self, tally: Tally) -> None:
        limit = MAX_CLASSES_ASKED if self._requested else MAX_CLASSES
        found = len(tally.counts)
        many = tally.full or found > limit
        alike = not self._requested and tally.rows > 50 and 2 * found > tally.rows
        if many or alike:
            number = f"over {MAX_COUNTED:,}" if tally.full else f"{found:,}"
            raise DataError(
                f"label column {self._columns[0]!r} has {number} distinct values in "
                f"{tally.rows:,} rows: it looks like an id or free text",
                hint="--label OTHER, or --label-kind regression if it is a number"
                + ("" if self._requested else ", or --label-kind classes if it is meant"),
            )

    def counts(self, schema: LabelSchema) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        if schema.kind == "classes":
            return {name: self._tallies[0].counts[name] for name in schema.names}
        if schema.kind != "multilabel":
            return {}
        if "list" in self._shapes:
            return {name: self._positives[name] for name in schema.names}
        if self._ones is not None:
            return dict(zip(schema.names, map(int, self._ones), strict=True))
        return {n: t.ones for n, t in zip(schema.names, self._tallies, strict=True)}

    def notes(self, schema: LabelSchema) -> list[str]:
        """What a reader may find surprising about the classes."""
        if schema.kind != "classes":
            return []
        folded = Counter(name.strip().lower() for name in schema.names)
        same = [n for n in schema.names if folded[n.strip().lower()] > 1]
        if not same:
            return []
        shown = ", ".join(repr(name) for name in same[:6])
        return [f"classes that differ only in case or blanks: {shown}"]


def in_order(names: Counter[str]) -> tuple[str, ...]:
    """Names sorted; numerically when all are integers."""
    try:
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(names))
