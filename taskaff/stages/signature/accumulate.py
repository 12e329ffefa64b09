"""One pass over the rows of a task: folded float64 sums, and a sketch of every split.

The sums are those of section 1 of ``docs/signature.md``. They are sums of float64 products of
float32 vectors, so row order and batching change them by rounding alone (under 1e-12 of their
scale); a change of shards likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskaff.core.errors import SignatureError
from taskaff.core.records.data import InputFile, LabelSchema, Layout
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.signature import FOLDS, Sketch, TaskSignature
from taskaff.stages.signature.checks import require_room, require_valid
from taskaff.stages.signature.conflicts import Conflicts
from taskaff.stages.signature.hashing import fold_of
from taskaff.stages.signature.onehot import diagonals
from taskaff.stages.signature.sketches import SKETCH_LIMIT, SketchBuilder

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Floats32, Hashes, Ints
    from taskaff.core.records.signature import NearKeys

BLOCK = 2**21
"""Numbers converted to float64 at a time (16 MiB), whatever the size of a batch."""


class Accumulator:
    """Sums over the rows of one split, sketches of all splits; memory does not grow with rows.

    Parameters
    ----------
    name : of the task, for its signature and for errors.
    encoder : which encoder made the vectors.
    layout : what a row is.
    schema : kind and names of the ``c`` label columns.
    split : the split whose rows are summed, or ``all``.
    width : ``d``.
    sketch_limit : most hashes a sketch keeps.

    Raises
    ------
    SignatureError : the sums would need more than 1 GiB.
    """

    def __init__(
        self,
        name: str,
        encoder: EncoderCard,
        layout: Layout,
        schema: LabelSchema,
        split: str,
        width: int,
        *,
        sketch_limit: int = SKETCH_LIMIT,
    ) -> None:
        c = schema.width
        require_room(width, c, task=name)
        self._name, self._encoder, self._layout = name, encoder, layout
        self._schema, self._split, self._width = schema, split, width
        self._sketch_limit = sketch_limit
        self._sketches: dict[str, SketchBuilder] = {}
        self._conflicts: dict[str, Conflicts] = {}
        self._counts = EncodeCounts()
        self._n = np.zeros(FOLDS, np.int64)
        self._sx = np.zeros((FOLDS, width))
        self._sxx = np.zeros((FOLDS, width, width))
        self._syx = np.zeros((FOLDS, c, width))
        self._sy = np.zeros((FOLDS, c))
        # One-hot labels have a diagonal syy whose diagonal is sy: nothing to sum.
        self._syy = np.zeros((FOLDS, c, c)) if schema.kind != "classes" else None

    def add(
        self,
        split: str,
        X: Floats32 | None,
        labels: Ints | Floats | None,
        hashes: Hashes,
        counts: EncodeCounts,
        near: NearKeys | None = None,
    ) -> None:
        """Count rows of one split, and sum them if it is the split of this signature.

        Parameters
        ----------
        split : of all these rows.
        X : ``(n, d)`` vectors; unused, and may be None, where another split is summed.
        labels : ``(n,)`` codes (classes), ``(n, c)`` numbers, or None, as in ``RowBatch``.
        hashes : ``(n,)`` content hashes.
        counts : of the encoding; added where the rows are summed.
        near : keys of the rows, by which near copies are known; None for ready vectors.

        Raises
        ------
        SignatureError : a vector or label is not finite, or a shape does not fit.
        """
        if split not in self._sketches:
            self._sketches[split] = SketchBuilder(self._sketch_limit)
            self._conflicts[split] = Conflicts(self._sketch_limit)
        self._sketches[split].add(hashes, near)
        if labels is not None and len(labels) == len(hashes):  # else refused below, if summed
            self._conflicts[split].add(hashes, labels)
        if self._split not in (split, "all"):
            return
        X, Y = self._checked(X, labels, len(hashes))
        self._counts = self._counts + counts
        folds = fold_of(hashes)
        step = max(1, BLOCK // max(self._width, self._schema.width))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            self._add_block(X[rows], Y[rows], folds[rows])

    def finish(self, inputs: Iterable[InputFile], notes: Sequence[str] = ()) -> TaskSignature:
        """The signature of everything added so far.

        Parameters
        ----------
        inputs : files that the rows came from.
        notes : what a reader of the signature should know.

        Raises
        ------
        SignatureError : the sums left the range of float64.
        """
        signature = TaskSignature(
            name=self._name,
            encoder=self._encoder,
            layout=self._layout,
            schema=self._schema,
            split=self._split,
            n=self._n.copy(),
            sx=self._sx.copy(),
            sxx=self._sxx.copy(),
            sxy=np.ascontiguousarray(self._syx.transpose(0, 2, 1)),
            sy=self._sy.copy(),
            syy=diagonals(self._sy) if self._syy is None else self._syy.copy(),
            sketches={split: self._sketch(split) for split in sorted(self._sketches)},
            counts=self._counts,
            inputs=tuple(inputs),
            notes=tuple(notes),
        )
        if not (np.isfinite(signature.sxx).all() and np.isfinite(signature.syy).all()):
            raise self._error("the squares of the labels or vectors overflow: rescale them")
        require_valid(signature)
        return signature

    def _sketch(self, split: str) -> Sketch:
        return replace(self._sketches[split].sketch(), conflicts=self._conflicts[split].count())

    def _add_block(self, X: Floats32, Y: NDArray[Any], folds: Ints) -> None:
        classes = self._schema.kind == "classes"
        key = folds * self._schema.width + Y if classes else folds
        order = np.argsort(key, kind="stable")
        Z = X[order].astype(np.float64)
        Y, folds = Y[order], folds[order]
        bounds = np.searchsorted(folds, np.arange(FOLDS + 1))
        with np.errstate(over="ignore", invalid="ignore"):  # finish() refuses the result
            for f, (a, b) in enumerate(pairwise(bounds)):
                self._n[f] += b - a
                self._sx[f] += Z[a:b].sum(axis=0)
                self._sxx[f] += Z[a:b].T @ Z[a:b]
                if not classes:
                    self._add_targets(f, Z[a:b], Y[a:b])
            if classes:
                self._add_classes(Z, key[order])

    def _add_targets(self, f: int, X: Floats, Y: Floats) -> None:
        self._syx[f] += Y.T @ X
        self._sy[f] += Y.sum(axis=0)
        if self._syy is not None:
            self._syy[f] += Y.T @ Y

    def _add_classes(self, X: Floats, key: Ints) -> None:
        """Sum runs of equal (fold, class); a one-hot ``(n, c)`` would cost c times the work."""
        if not len(key):
            return
        starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
        fold, code = np.divmod(key[starts], self._schema.width)
        self._syx[fold, code] += np.add.reduceat(X, starts, axis=0)
        self._sy[fold, code] += np.diff(starts, append=len(key))

    def _checked(
        self, X: Floats32 | None, labels: Ints | Floats | None, n: int
    ) -> tuple[Floats32, NDArray[Any]]:
        """Vectors and labels as arrays of the right shape, all finite."""
        if X is None or X.shape != (n, self._width):
            shape = "none" if X is None else str(X.shape)
            raise self._error(f"vectors of shape {shape} where {(n, self._width)} was announced")
        if not np.isfinite(X).all():
            raise self._error(f"{_bad_rows(X)} of a batch of {n} have a vector that is not finite")
        if self._schema.kind == "classes":
            return X, self._checked_codes(labels, n)
        c = self._schema.width
        Y = np.zeros((n, 0)) if labels is None else np.asarray(labels, np.float64)
        if Y.shape != (n, c):
            raise self._error(f"labels of shape {Y.shape} where {(n, c)} was announced")
        if not np.isfinite(Y).all():
            raise self._error(f"{_bad_rows(Y)} of a batch of {n} have a label that is not finite")
        return X, Y

    def _checked_codes(self, labels: Ints | Floats | None, n: int) -> Ints:
        codes = np.zeros(0, np.int64) if labels is None else np.asarray(labels)
        c = self._schema.width
        if codes.shape != (n,) or codes.dtype.kind not in "iu":
            raise self._error(f"{n} class codes were announced, found an array {codes.shape}")
        if n and not (codes.min() >= 0 and codes.max() < c):
            raise self._error(f"class codes {codes.min()} to {codes.max()} of {c} classes")
        return codes.astype(np.int64, copy=False)

    def _error(self, problem: str) -> SignatureError:
        hint = "check the input with `taskaff inspect`"
        return SignatureError(problem, task=self._name, hint=hint)


def _bad_rows(array: Floats32 | Floats) -> str:
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return f"rows {', '.join(str(i + 1) for i in bad[:3])}{more}"
