"""What label columns of every shape share: how they are counted, decided and refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from taskaff.core.errors import DataError
from taskaff.core.records.data import LabelKind, LabelSchema
from taskaff.stages.data.kinds import Column
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.spelling import by_value, spelled
from taskaff.stages.data.value_counts import BINARY, Key, Tally


class Shape(ABC):
    """The labels of one task in all its files, of one shape."""

    def __init__(
        self, columns: tuple[str, ...], requested: LabelKind | None, ids: tuple[str, ...]
    ) -> None:
        self.columns, self.requested, self.ids = columns, requested, ids
        self.tally = Tally()
        self.column: Column | None = None
        """The labelled values, once the kind is decided."""

    @abstractmethod
    def add(self, arrays: Sequence[pa.Array], file: int, codes: NDArray[np.int8]) -> None:
        """Take in rows whose labels are present."""

    def add_trained(self, array: pa.Array) -> None:
        """Take in the values of training rows past the limit: which there are."""
        if not self.tally.full:
            self.tally.trained.update(pc.unique(spelled(array.drop_null(), self.ids)).to_pylist())

    @abstractmethod
    def decide(self) -> Labelling:
        """Decide kind, names and meanings; raises ``DataError`` where the values mix kinds."""

    @abstractmethod
    def lost_rows(self, labelling: Labelling) -> dict[Key, Counter[str]]:
        """Rows that turned out to have no label, by file and split, and why."""

    @abstractmethod
    def counts(self, labelling: Labelling) -> dict[str, int]:
        """Rows of each class, or positive rows of each label."""


def without_labels(columns: Sequence[str], requested: LabelKind | None) -> Labelling:
    """Labelling of a data set of which no row has a label."""
    if requested not in (None, "none"):
        raise DataError(
            f"no row has a label in {', '.join(map(repr, columns[:6]))}, "
            f"and --label-kind {requested} was asked for",
            hint="--label OTHER, or --label-kind none to compare inputs only",
        )
    return Labelling(LabelSchema("none"))


def no_lists(requested: LabelKind) -> DataError:
    """Error where one value a row was asked for and a row has several."""
    if requested == "regression":
        return DataError("lists of labels are no regression target", hint="--label OTHER")
    return DataError(
        "classes need one label column with one value a row",
        hint="--label COL, or --label-kind multilabel",
    )


def not_binary(name: str, value: str) -> DataError:
    """Error where a column of a multi-label task holds something else than 0 and 1."""
    return DataError(
        f"multi-label columns hold 0 or 1, and {name!r} holds {value[:60]!r}",
        hint="--label with the 0/1 columns, or --label-kind classes for one column",
    )


def canonical(column: Column) -> dict[str, tuple[str, ...]]:
    """The class of every spelling: numbers by value, and truth as 0 and 1 beside those."""
    words = set(column.tally.count()) | set(column.words)
    if column.named:
        return {word: (word,) for word in words}
    classes = {by_value(word) for word in column.words}
    if column.numeric:
        return {word: (by_value(word),) for word in words}
    if classes <= set(BINARY) and not classes <= {"true", "false"}:
        digit = {"true": "1", "false": "0"}
        return {word: (digit.get(word, by_value(word)),) for word in words}
    return {word: (word,) for word in words}
