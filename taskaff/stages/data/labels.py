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


class LabelTally:
    """The labels of one task, over all its files."""

    def __init__(
        self, columns: tuple[str, ...], requested: LabelKind | None, ids: tuple[str, ...] = ()
    ) -> None:
        self.columns, self.requested, self.ids = columns, requested, ids
        self._shape: Shape | None = None

    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in the label columns of rows whose labels are present.

        Raises
        ------
        DataError : a column that was a list before is none now, or the other way round.
        """
        if len(arrays[0]):
            self._shape_of(arrays).add(arrays, file, codes)

    def add_trained(self, arrays: Sequence[pa.Array]) -> None:
        """Take in the labels of training rows past the limit: which values there are."""
        self._shape_of(arrays).add_trained(arrays[0])

    def _shape_of(self, arrays: Sequence[pa.Array]) -> Shape:
        make: type[Shape] = Items if is_list(arrays[0].type) else Scalars
        if len(arrays) > 1 or pat.is_fixed_size_list(arrays[0].type):
            make = Several
        if self._shape is None:
            self._shape = make(self.columns, self.requested, self.ids)
        if type(self._shape) is not make:
            raise DataError(
                f"label column {self.columns[0]!r} is a list in some files and not in others",
                hint="write the labels the same way in every file",
            )
        return self._shape

    @property
    def tally(self) -> Tally:
        """Values of one label column, or the items of its lists."""
        return self._shape.tally if self._shape else Tally()

    @property
    def column(self) -> Column | None:
        """The labelled values of one label column, once the kind is decided."""
        return self._shape.column if self._shape else None

    def decide(self) -> Labelling:
        """Decide kind, names and meanings; raises ``DataError`` where the values mix kinds."""
        if not self.columns or self.requested == "none":
            return Labelling(LabelSchema("none"))
        if self._shape is None:
            return without_labels(self.columns, self.requested)
        return self._shape.decide()

    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label, by file and split, and why."""
        return self._shape.lost_rows(labelling) if self._shape else {}

    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""
        if self._shape is None or labelling.schema.kind not in ("classes", "multilabel"):
            return {}
        return self._shape.counts(labelling)
