"""Several label columns, or one of vectors: 0/1 columns, or several numbers to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.errors import DataError
from taskaff.core.records.data import LabelKind, LabelSchema
from taskaff.stages.data.labelling import MINUS, Labelling, all_minus
from taskaff.stages.data.shape import Shape, no_lists, not_binary, without_labels
from taskaff.stages.data.value_counts import BinaryTally, Key
from taskaff.stages.data.values import matrix, numbers, stacked


class Several(Shape):
    """Columns of numbers, or a matrix; rows of -1 alone are counted apart."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._tallies = [BinaryTally() for _ in self.columns]
        self._matrix = False
        self._ones: NDArray[np.int64] | None = None
        self._odd: float | None = None
        self._minus: Counter[Key] = Counter()
        self._rows = 0

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in rows whose labels are present."""
        minus = all_minus(arrays)
        self._rows += int((~minus).sum())
        for code in np.unique(codes[minus]):
            self._minus[file, int(code)] += int((codes[minus] == code).sum())
        if minus.any():
            arrays = [array.filter(arrow.flags(~minus)) for array in arrays]
        if pat.is_fixed_size_list(arrays[0].type):
            self._add_matrix(arrays[0])
            return
        for place, array in stacked(arrays):
            tallies = self._tallies[place]
            values = numbers(array).reshape(len(tallies), len(arrays[0]))
            binary = ((values == 0) | (values == 1)).all(axis=1)
            for at, tally in enumerate(tallies):
                if binary[at]:
                    tally.ones += int(values[at].sum())
                else:
                    tally.add(arrays[place.start + at])

    def _add_matrix(self, array: pa.Array) -> None:
        self._matrix = True
        values = matrix(array)
        odd = values[np.isfinite(values) & (values != 0) & (values != 1)]
        if len(odd) and self._odd is None:
            self._odd = float(odd[0])
        if len(values):
            ones = (values == 1).sum(axis=0)
            self._ones = ones if self._ones is None else self._ones + ones

    def add_trained(self, array: pa.Array) -> None:
        """Nothing: no value here is a class that train could lack."""

    def decide(self) -> Labelling:
        """Kind, names and meanings."""
        if not self._rows:
            return without_labels(self.columns, self.requested)
        if self.requested == "classes":
            raise no_lists(self.requested)
        odd = self._odd_value()
        kind = self.requested or ("multilabel" if odd is None else self._regression())
        if kind == "multilabel" and odd is not None:
            raise not_binary(*odd)
        names = self.columns
        if self._matrix:
            width = 0 if self._ones is None else len(self._ones)
            names = tuple(f"{self.columns[0]}_{i}" for i in range(width))
        schema = LabelSchema(kind, names, self.columns)
        return Labelling(schema, minus=kind == "multilabel" and bool(self._minus))

    def _odd_value(self) -> tuple[str, str] | None:
        if self._matrix:
            return None if self._odd is None else (self.columns[0], f"{self._odd:g}")
        pairs = zip(self.columns, self._tallies, strict=True)
        return next(((name, t.odd) for name, t in pairs if t.odd is not None), None)

    def _regression(self) -> LabelKind:
        for tally, name in zip(self._tallies, self.columns, strict=True):
            if tally.word is not None:
                raise DataError(
                    f"several label columns must hold numbers; {name!r} holds {tally.word[:60]!r}",
                    hint="name one label column: --label COL",
                )
        return "regression"

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label."""
        if not labelling.minus:
            return {}
        return {key: Counter({MINUS: count}) for key, count in self._minus.items()}

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        names = labelling.schema.names
        if self._ones is not None:
            return dict(zip(names, map(int, self._ones), strict=True))
        return {name: tally.ones for name, tally in zip(names, self._tallies, strict=True)}
