"""Algorithm 1 against negative transfer on the paper's linear example (W Figure 9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.synthetic import synthetic_task

SETTINGS = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=1,
    updates=1000,
    recipes=("turns",),
    weight_decay=(0.0,),
    target_rows=300,
    source_rows=200,
    validation_rows=300,
    test_rows=700,
    seeds=tuple(range(16)),
    align=True,
)


def figure9(form, rate):
    """``(arm, against)`` to its outcome, for the source of another covariance."""
    spec = "synthetic:linear?task={}&rows=8000&seed=3&kappa=10&noise=0.5"
    tasks = [synthetic_task(spec.format(i), f"task{i}") for i in (1, 3)]
    settings = replace(SETTINGS, align_form=form, align_lr=rate)
    result = probe_pairs(tasks, settings, wanted=[(1, 0)])
    assert len(result.alignment) == 1
    return {(p.arm, p.against): p for p in result.pairs}, result.alignment[0]


def above(pair, sign):
    """Whether the mean over seeds lies beyond 0 for the rows of this draw of the tasks."""
    return sign * pair.gain.mean > 1.8 * pair.gain.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("form", "rate"), [("full", 0.003), ("orthogonal", 0.003)])
def test_alignment_removes_the_negative_transfer_of_a_small_source(form, rate):
    pairs, report = figure9(form, rate)
    plain, aligned = pairs["mtl", "alone"], pairs["align", "alone"]
    assert above(plain, -1)
    assert above(pairs["align", "mtl"], 1)
    assert aligned.gain.mean - 2 * aligned.gain.stderr > plain.gain.mean
    assert not above(aligned, -1)
    assert report.distance_target.low > 0
    assert report.similarity_after.mean > report.similarity_before.mean
    if form == "orthogonal":
        assert aligned.gain.mean > 0


@pytest.mark.slow
def test_the_matrices_alone_give_little():
    """With as many parameters but no source, an ``R`` is worth less than a tenth of the harm."""
    pairs, _ = figure9("full", 0.003)
    control = pairs["align control", "alone"]
    assert control.source == control.target == "task1"
    assert abs(control.gain.mean) < 0.1 * abs(pairs["mtl", "alone"].gain.mean)
