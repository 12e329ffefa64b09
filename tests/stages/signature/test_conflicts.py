"""The same text with different labels is counted, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.signature._streams import rows, schema, summed

from taskaff.stages.signature import load, merge, save
from taskaff.stages.signature.conflicts import Conflicts

pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=40)


def naive(found) -> int:
    labels: dict[int, set[int]] = {}
    for row, label in found:
        labels.setdefault(row, set()).add(label)
    return sum(len(some) > 1 for some in labels.values())


@given(pairs, st.integers(1, 7), st.booleans())
def test_count(found, step, columns):
    conflicts = Conflicts()
    for a in range(0, len(found), step):
        some = np.array(found[a : a + step])
        labels = np.eye(4)[some[:, 1]] if columns else some[:, 1]
        conflicts.add(some[:, 0].astype(np.uint64), labels)
    assert conflicts.count() == naive(found)


def test_without_labels_there_are_none():
    conflicts = Conflicts()
    conflicts.add(np.array([1, 1], np.uint64), None)
    assert conflicts.count() == 0


def test_a_sample_estimates_them():
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    conflicts = Conflicts(4_000)
    for label in (0, 1):
        conflicts.add(hashes[: 20_000 - 10_000 * label], np.full(20_000 - 10_000 * label, label))
    assert conflicts.count() == pytest.approx(10_000, rel=0.1)


def test_a_signature_keeps_the_count(tmp_path):
    X, _, hashes = rows(1, 6, 2, 2, "classes")
    hashes[1] = hashes[0]
    labels = np.array([0, 1, 0, 0, 1, 1])  # the last row has the content of the first
    signature = summed(X, labels, hashes, schema("classes", 2), cuts=(1, 3))
    assert signature.sketches["train"].conflicts == 1
    save(signature, tmp_path / "a")
    found = load(tmp_path / "a")
    assert found.sketches["train"].conflicts == 1
    assert merge([found, found]).sketches["train"].conflicts == 2
