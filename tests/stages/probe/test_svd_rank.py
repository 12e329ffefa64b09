"""The rank of Algorithm 2 in the probe, and what is trained with alignment matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.mix import probe_mix
from taskaff.stages.probe.pairs import probe_pairs

QUICK = ProbeSettings(
    r=2, updates=30, patience=0.0, target_rows=150, source_rows=150, seeds=(0, 1),
    weight_decay=(0.0,), recipes=("turns",),
)  # fmt: skip


def same_inputs():
    """Two related labels and one of noise, on the same rows."""
    first = task("a", 300, d=10)
    rng = np.random.default_rng(0)
    near = np.where(rng.random(300) < 0.15, 1 - first.labels, first.labels)
    noise = rng.integers(0, 2, 300)
    return [first, replace(first, name="b", labels=near), replace(first, name="c", labels=noise)]


def test_a_given_rank_is_the_rank():
    settings = replace(QUICK, recipes=("together",), weights="svd")
    found = {
        rank: probe_mix(same_inputs(), replace(settings, svd_rank=rank)).weights["a + b + c"]
        for rank in (None, 1, 3)
    }
    assert found[None] == pytest.approx(found[1])
    assert found[1]["c"] < 0.6 < 1.1 < found[1]["a"]
    assert list(found[3].values()) == pytest.approx([1.0, 1.0, 1.0])


def test_joint_alignment_moves_the_shared_module():
    tasks = [task("a", 150, d=5), task("b", 200, d=5, seed=1)]
    settings = replace(QUICK, align=True, align_lr=0.01)
    heads = probe_pairs(tasks, settings, wanted=[(1, 0)])
    joint = probe_pairs(tasks, replace(settings, align_train="joint"), wanted=[(1, 0)])
    for one, other in zip(heads.pairs, joint.pairs, strict=True):
        changed = one.gain.mean != pytest.approx(other.gain.mean, abs=1e-6)
        assert changed == ("align" in one.arm)
