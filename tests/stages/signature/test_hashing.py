"""Hashes are part of the file format: they may never change."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from taskaff.core.errors import SignatureError
from taskaff.core.records.data import RowBatch
from taskaff.core.records.signature import FOLDS
from taskaff.stages.signature import fold_of, row_hashes

texts = st.text(st.characters(codec="utf-8"), max_size=30)


def of(*columns: list[str], labels=None, kind=None) -> list[int]:
    arrays = tuple(pa.array(column, kind or pa.string()) for column in columns)
    return row_hashes(RowBatch("f", "train", 0, arrays, None, labels)).tolist()


def of_vectors(vectors) -> list[int]:
    batch = RowBatch("f", "train", 0, (), np.asarray(vectors), None)
    return row_hashes(batch).tolist()


def test_golden_values():
    assert of(["A fine film.", "Größe ﬁn 3¾", "东京 2020", "!!!", ""]) == GOLDEN_TEXTS
    assert of(["A fine film.", "!!!"], ["It is good", ""]) == GOLDEN_PAIRS
    assert of_vectors(np.array([[1.5, -0.0], [0.0, 2.0]], np.float32)) == GOLDEN_VECTORS


GOLDEN_TEXTS = [
    18019493876106606402,
    6669439733700005129,
    2461749147056816175,
    11350957471471838049,
    5224996704525874836,
]
GOLDEN_PAIRS = [6843082432608616141, 3003801575196035200]
GOLDEN_VECTORS = [4044543845273965459, 3620267129250074421]


def test_is_blake2b_of_the_normal_form():
    # NFKC makes the vulgar fraction 3, fraction slash, 4.
    for text, form in (
        ("Größe ﬁn 3¾ .", "grösse fin 33\u20444".encode()),
        ("!\u3000\uff1f", b"\x00! ?"),
    ):
        digest = blake2b(form, digest_size=8).digest()
        assert of([text]) == [int.from_bytes(digest, "little")]


def test_rows_that_are_not_one():
    different = ["", "!", "!!", "a", "b", "ab", "1", "c a t", "café", "cafe", "21", "\x7fx"]
    assert len(set(of(different))) == len(different)


def test_a_text_of_stops_is_no_other_text():
    assert len(set(of(["!", "\x00!", "\x00", "", "? !"]))) == 3


def test_pairs_keep_order_and_border():
    found = of(["a", "b", "ab", "", "a", "!", "!\x1f?"], ["b", "a", "", "ab", "b b", "?", ""])
    assert len(set(found)) == 7
    assert set(found).isdisjoint(of(["ab", "a b", "a\x1fb"]))


def test_labels_take_no_part():
    assert of(["x"], labels=np.array([0])) == of(["x"], labels=np.array([1]))


def test_arrow_types_and_slices_make_no_difference():
    column = ["left out", "one", "!!", "three"]
    expected = of(column)[1:]
    assert of(column[1:], kind=pa.large_string()) == expected
    sliced = RowBatch("f", "train", 0, (pa.array(column)[1:],), None, None)
    assert row_hashes(sliced).tolist() == expected


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f4"])
def test_vectors_hash_their_values(order, kind):
    values = np.array([[1.5, -0.0, 3.0], [0.25, 2.0, -1.0]], np.float32)
    assert of_vectors(np.asarray(values, kind, order=order)) == of_vectors(values)
    assert of_vectors(np.abs(values)) != of_vectors(values)


def test_vectors_of_no_rows():
    assert of_vectors(np.zeros((0, 3), np.float32)) == []
    assert of([]) == []


def test_text_that_is_not_utf8_is_refused():
    broken = pa.array([b"ok", b"caf\xe9"]).view(pa.string())
    with pytest.raises(SignatureError, match="UTF-8") as info:
        row_hashes(RowBatch("f.csv", "train", 0, (broken,), None, None))
    assert "--encoding" in info.value.hint


def test_folds_are_the_low_bits():
    hashes = np.array([0, 1, 2, 3, 4, 2**64 - 1], np.uint64)
    assert fold_of(hashes).tolist() == [0, 1, 2, 3, 0, 3]
    assert fold_of(hashes).dtype == np.int64


@pytest.mark.data
def test_folds_are_balanced_on_real_text(shared_data):
    import pyarrow.csv as csv

    table = csv.read_csv(shared_data / "sentiment/mr/data.csv")
    batch = RowBatch("mr", "train", 0, (table["text"].combine_chunks(),), None, None)
    sizes = np.bincount(fold_of(row_hashes(batch)), minlength=FOLDS)
    n = sizes.sum()
    chi2 = ((sizes - n / FOLDS) ** 2 / (n / FOLDS)).sum()
    assert chi2 < 11.3  # 99 % point with 3 degrees of freedom; the data never change
