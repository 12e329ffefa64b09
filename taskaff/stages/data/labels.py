"""Labels of a task: counted over all its files, then their kind is decided once.

One scalar column of words, whole numbers or truth values is ``classes``; of numbers of which some
are not whole, or too many to be classes, ``regression``; of lists, be they written as text,
``multilabel``. Several columns, or lists of one fixed length, are ``multilabel`` when all values
are 0 or 1, else ``regression`` targets. ``label_kind`` overrides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core.errors import DataError
from taskaff.core.records.data import LabelKind, LabelSchema
from taskaff.stages.data.items import Items
from taskaff.stages.data.kinds import Column
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.scalars import Scalars
from taskaff.stages.data.several import Several
from taskaff.stages.data.shape import Shape, without_labels
from taskaff.stages.data.value_counts import Key, Tally
from taskaff.stages.data.values import is_list

_SHAPES: dict[str, type[Shape]] = {
    "scalar": Scalars,
    "list": Items,
    "matrix": Several,
    "several": Several,
}


class LabelTally:
    """The labels of one task, over all its files."""

    def __init__(
        self, columns: tuple[str, ...], requested: LabelKind | None, ids: tuple[str, ...] = ()
    ) -> None:
        self.columns, self.requested, self.ids = columns, requested, ids
        self._shapes: dict[str, Shape] = {}

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in the label columns of rows whose labels are present."""
        if len(arrays[0]):
            self._of(arrays).add(arrays, file, codes)

    def add_trained(self, arrays: Sequence[pa.Array]) -> None:
        """Take in the labels of training rows past the limit: which values there are."""
        self._of(arrays).add_trained(arrays[0])

    def _of(self, arrays: Sequence[pa.Array]) -> Shape:
        name = _shape_of(arrays)
        if name not in self._shapes:
            self._shapes[name] = _SHAPES[name](self.columns, self.requested, self.ids)
        return self._shapes[name]

    @property
    def tally(self) -> Tally:
        """Values of one label column, or the items of its lists."""
        return next((shape.tally for shape in self._shapes.values()), Tally())

    @property
    def column(self) -> Column | None:
        """The labelled values of one label column, once the kind is decided."""
        return next((shape.column for shape in self._shapes.values()), None)

    def decide(self) -> Labelling:
        """Decide kind, names and meanings; raises ``DataError`` where the values mix kinds."""
        if not self.columns or self.requested == "none":
            return Labelling(LabelSchema("none"))
        if len(self._shapes) > 1:
            raise DataError(
                f"label column {self.columns[0]!r} is a list in some files and not in others",
                hint="write the labels the same way in every file",
            )
        for shape in self._shapes.values():
            return shape.decide()
        return without_labels(self.columns, self.requested)

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label, by file and split, and why."""
        lost = [shape.lost_rows(labelling) for shape in self._shapes.values()]
        return lost[0] if lost else {}

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        if labelling.schema.kind not in ("classes", "multilabel"):
            return {}
        return next(shape.counts(labelling) for shape in self._shapes.values())


def _shape_of(arrays: Sequence[pa.Array]) -> str:
    if len(arrays) > 1:
        return "several"
    if pat.is_fixed_size_list(arrays[0].type):
        return "matrix"
    return "list" if is_list(arrays[0].type) else "scalar"
