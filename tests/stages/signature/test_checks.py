"""Every check of a signature: what it refuses, and the nearest thing that it lets pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import naive_signature, one_hot, sketch

from taskaff.core.errors import SignatureError
from taskaff.core.records.signature import FOLDS, Sketch
from taskaff.stages.signature.checks import (
    MOST_ROWS,
    ROOM,
    require_room,
    require_symmetric,
    require_valid,
)

TOP = 2**64 - 1


def made(kind="classes", n=12, **changes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    Y = one_hot(np.arange(n) % 3, 3) if kind == "classes" else rng.normal(size=(n, 3))
    Y = np.abs(Y) if kind == "multilabel" else Y
    return replace(naive_signature(X, Y, kind=kind), **changes)


def refusal(signature):
    """Why it is refused, or nothing."""
    try:
        require_valid(signature)
    except SignatureError as error:
        return str(error)
    return ""


def with_entry(signature, name, index, value):
    array = getattr(signature, name).copy()
    array[index] = value
    return replace(signature, **{name: array})


@pytest.mark.parametrize("kind", ["classes", "multilabel", "regression"])
@pytest.mark.parametrize("n", [0, 1, 12])
def test_sums_of_rows_are_valid(kind, n):
    assert refusal(made(kind, n)) == ""


@pytest.mark.parametrize("name", ["n", "sx", "sxx", "sxy", "sy", "syy"])
def test_shapes_and_types(name):
    one = made()
    array = getattr(one, name)
    assert f"{name} has shape" in refusal(replace(one, **{name: array[:-1]}))
    other = np.float64 if name == "n" else np.float32
    assert f"{name} holds {np.dtype(other)}" in refusal(replace(one, **{name: array.astype(other)}))
    if name != "n":
        broken = with_entry(one, name, (0,) * array.ndim, np.nan)
        assert f"{name} holds a number that is not finite" in refusal(broken)


def test_numbers_of_rows():
    one = made("regression", sketches={})
    assert "impossible number" in refusal(with_entry(one, "n", 0, -1))
    assert "impossible number" in refusal(with_entry(one, "n", 0, MOST_ROWS + 1))
    assert refusal(with_entry(one, "n", 0, MOST_ROWS)) == ""
    # A fold without rows has sums of nothing.
    assert "contradict" in refusal(with_entry(one, "n", 0, 0))


def test_squares():
    one = made("regression", 1)  # folds 1 to 3 have no rows
    assert refusal(with_entry(one, "sxx", (1, 0, 0), -1e-300)).find("negative") > 0
    assert refusal(with_entry(one, "sxx", (1, 0, 0), 0.0)) == ""


@pytest.mark.parametrize(("sums", "squares"), [("sx", "sxx"), ("sy", "syy")])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_and_their_squares(sums, squares, sign):
    """``(sum x)^2 <= n sum x^2``, but for rounding."""
    one = made("regression")
    most = np.sqrt(one.n[1] * getattr(one, squares)[1, 0, 0])
    assert refusal(with_entry(one, sums, (1, 0), sign * most * (1 + 5e-7))) == ""
    assert "contradict" in refusal(with_entry(one, sums, (1, 0), sign * most * (1 + 2e-6)))
    tiny = with_entry(one, squares, (1, 0, 0), 0.0)
    # Squares of such numbers vanish.
    assert refusal(with_entry(tiny, sums, (1, 0), 1e-150)) == ""
    assert "contradict" in refusal(with_entry(tiny, sums, (1, 0), 1e-140))


def test_classes_add_up():
    one = made()
    many = with_entry(with_entry(one, "sy", (0, 0), 2.0), "syy", (0, 0, 0), 2.0)
    assert "do not add up to all rows" in refusal(many)
    scale = np.sqrt(one.n[0] * one.sxx[0, 0, 0])
    near = one.sxy[0, 0, 0] + 5e-7 * scale
    assert refusal(with_entry(one, "sxy", (0, 0, 0), near)) == ""
    off = one.sxy[0, 0, 0] - 2e-6 * scale
    assert "sum over all rows" in refusal(with_entry(one, "sxy", (0, 0, 0), off))
    for kind in ("multilabel", "regression"):
        other = made(kind)
        assert refusal(with_entry(other, "sxy", (0, 0, 0), 5.0)) == ""


def test_labels():
    one = made()
    names = replace(one.schema, names=("a", "b", "a"))
    assert "same name" in refusal(replace(one, schema=names))
    for kind in ("classes", "multilabel"):
        negative = with_entry(made(kind), "sy", (0, 0), -0.1)
        assert "negative number of rows" in refusal(negative)
    assert refusal(with_entry(made("regression"), "sy", (0, 0), -0.1)) == ""


def rows(n, start=0):
    return sketch(np.arange(start, start + n))


@pytest.mark.parametrize(
    ("split", "sketches", "found"),
    [
        ("train", {"train": 12}, ""),
        ("train", {"train": 12, "test": 5}, ""),
        ("train", {"train": 11}, "12 rows were summed but 11 were sketched"),
        ("train", {"train": 7, "test": 5}, "12 rows were summed but 7 were sketched"),
        ("train", {"test": 5}, ""),  # nothing is known of the summed split
        ("train", {}, ""),
        ("all", {"train": 7, "test": 5}, ""),
        ("all", {"train": 12, "test": 5}, "12 rows were summed but 17 were sketched"),
        ("all", {"test": 5}, "12 rows were summed but 5 were sketched"),
        ("all", {}, ""),
    ],
)
def test_which_sketches_are_of_the_summed_rows(split, sketches, found):
    parts = {name: rows(n) for name, n in sketches.items()}
    assert found in refusal(made(split=split, sketches=parts))
    assert bool(refusal(made(split=split, sketches=parts))) == bool(found)


@pytest.mark.parametrize(
    ("hashes", "changes", "fine"),
    [
        ([1, 2], {}, True),
        ([], {"rows": 0, "distinct": 0}, True),
        ([3], {}, True),
        ([TOP], {}, True),
        ([1, 1], {"distinct": 2}, False),
        ([2, 1], {}, False),
        ([[1, 2]], {"rows": 2, "distinct": 1}, False),
        ([1, 2], {"distinct": 1}, False),
        ([1, 2], {"distinct": 3, "rows": 3}, False),  # exact, but not all are kept
        ([1, 2], {"distinct": 13, "rows": 12, "exact": False}, False),
        ([1, 2], {"threshold": 5}, False),
        ([1, 2], {"threshold": 5, "exact": False}, True),
        ([1, 2], {"threshold": 2, "exact": False, "distinct": 7, "rows": 9}, True),
        ([1, 2], {"threshold": 1, "exact": False}, False),
        ([1, 2], {"threshold": TOP + 1, "exact": False}, False),
        ([], {"threshold": TOP + 1, "rows": 0, "distinct": 0, "exact": False}, True),
    ],
)
def test_sketches(hashes, changes, fine):
    """Of a split that was not summed, so that only the sketch itself is looked at."""
    found = np.array(hashes, np.uint64)
    n = len(np.ravel(found))
    plain = Sketch(found, n, n, TOP, exact=True)
    signature = made(sketches={"train": rows(12), "test": replace(plain, **changes)})
    assert refusal(signature).endswith("'test' is inconsistent") != fine
    assert bool(refusal(signature)) != fine


def test_room():
    most = int((ROOM / (8 * FOLDS)) ** 0.5)
    require_room(most - 3, 3)
    for d, c, many in ((most - 2, 3, "too wide"), (3, most, "too many label"), (0, 0, "too wide")):
        with pytest.raises(SignatureError, match=many) as caught:
            require_room(d, c, task="t")
        assert (caught.value.hint is not None) == (c > d)
    with pytest.raises(SignatureError, match="too wide") as caught:
        require_room(most, most)
    assert caught.value.hint is None


@pytest.mark.parametrize("name", ["sxx", "syy"])
def test_symmetry(name):
    one = made()
    require_symmetric(one)
    array = getattr(one, name).copy()
    array[2, 0, 1] = np.nextafter(array[2, 1, 0], 9.0)
    with pytest.raises(SignatureError, match="not symmetric"):
        require_symmetric(replace(one, **{name: array}))
