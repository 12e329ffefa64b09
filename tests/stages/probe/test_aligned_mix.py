"""Alignment in a mix of any number of tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stages.probe._zoo import task

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import probe

QUICK = ProbeSettings(
    r=2, updates=30, patience=0.0, target_rows=60, seeds=(0, 1, 2),
    weight_decay=(0.0, 0.3), recipes=("turns",), align=True, align_lr=0.02,
)  # fmt: skip


def tasks(k=3):
    return [task(name, 200, seed=i, c=2 + i, d=5) for i, name in enumerate("abcd"[:k])]


@pytest.mark.parametrize("train", ["heads", "joint"])
def test_arms_reports_and_runs(train):
    settings = replace(QUICK, align_train=train)
    found = probe(tasks(), settings, mode="mix")
    off = replace(QUICK, align=False, align_lr=ProbeSettings().align_lr)
    plain = probe(tasks(), off, mode="mix")
    arms = [(p.target, p.arm, p.against) for p in found.pairs]
    assert arms[:4] == [(p.target, p.arm, p.against) for p in plain.pairs]
    assert arms[4:] == [
        (target, "align", against)
        for against in ("mix", "align control")
        for target in ("a", "b", "c", "all")
    ]
    for one, other in zip(found.pairs, plain.pairs, strict=False):
        assert one.gain.mean == pytest.approx(other.gain.mean, abs=2e-6)
    # two more tasks alone, then mix, align and control of every task
    assert found.runs == plain.runs + 3 * 2 * (2 + 3 * 3)
    assert [(r.source, r.target) for r in found.alignment] == [("a", "b"), ("a", "c"), ("b", "c")]
    for report in found.alignment:
        assert report.distance_source.mean > 0 < report.distance_target.mean
        assert report.similarity_after.mean != report.similarity_before.mean
    for pair in found.pairs[4:]:
        assert pair.gain.low < pair.gain.mean < pair.gain.high


def test_the_whole_is_the_mean_of_the_tasks():
    found = probe(tasks(), QUICK, mode="mix")
    whole = next(p for p in found.pairs if (p.target, p.against) == ("all", "align control"))
    assert len(whole.seeds) == 3
    parts = [p for p in found.pairs if p.against == "align control" and p.target != "all"]
    for n, seed in enumerate(whole.seeds):
        shares = [p.seeds[n].gain / p.seeds[n].constant_loss for p in parts]
        assert seed.gain == pytest.approx(sum(shares) / 3)


def test_without_a_rate_of_its_own_nothing_changes():
    """R stays the identity, and a second stage may end where it began."""
    found = probe(tasks(), replace(QUICK, align_lr=0.0, lr=1e-30), mode="mix")
    for pair in found.pairs:
        if (pair.arm, pair.against) == ("align", "mix"):
            assert pair.gain.mean == pytest.approx(0.0, abs=1e-5)
    assert all(report.distance_target.mean == 0 for report in found.alignment)


def test_divergence_is_said():
    found = probe(tasks(2), replace(QUICK, lr=1e30), mode="mix")
    assert {pair.verdict.call for pair in found.pairs} == {"inconclusive"}
    assert all("diverged" in pair.verdict.reason for pair in found.pairs)
