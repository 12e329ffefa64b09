"""Hashes are part of the file format: they may never change."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.errors import SignatureError
from taskaff.moments import fold_of, row_hashes
from taskaff.records import FOLDS, RowBatch

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
    13624090197938353681,
    10001814460662961837,
    573568246405811768,
    7856545146900015472,
    5224996704525874836,
]
GOLDEN_PAIRS = [16905253272818345633, 17080853553036493894]
GOLDEN_VECTORS = [4044543845273965459, 3620267129250074421]


def test_is_blake2b_of_the_normal_form():
    digest = blake2b("größefin334".encode(), digest_size=8).digest()
    # NFKC makes the vulgar fraction 3, fraction slash, 4; the slash is no letter or digit.
    assert of(["Größe ﬁn 3¾"]) == [int.from_bytes(digest, "little")]


@given(st.lists(texts, max_size=8))
def test_naive_oracle(rows):
    def normal(text: str) -> bytes:
        lower = unicodedata.normalize("NFKC", text).lower()
        kept = "".join(c for c in lower if unicodedata.category(c)[0] in "LN")
        return kept.encode() or b"\x00" + text.encode().hex().encode()

    # Python and Arrow disagree on some rare capitals; what matters here is everything else.
    rows = [text for text in rows if text.lower() == text]
    expected = [
        int.from_bytes(blake2b(normal(text), digest_size=8).digest(), "little") for text in rows
    ]
    assert of(rows) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It's GOOD .", "it 's good."),
        ("-lrb- caf\u00e9 -rrb-", "-LRB- CAFE\u0301 -RRB-"),
        ("ﬁne", "fine"),
        ("\uff11\uff12", "12"),
        ("a\u00a0b\tc\nd", "abcd"),
    ],
)
def test_spellings_that_are_one_row(one, other):
    assert len(set(of([one, other]))) == 1


def test_rows_that_are_not_one():
    different = ["", " ", "!", "!!", "a", "b", "ab", "1", "c a t", "café", "cafe", "21", "\x00"]
    assert len(set(of(different))) == len(different)


def test_a_raw_text_is_not_the_text_that_spells_its_bytes():
    assert len(set(of(["!", "21", b"!".hex()]))) == 2


def test_pairs_keep_order_and_border():
    found = of(["a", "b", "ab", "", "a", "!", "!\x1f"], ["b", "a", "", "ab", "b b", "?", "?"])
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
