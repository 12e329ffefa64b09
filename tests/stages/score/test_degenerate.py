"""The degenerate cases: each has an outcome that was decided, none an exception."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import naive_signature, one_hot

from taskaff.core.errors import SignatureError
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.engine import score

COVARIANCE = ("covariance_similarity", "covariance_alignment", "mean_shift")
SETTINGS = ScoreSettings(scores=(*COVARIANCE, "overlap"), capacity=False)
RNG = np.random.default_rng(30)
X = RNG.normal(size=(60, 4)) * [2, 1, 1, 0.5] + 1
HASHES = RNG.integers(1, 2**63, 60, dtype=np.uint64)
FOLDS = (HASHES % 4).astype(int)


def compare(*signatures):
    result = score(list(signatures), SETTINGS)
    return {name: table.at(0, 1) for name, table in result.tables.items()}, result


def task(name="a", rows=slice(None), Y=None, **more):
    return naive_signature(X[rows], Y, name=name, hashes=HASHES[rows], folds=FOLDS[rows], **more)


def test_identical_files():
    found, _ = compare(task("a"), task("b"))
    assert found["covariance_alignment"].value == pytest.approx(1.0, abs=1e-12)
    assert found["mean_shift"].value == 0.0
    assert found["overlap"].value == 1.0


def test_duplicated_rows_change_no_covariance_score_and_are_counted():
    twice = np.repeat(np.arange(60), 2)
    found, result = compare(task("a"), task("b", twice))
    assert found["covariance_similarity"].value == pytest.approx(
        result.tables["covariance_similarity"].value[0, 0], abs=1e-12
    )
    assert found["covariance_alignment"].value == pytest.approx(1.0, abs=1e-3)
    assert found["mean_shift"].value == 0.0
    assert found["overlap"].value == 1.0
    assert [t.duplicates.value for t in result.tasks] == [0, 60]


def test_one_class_only():
    found, _ = compare(task("a", Y=np.ones((60, 1)), kind="classes"), task("b"))
    assert all(found[name].value is not None for name in SETTINGS.scores)


def test_fewer_than_ten_rows():
    found, _ = compare(task("a", slice(0, 9)), task("b"))
    for name in COVARIANCE:
        assert found[name].value is None
        assert found[name].note == "'a' has 9 rows, fewer than 10"
    assert found["overlap"].value == pytest.approx(9 / 60)


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_hardly_any_rows_with_the_limit_lowered(rows):
    settings = dataclasses.replace(SETTINGS, min_rows=0)
    result = score([task("a", slice(0, rows)), task("b")], settings)
    for name, table in result.tables.items():
        found = table.at(0, 1)
        assert found.value is not None or found.note, name


def test_all_texts_empty():
    zeros = naive_signature(np.zeros((20, 4)), name="a", hashes=np.full(20, 7, np.uint64))
    found, result = compare(zeros, task("b"))
    assert found["covariance_similarity"].note == "every vector of 'a' is zero"
    assert found["covariance_alignment"].note == "every vector of 'a' is the same"
    assert found["mean_shift"].value > 0  # b is not centred at zero
    assert found["overlap"].value == 0.0
    assert result.tasks[0].duplicates.value == 19


def test_one_text_repeated():
    same = naive_signature(np.tile(X[0], (20, 1)), name="a", folds=np.full(20, 2))
    found, _ = compare(same, task("b"))
    assert found["covariance_similarity"].value is not None  # one direction, not centred
    assert found["covariance_alignment"].value is None
    assert found["mean_shift"].value is None
    assert found["mean_shift"].note


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.3])
def test_constant_columns(constant):
    padded = np.c_[X, np.full((60, 2), constant)]
    tasks = [naive_signature(padded[i::2], name=str(i)) for i in range(2)]
    plain = [naive_signature(X[i::2], name=str(i)) for i in range(2)]
    found, _ = compare(*tasks)
    expected, _ = compare(*plain)
    for name in ("covariance_alignment", "mean_shift"):
        assert found[name].value == pytest.approx(expected[name].value, abs=1e-9)
        assert not found[name].note
    assert found["covariance_similarity"].value is not None


def test_b_is_a_subset_of_a():
    found, result = compare(task("a"), task("b", slice(0, 30)))
    assert found["overlap"].value == 1.0
    assert result.tables["overlap"].value[1, 0] == 0.5
    assert result.tables["overlap"].extras["shared"][0, 1] == 30
    assert found["covariance_alignment"].value > 0.8
    assert found["mean_shift"].value < 0.2


def test_different_encoders_are_refused():
    with pytest.raises(SignatureError, match="encoder"):
        compare(task("a"), task("b", fingerprint="another"))


def test_permuted_or_renamed_labels_leave_these_scores_alone():
    codes = (X[:, 0] > 1).astype(int)
    shuffled = np.random.default_rng(0).permutation(codes)
    other = naive_signature(X[::-1] + 0.3, name="b")
    found = [
        compare(task("a", Y=one_hot(y, 2), kind="classes", names=names), other)[0]
        for y, names in ((codes, ("no", "yes")), (shuffled, ("no", "yes")), (codes, ("0", "1")))
    ]
    assert found[0] == found[1] == found[2]


def test_order_of_rows_and_number_of_shards_change_nothing():
    order = np.random.default_rng(1).permutation(60)
    other = naive_signature(X * 2 - 1, name="b")
    parts = [task("a", slice(0, 13)), task("a", slice(13, 60))]
    sums = {
        field: getattr(parts[0], field) + getattr(parts[1], field)
        for field in ("n", "sx", "sxx", "sxy", "sy", "syy")
    }
    merged = dataclasses.replace(task("a"), **sums)
    expected, _ = compare(task("a"), other)
    for changed in (task("a", order), merged):
        found, _ = compare(changed, other)
        for name, estimate in expected.items():
            assert found[name].value == pytest.approx(estimate.value, abs=1e-9)
            # Equation 6's spread between folds is computed in float32.
            assert found[name].low == pytest.approx(estimate.low, abs=1e-5)
