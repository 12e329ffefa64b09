from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics as sk

from taskaff.stages.probe.metrics import metrics


def values(seed, m=3, n=40, c=3, rounded=True):
    rng = np.random.default_rng(seed)
    out = rng.standard_normal((m, n, c))
    return (np.round(out, 1) if rounded else out), rng  # rounding makes ties


@settings(max_examples=15)
@given(st.integers(0, 50), st.sampled_from([2, 3, 5]))
def test_class_metrics_against_scikit_learn(seed, c):
    out, rng = values(seed, c=c, rounded=False)
    codes = rng.integers(0, c, 40)
    found = metrics(0, out, codes, np.zeros((1, 0)))
    for j, p in enumerate(softmax(out, axis=-1)):
        said = out[j].argmax(-1)
        assert found["accuracy"][j] == pytest.approx(sk.accuracy_score(codes, said))
        assert found["macro_f1"][j] == pytest.approx(sk.f1_score(codes, said, average="macro"))
        assert found["matthews"][j] == pytest.approx(sk.matthews_corrcoef(codes, said))
        expected = sk.log_loss(codes, p, labels=np.arange(c))
        assert found["log_loss"][j] == pytest.approx(expected)
        if c == 2:
            assert found["auc"][j] == pytest.approx(sk.roc_auc_score(codes, p[:, 1]))


@settings(max_examples=15)
@given(st.integers(0, 50))
def test_multilabel_metrics_against_scikit_learn(seed):
    out, rng = values(seed)
    Y = (rng.random((40, 3)) < 0.4).astype(float)
    found = metrics(1, out, np.zeros(40, int), Y)
    for j, p in enumerate(expit(out)):
        assert found["auc"][j] == pytest.approx(sk.roc_auc_score(Y, p, average="macro"))
        f1 = sk.f1_score(Y, out[j] > 0, average="macro", zero_division=0)
        assert found["macro_f1"][j] == pytest.approx(f1)
        assert found["accuracy"][j] == pytest.approx(((out[j] > 0) == Y).mean())
        expected = np.mean([sk.log_loss(Y[:, c], p[:, c]) for c in range(3)])
        assert found["log_loss"][j] == pytest.approx(expected)


@settings(max_examples=15)
@given(st.integers(0, 50), st.integers(1, 3))
def test_regression_metrics_against_scipy(seed, c):
    out, rng = values(seed, c=c)
    Y = np.round(rng.standard_normal((40, c)), 1)
    found = metrics(2, out, np.zeros(40, int), Y)
    for j in range(3):
        rho = np.mean([spearmanr(out[j, :, i], Y[:, i])[0] for i in range(c)])
        r = np.mean([pearsonr(out[j, :, i], Y[:, i])[0] for i in range(c)])
        assert found["spearman"][j] == pytest.approx(rho)
        assert found["pearson"][j] == pytest.approx(r)
        assert found["r2"][j] == pytest.approx(sk.r2_score(Y, out[j]))


def test_what_is_undefined_is_nan_and_nothing_warns():
    out = np.zeros((2, 20, 2))
    same = metrics(0, out, np.zeros(20, int), np.zeros((1, 0)))
    assert np.isnan(same["auc"]).all()
    assert (same["matthews"] == 0).all()
    flat = metrics(2, out, np.zeros(20, int), np.ones((20, 2)))
    assert all(np.isnan(value).all() for value in flat.values())
    none = metrics(1, out, np.zeros(20, int), np.zeros((20, 2)))
    assert np.isnan(none["auc"]).all()
    wild = metrics(0, np.full((1, 20, 2), np.nan), np.zeros(20, int), np.zeros((1, 0)))
    assert np.isnan(wild["log_loss"]).all()
