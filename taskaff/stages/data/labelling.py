"""What was decided about the labels of a task, and labels as ``RowBatch`` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from numpy.typing import NDArray

from taskaff.core import arrow
from taskaff.core.errors import DataError
from taskaff.core.records.data import LabelSchema
from taskaff.stages.data.spelling import spelled
from taskaff.stages.data.values import Mask, is_list, matrix, numbers, stacked

MINUS = "-1 in every label column"
UNSEEN = "no label that train has"
EMPTY = "empty lists alone, which train does not have"


@dataclass(frozen=True, slots=True)
class Labelling:
    """Label kind and names of a task, and how each stored value is read."""

    schema: LabelSchema
    ids: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... of integer columns."""
    meaning: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The class, or the labels of a list that is text, behind each spelling."""
    lost: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """By split code: spellings that mean "no label" there, and why."""
    minus: bool = False
    """Whether a row of -1 in every column has no label."""
    unseen: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """By split code: labels of lists that train does not have, and in how many rows."""
    empty: frozenset[int] = frozenset()
    """Codes of the splits in which an empty list is no label."""

    def unlabelled(self, arrays: Sequence[pa.Array], codes: NDArray[np.int8]) -> dict[str, Mask]:
        """Masks ``(n,)``, by reason, of rows whose label turned out to be none."""
        if self.minus:
            return {MINUS: all_minus(arrays)}
        if is_list(arrays[0].type):
            return self._unlabelled_lists(arrays[0], codes)
        masks: dict[str, Mask] = {}
        if not any(self.lost.values()):
            return masks
        words = spelled(arrays[0], self.ids)
        for code, reasons in self.lost.items():
            mine = codes == code
            for reason in dict.fromkeys(reasons.values()):
                named = [word for word, why in reasons.items() if why == reason]
                hit = arrow.array(pc.is_in(words, value_set=arrow.strings(named)))
                masks[reason] = masks.get(reason, False) | (hit & mine)
        return masks

    def _unlabelled_lists(self, array: pa.Array, codes: NDArray[np.int8]) -> dict[str, Mask]:
        masks: dict[str, Mask] = {}
        parents = arrow.integers(pc.list_parent_indices(array))
        filled = np.bincount(parents, minlength=len(array)) > 0
        if self.empty:
            masks[EMPTY] = ~filled & np.isin(codes, list(self.empty))
        if self.unseen:
            names = arrow.strings([word for word, own in self.meaning.items() if own])
            known = arrow.array(pc.is_in(spelled(array.flatten(), self.ids), value_set=names))
            hits = np.bincount(parents[known], minlength=len(array))
            masks[UNSEEN] = filled & (hits == 0) & np.isin(codes, list(self.unseen))
        return masks

    def encode(self, arrays: Sequence[pa.Array]) -> NDArray[Any] | None:
        """Labels as ``RowBatch`` holds them: codes ``(n,)``, or 0/1 or targets ``(n, c)``."""
        schema = self.schema
        if schema.kind == "none":
            return None
        first = arrays[0]
        if is_list(first.type):
            out = np.zeros((len(first), schema.width))
            parents = arrow.integers(pc.list_parent_indices(first))
            items = self._codes(spelled(first.flatten(), self.ids))
            out[parents[items >= 0], items[items >= 0]] = 1.0
            return out
        if pat.is_fixed_size_list(first.type):
            return matrix(first, schema.width).astype(np.float64)
        if schema.kind == "classes":
            return self._codes(spelled(first, self.ids))
        if self.meaning:
            return self._of_lists(spelled(first))
        out = np.empty((len(arrays), len(first)))
        for place, array in stacked(arrays):
            out[place] = numbers(array).reshape(out[place].shape)
        return np.ascontiguousarray(out.T)

    def _table(self, words: pa.Array) -> NDArray[np.int64]:
        indices = pc.index_in(words, value_set=arrow.strings(self.meaning))
        if indices.null_count:
            value = words.filter(pc.is_null(indices))[0].as_py()
            raise DataError(
                f"label {value!r} was not there when the file was first read",
                hint="the file changed while it was read, or two readers disagree: run again",
            )
        return arrow.integers(indices)

    def _codes(self, words: pa.Array) -> NDArray[np.int64]:
        code = {name: i for i, name in enumerate(self.schema.names)}
        table = np.array(
            [code.get(own[0], -1) if own else -1 for own in self.meaning.values()], np.int64
        )
        return table[self._table(words)] if len(words) else np.zeros(0, np.int64)

    def _of_lists(self, words: pa.Array) -> NDArray[np.float64]:
        column = {name: i for i, name in enumerate(self.schema.names)}
        table = np.zeros((len(self.meaning), self.schema.width))
        for row, own in enumerate(self.meaning.values()):
            table[row, [column[name] for name in own]] = 1.0
        return table[self._table(words)]


def all_minus(arrays: Sequence[pa.Array]) -> Mask:
    """Mask ``(n,)`` of rows in which every number is -1."""
    first = arrays[0]
    if pat.is_fixed_size_list(first.type):
        values = matrix(first)
        return np.asarray((values == -1).all(axis=1)) if values.size else arrow.is_null(first)
    mask = numbers(first) == -1
    for array in arrays[1:]:
        if not mask.any():
            break
        mask = mask & (numbers(array) == -1)
    return np.asarray(mask)
