"""Pairs with a few tasks score as they do among all pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import taskaff
from taskaff.core.settings import ScoreSettings, Training
from taskaff.stages.score import covariance_similarity, score
from taskaff.stages.score.plugins import SCORES


@pytest.fixture(scope="module")
def signatures():
    rng = np.random.default_rng(0)
    found = []
    for n, rows in enumerate((80, 60, 90, 5)):
        X = rng.normal(size=(rows, 6)) * rng.uniform(0.5, 2, 6)
        y = (X @ rng.normal(size=6) > 0).astype(int) if n != 2 else X @ rng.normal(size=6)
        found.append(taskaff.profile((X, y), name=f"t{n}", cache="off"))
    return found


@pytest.mark.parametrize("around", [("t0",), ("t1", "t3")])
@pytest.mark.parametrize("name", list(SCORES))
def test_the_pairs_that_are_asked_for_are_those_of_a_full_comparison(signatures, name, around):
    settings = ScoreSettings(scores=(name,), capacity=False, training=Training(updates=40))
    full = score(signatures, settings)
    some = score(signatures, replace(settings, around=around))
    whole, part = full.tables[name], some.tables[name]
    assert set(whole.extras) == set(part.extras)
    for i, j in full.pairs(directed=True):
        if not {full.names[i], full.names[j]} & set(around):
            continue
        assert part.at(i, j).note == whole.at(i, j).note
        for key in ("value", "low", "high"):
            one, other = getattr(part, key)[i, j], getattr(whole, key)[i, j]
            assert one == pytest.approx(other, rel=1e-9, nan_ok=True), key
        for key in whole.extras:
            one, other = part.extras[key][i, j], whole.extras[key][i, j]
            assert one == pytest.approx(other, rel=1e-9, nan_ok=True), key


def test_the_other_pairs_are_left_out(signatures):
    settings = ScoreSettings(scores=("source_gain", "model_similarity"), around=("t0",))
    found = score(signatures, settings)
    for table in found.tables.values():
        assert np.isfinite(table.value[0, 1])
        assert np.isnan(table.value[1, 2])


def test_a_task_that_all_pairs_share_is_decomposed_once(signatures, monkeypatch):
    decomposed = []

    def counted(G, share, truncate=covariance_similarity.truncate):
        decomposed.append(G.tobytes())
        return truncate(G, share)

    monkeypatch.setattr(covariance_similarity, "truncate", counted)
    score(signatures, ScoreSettings(scores=("covariance_similarity",), around=("t0",)))
    own = signatures[0].sxx.sum(axis=0).tobytes()
    assert decomposed.count(own) == 1
    assert len(decomposed) == 4
