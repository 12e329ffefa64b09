"""Which rows cannot be used, and why: unusable inputs, labels that are missing or no numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.core import arrow
from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import LabelKind
from taskaff.stages.data.absent import absent, unfit
from taskaff.stages.data.columns import Choice
from taskaff.stages.data.values import (
    Mask,
    WidthError,
    is_list,
    matrix,
    missing,
    numbers,
    stacked,
)


@dataclass(slots=True)
class RowCheck:
    """Which rows cannot be used, and why: the same in both passes once the kind is known."""

    choice: Choice
    nullable: bool
    missing_values: tuple[str, ...]
    """Values of ``--missing-label``, as they are spelled."""
    ids: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... of the label column."""
    width: int | None = None
    """Vector width, from the first row that has one."""

    def inputs(self, batch: pa.RecordBatch, path: str, row: int) -> dict[str, Mask]:
        """Masks ``(n,)`` of rows with an unusable text or vector, by reason."""
        names = [name for name in self.choice.inputs if name in batch.schema.names]
        if self.choice.features:
            reasons = {}
            for name in names:
                bad = ~np.isfinite(numbers(batch.column(name)))
                if bad.any():
                    reasons[f"feature {name!r} is not a finite number"] = bad
            return reasons
        if self.choice.layout == "vectors" and names:
            return self._vectors(batch.column(names[0]), path, row)
        masks = {f"text is missing in column {n!r}": missing(batch.column(n)) for n in names}
        return {reason: mask for reason, mask in masks.items() if mask.any()}

    def _vectors(self, array: pa.Array, path: str, row: int) -> dict[str, Mask]:
        try:
            values = matrix(array, self.width)
        except WidthError as error:
            raise DataError(
                f"the vector has {error.length} numbers where earlier rows have {error.width}",
                where=Place(path, row=row + error.row, column=self.choice.inputs[0]),
                hint="write vectors of one width",
            ) from None
        if values.shape[1]:
            self.width = values.shape[1]
        elif len(array) > array.null_count:
            raise DataError(
                "the vector is empty",
                where=Place(path, row=row, column=self.choice.inputs[0]),
                hint="write vectors of at least one number",
            )
        null = arrow.is_null(array)
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32)).all(axis=1)
        return {"vector is missing": null, "vector is not finite": ~finite & ~null}

    def labels(self, batch: pa.RecordBatch, kind: LabelKind | None) -> Labels:
        """Masks of rows without a label, with a part of one, and unusable for regression."""
        result = Labels()
        if kind == "none":
            return result
        several = len(self.choice.labels) > 1
        every = np.ones(batch.num_rows, dtype=np.bool_)
        reasons: dict[str, Mask] = {}
        columns = batch.select(self.choice.labels).columns
        for place, array in stacked(columns):
            names = self.choice.labels[place]
            shape = (len(names), batch.num_rows)
            own = absent(array, self.missing_values, self.ids, several)
            lost = any_of(own, len(array))
            every &= lost.reshape(shape).all(axis=0)
            for reason, mask in own.items():
                hit = np.asarray(mask.reshape(shape).any(axis=0))
                reasons[reason] = reasons.get(reason, False) | hit
            bad = (lost | _null_inside(array)).reshape(shape)
            nonfinite = (unfit(array, kind) & ~lost).reshape(shape)
            for at in np.flatnonzero(bad.any(axis=1)):
                result.bad[f"label is missing in column {names[at]!r}"] = bad[at]
            for at in np.flatnonzero(nonfinite.any(axis=1)):
                reason = f"label is not a finite number in column {names[at]!r}"
                result.nonfinite[reason] = nonfinite[at]
        result.unlabelled = {reason: mask & every for reason, mask in reasons.items()}
        for masks in (result.bad, result.nonfinite):
            for reason in masks:
                masks[reason] = masks[reason] & ~every
        return result


@dataclass(slots=True)
class Labels:
    """Masks of the rows of a batch by what is wrong with their labels."""

    unlabelled: dict[str, Mask] = field(default_factory=dict)
    bad: dict[str, Mask] = field(default_factory=dict)
    nonfinite: dict[str, Mask] = field(default_factory=dict)


def _null_inside(array: pa.Array) -> Mask:
    """Mask ``(n,)`` of rows whose list holds a null."""
    mask = np.zeros(len(array), dtype=np.bool_)
    if is_list(array.type) or pat.is_fixed_size_list(array.type):
        items = array.flatten()
        if items.null_count:
            mask[arrow.array(pc.list_parent_indices(array))[arrow.is_null(items)]] = True
    return mask


def any_of(masks: dict[str, Mask], rows: int) -> Mask:
    """Union of masks, ``(rows,)``."""
    out = np.zeros(rows, dtype=np.bool_)
    for mask in masks.values():
        out |= mask
    return out
