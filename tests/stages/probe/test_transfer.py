from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import UsageError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import probe
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.transfer import TUNED, TURNED, probe_transfer

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=40,
    target_rows=40,
    source_rows=120,
    seeds=(0, 1, 2),
    weight_decay=(0.0,),
)


def tasks():
    kinds = ("classes", "regression", "multilabel")
    return [task(name, 200, seed=i, c=2, kind=kinds[i]) for i, name in enumerate("abc")]


def found(result, source, target, arm):
    return next(p for p in result.pairs if (p.source, p.target, p.arm) == (source, target, arm))


@pytest.mark.parametrize("form", ["full", "low-rank", "orthogonal"])
def test_two_outcomes_of_every_directed_pair(form):
    result = probe(tasks(), replace(QUICK, align_form=form), mode="transfer")
    assert result.mode == "transfer"
    assert result.runs == 3 * (3 + 6 + 2 * 6)
    assert len(result.pairs) == 2 * 6
    for pair in result.pairs:
        assert pair.against == {TUNED: "alone", TURNED: TUNED}[pair.arm]
        assert pair.gain.low < pair.gain.mean < pair.gain.high


def test_alone_is_the_single_task_arm_of_pairs_mode():
    transfer, pairs = probe_transfer(tasks(), QUICK), probe_pairs(tasks(), QUICK)
    for pair in pairs.pairs:
        same = found(transfer, pair.source, pair.target, TUNED)
        assert same.stl_loss == pytest.approx(pair.stl_loss, abs=2e-6)


def test_with_a_rate_of_zero_the_matrix_changes_nothing():
    result = probe_transfer(tasks(), replace(QUICK, align_lr=0.0))
    for pair in result.pairs:
        if pair.arm == TURNED:
            assert pair.gain.mean == pytest.approx(0.0, abs=2e-6)


def test_a_source_with_the_rule_of_the_target_helps_and_noise_does_not():
    whole = task("whole", 1500, d=40)

    def part(name, rows, labels=None):
        chosen = whole.labels if labels is None else labels
        return replace(
            whole,
            name=name,
            X=whole.X[rows],
            labels=chosen[rows],
            hashes=whole.hashes[rows],
            splits=whole.splits[rows],
        )

    target, source = part("t", slice(0, 300)), part("s", slice(300, 1500))
    random = np.random.default_rng(1).integers(0, 2, 1500)
    noise = part("n", slice(300, 1500), random)
    settings = replace(
        QUICK, r=1, updates=300, target_rows=60, source_rows=900, seeds=tuple(range(5))
    )
    result = probe_transfer([target, source], settings)
    assert found(result, "s", "t", TUNED).verdict.call == "positive"
    noisy = probe_transfer([target, noise], settings)
    assert found(noisy, "n", "t", TUNED).gain.mean < found(result, "s", "t", TUNED).gain.low


def test_leaked_rows_are_removed_from_training_and_from_stopping():
    target = task("t", 200)
    copy = replace(target, name="copy")
    result = probe_transfer([target, copy], replace(QUICK, target_rows=200))
    for pair in result.pairs:
        assert pair.verdict.call == "inconclusive"
        assert "without leaked ones" in pair.verdict.reason
        assert pair.gain.mean is None
    kept = probe_transfer([target, copy], replace(QUICK, target_rows=200, leaks="keep"))
    assert all(pair.gain.mean is not None for pair in kept.pairs)


def test_divergence_is_inconclusive_with_its_reason():
    result = probe_transfer(tasks(), replace(QUICK, lr=1e30))
    for pair in result.pairs:
        assert pair.verdict.call == "inconclusive"
        assert "diverged" in pair.verdict.reason


def test_outcomes_do_not_depend_on_the_stacking():
    whole = probe_transfer(tasks(), QUICK)
    part = probe_transfer(tasks(), replace(QUICK, chunk_runs=2))
    for one, other in zip(whole.pairs, part.pairs, strict=True):
        assert one.gain.mean == pytest.approx(other.gain.mean, abs=1e-5)


def test_one_task_is_refused():
    with pytest.raises(UsageError, match="two data sets"):
        probe_transfer(tasks()[:1], QUICK)


def test_reports_and_targets_of_transfer():
    """The source has no R; equation 6 changes by the target's."""
    only = probe(tasks(), replace(QUICK, targets=("b",)), mode="transfer")
    assert {(p.source, p.target) for p in only.pairs} == {("a", "b"), ("c", "b")}
    assert only.runs == 3 * (1 + 2 + 2 * 2)
    whole = probe(tasks(), QUICK, mode="transfer")
    assert [(r.source, r.target) for r in whole.alignment] == [
        (p.source, p.target) for p in whole.pairs if p.arm == TURNED
    ]
    for report in whole.alignment:
        assert (report.distance_source.low, report.distance_source.high) == (0.0, 0.0)
        assert report.distance_target.mean > 0
        assert 0 < report.similarity_before.mean <= 1
        assert report.similarity_after.mean != report.similarity_before.mean
    still = probe(tasks(), replace(QUICK, align_lr=0.0), mode="transfer").alignment[0]
    assert still.distance_target.mean == 0
    assert still.similarity_after.mean == pytest.approx(still.similarity_before.mean)
