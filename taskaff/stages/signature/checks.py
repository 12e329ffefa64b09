"""Invariants of a signature, whoever wrote it: checked after summing, on save and on load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import Place, SignatureError
from taskaff.core.records.signature import FOLDS, Sketch, TaskSignature

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints

ROOM = 2**30
"""Maximum size of the sums of a signature, in bytes."""

TOLERANCE = 1e-6
"""Tolerance relative to the scale of a sum: far above rounding, far below any wrong number."""

MOST_ROWS = 2**53
"""Number of rows beyond which float64 cannot count."""

AGAIN = "profile the data set again with `taskaff profile`"

UNDERFLOW = 1e-290
"""Squares below it have lost digits or vanished."""


def require_room(d: int, c: int, *, task: str | None = None, where: Place | None = None) -> None:
    """Refuse sums of more than 1 GiB: ``FOLDS`` times ``(d + c) ** 2`` float64 numbers.

    Raises
    ------
    SignatureError : they would not fit.
    """
    if d >= 1 and 8 * FOLDS * (d + c) ** 2 <= ROOM:
        return
    many = "vectors are too wide" if d >= c else "there are too many label columns or classes"
    raise SignatureError(
        f"the sums of {d} dimensions and {c} label columns do not fit in 1 GiB: {many}",
        task=task,
        where=where,
        hint="if the label is a number, use --label-kind regression" if c > d else None,
    )


def require_valid(signature: TaskSignature, where: Place | None = None) -> None:
    """Refuse a signature whose sums no rows could have given.

    Parameters
    ----------
    signature : any.
    where : its file, if it has one.

    Raises
    ------
    SignatureError : naming the first thing that is wrong.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        wrong = _wrong_shape(signature) or _wrong_inputs(signature) or _wrong_labels(signature)
        wrong = wrong or _wrong_sketches(signature)
    if wrong:
        raise SignatureError(
            wrong,
            task=signature.name,
            where=where,
            hint=AGAIN,
        )


def require_symmetric(signature: TaskSignature, where: Place | None = None) -> None:
    """Refuse sums of products that one triangle does not tell, to the last digit.

    Raises
    ------
    SignatureError : they were not made by adding products of rows.
    """
    for sums in (signature.sxx, signature.syy):
        if not np.array_equal(sums, sums.transpose(0, 2, 1)):
            problem = "a sum of products is not symmetric"
            raise SignatureError(problem, task=signature.name, where=where, hint=AGAIN)


def _wrong_shape(s: TaskSignature) -> str | None:
    d, c = s.sx.shape[-1], s.schema.width
    expected = {
        "n": (FOLDS,),
        "sx": (FOLDS, d),
        "sxx": (FOLDS, d, d),
        "sxy": (FOLDS, d, c),
        "sy": (FOLDS, c),
        "syy": (FOLDS, c, c),
    }
    for name, shape in expected.items():
        array = getattr(s, name)
        if array.shape != shape:
            return f"{name} has shape {array.shape}, expected {shape}"
        if array.dtype != (np.int64 if name == "n" else np.float64):
            return f"{name} holds {array.dtype}"
        if not np.isfinite(array).all():
            return f"{name} holds a number that is not finite"
    return None


def _wrong_inputs(s: TaskSignature) -> str | None:
    squares = np.einsum("fii->fi", s.sxx)
    if (s.n < 0).any() or (s.n > MOST_ROWS).any():
        return "a fold has an impossible number of rows"
    if (squares < 0).any():
        return "a sum of squares is negative"
    if _beyond_cauchy_schwarz(s.sx, squares, s.n):
        return "sums and sums of squares contradict each other"
    return None


def _wrong_labels(s: TaskSignature) -> str | None:
    if len(set(s.schema.names)) != s.schema.width:
        return "two label columns have the same name"
    if s.schema.kind != "regression" and (s.sy < 0).any():
        return "a class has a negative number of rows"
    if _beyond_cauchy_schwarz(s.sy, np.einsum("fii->fi", s.syy), s.n):
        return "sums and sums of squares of the labels contradict each other"
    if s.schema.kind != "classes":
        return None
    if (s.sy.sum(axis=1) != s.n).any():
        return "the rows of the classes do not add up to all rows"
    scale = np.sqrt(s.n)[:, None] * np.sqrt(np.einsum("fii->fi", s.sxx))
    if (np.abs(s.sxy.sum(axis=2) - s.sx) > TOLERANCE * scale).any():
        return "the sums of the classes do not add up to the sum over all rows"
    return None


def _wrong_sketches(s: TaskSignature) -> str | None:
    for split, sketch in s.sketches.items():
        if not _ordered(sketch):
            return f"the row sketch of {split!r} is inconsistent"
    summed = sum(sketch.rows for split, sketch in s.sketches.items() if s.split in (split, "all"))
    known = s.sketches if s.split == "all" else s.split in s.sketches
    if known and summed != s.rows:
        return f"{s.rows} rows were summed but {summed} were sketched"
    return None


def _ordered(sketch: Sketch) -> bool:
    h = sketch.hashes
    return bool(
        h.ndim == 1
        and len(h) <= sketch.distinct <= sketch.rows
        and (len(h) < 2 or (h[1:] > h[:-1]).all())
        and (not len(h) or int(h[-1]) <= sketch.threshold < 2**64)
        and (not sketch.exact or (sketch.distinct == len(h) and sketch.threshold == 2**64 - 1))
    )


def _beyond_cauchy_schwarz(total: Floats, squares: Floats, n: Ints) -> bool:
    """Whether any ``(sum x)^2 > n sum x^2``; roots, because the products may overflow."""
    bound = np.sqrt(n)[:, None] * np.sqrt(np.maximum(squares, UNDERFLOW))
    return bool((np.abs(total) > (1 + TOLERANCE) * bound).any()) or bool(total[n == 0].any())
