"""Ratios and windows of transference; lookaheads in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.merge import merge
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.transference_rows import ratio_of_means, transference_row

QUICK = ProbeSettings(
    r=2,
    updates=100,
    target_rows=60,
    source_rows=80,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
    recipes=("turns",),
    transference=True,
)


def test_the_ratio_is_one_of_means_and_null_only_without_self_transfer():
    z, own = [0.01, 0.03, 0.02], [0.05, -0.01, 0.08]
    found = ratio_of_means(z, own, 0.9)
    assert found.mean == pytest.approx(0.06 / 0.12)
    assert found.low < found.mean < found.high
    assert ratio_of_means(z, [0.05, -0.1, 0.02], 0.9).mean is None
    assert ratio_of_means([0.01], [0.04], 0.9).mean == pytest.approx(0.25)
    assert ratio_of_means([], [], 0.9).mean is None


def test_the_interval_of_the_ratio_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        own = 1.0 + 0.3 * rng.normal(size=8)
        z = 0.4 * own + 0.2 * rng.normal(size=8)
        found = ratio_of_means(z, own, 0.9)
        covered += found.low <= 0.4 <= found.high
    assert 0.86 <= covered / 400 <= 0.94


def test_seeds_of_unlike_lengths_share_windows():
    long, short = np.arange(40.0), np.arange(7.0)
    row = transference_row("a", "b", [(long, long), (short, short)], "pair", QUICK, 0.9)
    assert len(row.over_time) == len(row.updates) == 10
    assert row.updates[-1] == 240  # the mean of 400 and 70, up to a measurement
    assert row.over_time == pytest.approx(tuple(np.mean(row.by_seed, axis=0)))


def test_parts_merge_to_the_whole_whatever_their_lengths():
    tasks = [task("a", 200, d=8), task("b", 200, d=8, seed=1)]
    whole = probe(tasks, QUICK)
    parts = [probe(tasks, replace(QUICK, seeds=seeds)) for seeds in ((0,), (1, 2))]
    merged = merge(parts, QUICK, QUICK.confidence)
    lengths = {len(z) for row in whole.transference for z, _ in row.measured}
    assert len(lengths) > 1
    for one, other in zip(merged.transference, whole.transference, strict=True):
        for name in ("z", "own", "ratio"):
            got, want = getattr(one, name), getattr(other, name)
            assert got.mean == pytest.approx(want.mean, abs=1e-5)
            assert got.low == pytest.approx(want.low, abs=1e-4)
        assert one.updates == other.updates


def test_a_step_that_hardly_moves_is_measured_to_more_than_float32():
    """With a rate of 1e-9 float32 losses before and after are equal, and ``Z`` would be 0."""
    tasks = [task("a", 200, d=8), task("b", 200, d=8, seed=1)]
    settings = replace(QUICK, lr=1e-9, updates=20, patience=0.0, seeds=(0, 1))
    for row in probe(tasks, settings).transference:
        assert 0 < row.own.mean < 1e-7
        assert row.z.mean != 0
