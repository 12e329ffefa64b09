from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.special import stdtr
from stages.probe._zoo import task

from taskaff.core.errors import UsageError
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, ProbeResult, SeedGain
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.budget import check_points, drive, level, more_seeds, settled
from taskaff.stages.probe.merge import merge, pool
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.verdict import decide, t_interval

QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=2,
    updates=30,
    target_rows=40,
    source_rows=80,
    seeds=(0, 1, 2, 3),
    weight_decay=(0.0,),
)


# ---------------------------------------------------------------- statistics


@examples(max_examples=40)
@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=1, max_size=5))
def test_pooled_parts_give_the_interval_of_the_whole(parts):
    found = pool([t_interval(part, 0.9) for part in parts], 0.8)
    whole = t_interval([x for part in parts for x in part], 0.8)
    assert found.n == whole.n
    for name in ("mean", "low", "high", "stderr"):
        expected = getattr(whole, name)
        value = getattr(found, name)
        assert value == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_a_part_without_a_mean_leaves_none():
    assert pool([t_interval([1.0, 2.0], 0.9), Interval(None, n=1)], 0.9).mean is None


def false_verdicts(at, confidence, paths=20_000, effect=0.0, seed=5):
    """Share of null paths on which the interval excludes 0 at any of the looks."""
    x = np.random.default_rng(seed).standard_normal((paths, at[-1])) + effect
    wrong = np.zeros(paths, bool)
    for n in at:
        t = x[:, :n].mean(1) / (x[:, :n].std(1, ddof=1) / np.sqrt(n))
        wrong |= 2 * stdtr(n - 1, -np.abs(t)) < 1 - confidence
    return wrong.mean()


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize("first", [3, 5])
def test_looking_often_is_paid_for(first, confidence):
    """Without the correction nearly twice as many null pairs would get a verdict."""
    at, alpha = check_points(first), 1 - confidence
    noise = 3 * np.sqrt(alpha * (1 - alpha) / 20_000)
    assert false_verdicts(at, confidence) > 1.6 * alpha
    found = false_verdicts(at, level(at, confidence))
    assert found <= alpha + noise
    assert found > alpha - 2.5 * noise  # nor is more paid than needed


@pytest.mark.parametrize("stop", [(2,), (4,), (5, 7), (5, 10, 13), (5, 10, 20, 21), (5, 10, 20)])
def test_a_stop_by_the_clock_takes_the_place_of_a_look(stop):
    alpha = 0.1
    noise = 3 * np.sqrt(alpha * (1 - alpha) / 20_000)
    assert false_verdicts(stop, level(check_points(5), 0.9)) <= alpha + noise


def test_looks_double_and_seeds_continue():
    assert check_points(5) == (5, 10, 20, 40)
    assert check_points(1)[0] == 3
    assert check_points(50) == (50,)
    assert level((50,), 0.9) == 0.9
    assert more_seeds((7, 1), 5) == (7, 1, 0, 2, 3)


# -------------------------------------------------------------- made-up pairs


def made_up(effects, spread=1.0, runs=4):
    """A measure whose gains are normal around each pair's effect; calls are noted."""
    calls = []

    def measure(settings, wanted, progress):
        calls.append((settings.seeds, wanted))
        pairs = []
        for i, (name, effect) in enumerate(effects.items()):
            if wanted is not None and (name, "t") not in wanted:
                continue
            noise = [np.random.default_rng((s, i)).standard_normal() for s in settings.seeds]
            seeds = tuple(
                SeedGain(s, 1.0 + effect + spread * e, 1.0, 0.0, 0.0, 0, (0.0, 0.0))
                for s, e in zip(settings.seeds, noise, strict=True)
            )
            gain = t_interval([s.gain for s in seeds], settings.confidence)
            verdict = decide(gain, settings.margin)
            pairs.append(PairOutcome(name, "t", gain, "accuracy", gain, verdict, 1.0, 0.0, seeds))
        if progress:
            progress(runs * len(settings.seeds), runs * len(settings.seeds))
        return ProbeResult("pairs", (), tuple(pairs), settings, "", runs * len(settings.seeds))

    return measure, calls


def test_seeds_are_added_for_open_pairs_only():
    measure, calls = made_up({"far": 9.0, "near": 0.4, "null": 0.0})
    settings = ProbeSettings(budget=1e6)
    found = drive(measure, 4, settings)
    assert len(found.pair("far", "t").seeds) == 5
    assert found.pair("far", "t").verdict.call == "positive"
    assert 5 < len(found.pair("near", "t").seeds) <= 40
    assert found.pair("near", "t").verdict.call == "positive"
    null = found.pair("null", "t")
    assert len(null.seeds) == 40
    assert null.verdict.call == "inconclusive"
    assert null.verdict.reason.startswith("the largest number of seeds is reached after 40 seeds")
    assert calls[0] == ((0, 1, 2, 3, 4), None)
    assert calls[1] == ((5, 6, 7, 8, 9), frozenset({("near", "t"), ("null", "t")}))
    assert found.finished
    assert found.settings.seeds == tuple(range(40))
    assert any("together they hold with 90%" in note for note in found.notes)


def test_an_interval_within_the_margin_is_decided_too():
    measure, calls = made_up({"null": 0.0}, spread=0.1)
    found = drive(measure, 4, ProbeSettings(budget=1e6, margin=1.0))
    assert len(calls) == 1
    assert "lies within the margin" in found.pair("null", "t").verdict.reason
    assert found.finished


