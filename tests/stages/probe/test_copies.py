"""Copies of a task's rows in another one, exact and near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import taskaff
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors
from taskaff.stages.probe.copies import copied


def task(hashes, near=None):
    n = len(hashes)
    schema = LabelSchema("classes", ("a", "b"), ("label",))
    splits, hashes = np.zeros(n, np.int64), np.array(hashes, np.uint64)
    keys = None if near is None else np.array(near, np.uint64)
    X = np.zeros((n, 2), np.float32)
    return TaskVectors("t", X, np.arange(n) % 2, hashes, splits, schema, near=keys)


def naive(one, rows, other, others):
    """Row against row."""
    return [
        any(
            one.hashes[i] == other.hashes[j]
            or bool(set(one.near[i]) - {0} & set(other.near[j]) - {0})
            for j in others
        )
        for i in rows
    ]


@pytest.mark.parametrize("seed", range(20))
def test_copies_are_those_that_a_look_at_every_pair_finds(seed):
    rng = np.random.default_rng(seed)
    one, other = (
        task(rng.permutation(200)[:40], rng.integers(0, 90, (40, 3)) * rng.integers(0, 2, (40, 3)))
        for _ in range(2)
    )
    rows, others = rng.permutation(40)[:25], rng.permutation(40)[: rng.integers(0, 20)]
    assert copied(one, rows, other, others).tolist() == naive(one, rows, other, others)
    assert copied(one, rows, other, others).tolist() == naive(one, rows, other, others)  # kept


def test_without_keys_only_exact_copies_are_known():
    one, other = task([1, 2, 3]), task([3, 4])
    assert copied(one, np.arange(3), other, np.arange(2)).tolist() == [False, False, True]
    with_keys = replace(other, near=np.array([[5], [6]], np.uint64))
    assert copied(one, np.arange(3), with_keys, np.arange(2)).tolist() == [False, False, True]


@pytest.mark.parametrize("length", [8, 17])
def test_a_copy_with_a_word_more_teaches_a_probe_nothing(tmp_path, length):
    """Every row of the copy is one of the target's with a word appended: no row is left."""
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(60)]
    texts = [" ".join(rng.choice(words, length)) for _ in range(120)]
    for name, more in (("own", ""), ("copy", " more")):
        lines = [f"{text}{more},{'np'[n % 2]}" for n, text in enumerate(texts)]
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    result = taskaff.probe(
        [str(tmp_path / "own.csv"), str(tmp_path / "copy.csv")],
        recipes=("turns",),
        updates=5,
        seeds=(0, 1),
        target_rows=120,
        predict=False,
    )
    pair = next(p for p in result.pairs if (p.source, p.target) == ("copy", "own"))
    assert pair.verdict.call == "inconclusive"
    assert "source rows are left without leaked ones" in pair.verdict.reason
