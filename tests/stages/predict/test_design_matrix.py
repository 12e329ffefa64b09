"""The columns of the model, from the features as they are stored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stages.predict._samples import features_of

from taskaff.stages.predict import design_matrix


def derived(f):
    """A column's formula on one pair's features (numbers; NaN where one is unknown)."""

    def known(*values):
        return min((v for v in values if v == v), default=math.nan)

    rows_t, rows_s = (known(f[f"{r}_known"], f[f"{r}_rows"]) for r in ("target", "source"))
    heads = sum(max(f[f"{r}_columns"] - 1, 1) for r in ("source", "target"))
    r = f["r"] if f["r"] > 0 else math.nan
    return {
        "target_rows": math.log10(rows_t),
        "source_rows": math.log10(rows_s),
        "share": math.log10(rows_t / (rows_t + rows_s)),
        "crowding": math.log10(heads / r),
        "relative_spread": f["source_spread"] - f["target_spread"],
        "same_layout": float(f["target_pair"] == f["source_pair"]),
        "r": math.log10(r),
    } | {
        name: math.log10(f[name])
        for name in (
            *("target_known", "target_tokens", "target_columns"),
            *("width", "source_tokens", "source_columns"),
        )
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target_known": 50.0, "source_known": 20.0},
        {"target_known": 5000.0, "source_known": math.nan},
        {"target_rows": math.nan, "target_pair": 1.0},
        {"source_columns": 1.0, "target_columns": 4.0, "target_pair": 1.0, "source_pair": 1.0},
        {"r": 0.0},
        {"r": 0.5},
    ],
)
def test_columns(changes):
    f = features_of(np.random.default_rng(0)) | {"mean_shift": 0.25} | changes
    X = design_matrix.matrix({name: np.array([value, value]) for name, value in f.items()})
    found = dict(zip(design_matrix.NAMES, X[0], strict=True))
    expected = derived(f)
    for name in design_matrix.NAMES:
        assert found[name] == pytest.approx(expected.get(name, f.get(name)), nan_ok=True), name
    np.testing.assert_array_equal(X[0], X[1])


def test_what_was_not_stored_is_undefined_and_nothing_is_no_logarithm_of_nothing():
    X = design_matrix.matrix(
        {"target_tokens": np.array([0.0])}, ("target_tokens", "mean_shift", "share")
    )
    assert X[0, 0] == -9.0
    assert np.isnan(X[0, 1:]).all()


def test_logarithms_are_shown_as_what_they_are_of():
    f = features_of(np.random.default_rng(1))
    X = design_matrix.matrix({name: np.array([value]) for name, value in f.items()})
    shown = {n: design_matrix.shown(n, x) for n, x in zip(design_matrix.NAMES, X[0], strict=True)}
    for name in ("target_columns", "source_tokens", "target_known", "r", "width", "mean_shift"):
        assert shown[name] == pytest.approx(f[name])
    assert shown["share"] == pytest.approx(shown["target_rows"] / (300 + shown["source_rows"]))


def test_families():
    families = {}
    for name in design_matrix.NAMES:
        families.setdefault(design_matrix.family(name), []).append(name)
    several = {family: names for family, names in families.items() if names != [family]}
    assert several == {
        "covariance": ["covariance_similarity", "covariance_alignment"],
        "model": [
            *("model_similarity", "model_cosine", "head_energy"),
            *("model_similarity_metric", "head_energy_metric", "explained"),
        ],
        "rows": ["target_rows", "source_rows", "share"],
    }


def test_columns_of_the_target_say_nothing_of_the_source():
    assert {n for n in design_matrix.NAMES if n not in design_matrix.TARGET} == {
        n
        for n in design_matrix.NAMES
        if n.startswith(("source_", "covariance", "model_", "head_"))
        or n in ("mean_shift", "explained", "moment_gain", "overlap", "share", "crowding")
        or n in ("relative_spread", "same_layout")
    }