def test_time_out_leaves_what_is_undecided_inconclusive(monkeypatch):
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr("taskaff.stages.probe.budget.time.perf_counter", lambda: next(clock))
    measure, calls = made_up({"far": 9.0, "null": 0.0})
    found = drive(
        measure, 10_000, ProbeSettings(budget=60.0)
    )  # a call is one seed, 3 s by this clock
    assert not found.finished
    assert 5 <= len(calls) <= 11
    reason = found.pair("null", "t").verdict.reason
    assert reason.startswith(f"time is out (60 s) after {len(calls)} seeds: interval")
    assert found.pair("far", "t").verdict.call == "positive"


def interrupted(measure, after):
    left = [after]

    def until(settings, wanted, progress):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return measure(settings, wanted, progress)

    return until


def test_an_interrupt_gives_what_is_known():
    measure, _ = made_up({"far": 9.0, "null": 0.0})
    found = drive(interrupted(measure, 3), 10_000, ProbeSettings())
    assert not found.finished
    assert found.settings.seeds == (0, 1, 2)
    assert found.pair("null", "t").verdict.reason.startswith("interrupted after 3 seeds")
    gains = [s.gain for s in found.pair("far", "t").seeds]
    assert found.pair("far", "t").gain.low == pytest.approx(t_interval(gains, 0.9).low)


def test_an_interrupt_before_anything_is_known_goes_up():
    measure, _ = made_up({"far": 9.0})
    with pytest.raises(KeyboardInterrupt):
        drive(interrupted(measure, 0), 4, ProbeSettings())


def test_diverged_pairs_are_not_waited_for():
    measure, _ = made_up({"null": 0.0})
    pair = measure(ProbeSettings(), None, None).pairs[0]
    assert not settled(pair, ProbeSettings())
    assert settled(replace(pair, gain=Interval(None)), ProbeSettings())
    assert settled(replace(pair, arm="self"), ProbeSettings())


def test_the_rate_of_false_verdicts_with_a_budget():
    """200 null pairs of made-up gains: the driver, not only its boundary."""
    measure, _ = made_up({f"s{i}": 0.0 for i in range(200)})
    found = drive(measure, 4, ProbeSettings(budget=1e6))
    wrong = sum(pair.verdict.call != "inconclusive" for pair in found.pairs)
    assert wrong <= 20 + 3 * np.sqrt(200 * 0.1 * 0.9)


def test_progress_never_goes_back():
    seen = []
    measure, _ = made_up({"null": 0.0})
    drive(measure, 4, ProbeSettings(budget=1e6), lambda done, total: seen.append((done, total)))
    assert all(done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


# ---------------------------------------------------------------- real training


def test_progress_of_a_mode_that_trains_more_than_once():
    seen = []
    tasks = [task("a", 150), task("b", 150, seed=1)]
    settings = replace(QUICK, controls=True, transference=True, chunk_runs=2)
    found = probe(tasks, settings, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (found.runs, found.runs)
    assert all(done <= total for done, total in seen)


def test_seeds_trained_apart_are_the_seeds_trained_together(monkeypatch):
    tasks = [task("a", 150), task("b", 150, seed=1, c=3)]
    whole = probe_pairs(tasks, QUICK)
    monkeypatch.setattr("taskaff.stages.probe.budget.RUNS", 1)
    found = probe(tasks, QUICK)
    assert found.runs == whole.runs
    assert [asdict(t) for t in found.tasks] == [asdict(t) for t in whole.tasks]
    assert found.finished
    assert found.notes == whole.notes
    for one, other in zip(found.pairs, whole.pairs, strict=True):
        assert [s.seed for s in one.seeds] == [0, 1, 2, 3]
        assert one.gain.low == pytest.approx(other.gain.low, abs=1e-5)
        assert one.metric_gain.high == pytest.approx(other.metric_gain.high, abs=1e-5)
        assert one.verdict.call == other.verdict.call
        assert one.stl_loss == pytest.approx(other.stl_loss, abs=1e-5)


def test_a_diverged_seed_is_a_diverged_pair_after_merging():
    tasks = [task("a", 150), task("b", 150, kind="regression", c=1, seed=1)]
    wild = replace(QUICK, lr=1e30, seeds=(0,))
    parts = [probe_pairs(tasks, replace(QUICK, seeds=(1, 2))), probe_pairs(tasks, wild)]
    pair = merge(parts, QUICK, 0.9).pairs[0]
    assert pair.verdict.call == "inconclusive"
    assert "diverged" in pair.verdict.reason
    assert pair.gain.mean is None


def test_a_budget_with_real_tasks():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    found = probe(tasks, replace(QUICK, budget=1e-3))
    assert not found.finished
    assert len(found.pairs) == 2
    for pair in found.pairs:
        assert pair.verdict.call != "inconclusive" or "time is out" in pair.verdict.reason


@pytest.mark.parametrize(
    ("change", "mode", "says"),
    [
        ({"budget": 0.0}, "pairs", "budget must be above 0"),
        ({}, "pears", "unknown mode 'pears'"),
        ({"controls": True, "capacities": (2,)}, "pairs", "--controls means nothing here"),
    ],
)
def test_bad_requests_are_refused(change, mode, says):
    with pytest.raises(UsageError, match=says):
        probe([task("a", 150), task("b", 150, seed=1)], replace(QUICK, **change), mode)


def test_equal_names_are_refused():
    with pytest.raises(UsageError, match="two data sets of one name"):
        probe([task("a", 150), task("a", 150, seed=1)], QUICK)
