"""Rounds, looks and ends: properties that every run's schedule has."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.recipe import MOST_UPDATES
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.schedule import (
    DENSE,
    EXTENSION,
    Limits,
    Schedule,
    evaluations,
    source_share,
)

NONE = np.empty(0, np.int64)
SHARES = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4)


def run_of(shares, tested=None, **more):
    total = sum(shares)
    slots = tuple(
        Slot(0, np.arange(40 + s), NONE, NONE, f"t{s}", tested=tested is None or s in tested)
        for s in range(len(shares))
    )
    own = tuple(share / total for share in shares)
    return Run((), 0, slots, "x", **{"updates": 30, "shares": own, **more})


@given(SHARES, st.integers(0, 200), st.integers(0, 200))
def test_the_order_of_a_stretch_has_the_counts_of_its_rounds(shares, start, more):
    schedule = Schedule(run_of(shares))
    order = schedule.order(start, start + more)
    counted = np.bincount(order, minlength=len(shares))
    np.testing.assert_array_equal(counted, schedule.counts(start + more) - schedule.counts(start))
    assert len(order) == schedule.total(start + more) - schedule.total(start)


@given(SHARES, st.integers(1, 150), st.integers(1, 150))
def test_stretches_joined_are_the_whole(shares, first, more):
    schedule, again = Schedule(run_of(shares)), Schedule(run_of(shares))
    parts = [schedule.order(0, first), schedule.order(first, first + more)]
    np.testing.assert_array_equal(np.concatenate(parts), again.order(0, first + more))


@given(SHARES)
def test_shares_are_kept_from_the_start(shares):
    """No slot is ever further from its share than one update."""
    schedule = Schedule(run_of(shares))
    rounds = np.arange(1, 300)
    exact = rounds[:, None] * np.array(schedule.rates)
    assert np.abs(schedule.counts(rounds) - exact).max() <= 0.5 + 1e-9
    assert max(schedule.rates) <= MOST_UPDATES
    assert schedule.rates[schedule.reference] == 1.0


def test_turns_alternate():
    order = Schedule(run_of([1, 1, 1])).order(0, 50).reshape(50, 3)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile([0, 1, 2], (50, 1)))
    assert len({tuple(each) for each in order}) > 1


def test_the_target_of_a_pair_is_the_clock():
    run = run_of([0.1, 0.9], tested={0})
    schedule = Schedule(run)
    assert schedule.counts(10).tolist() == [10, 90]
    assert schedule.evaluation_rounds(0) == {n: n for n in Limits(30, 0.0).evaluations()}
    assert source_share(run) == pytest.approx(0.9)


def test_a_small_source_has_updates_in_some_rounds_only():
    schedule = Schedule(run_of([0.9, 0.1], tested={0}))
    assert schedule.counts(90).tolist() == [90, 10]
    assert np.diff(schedule.counts(np.arange(91))[:, 1]).max() == 1


def test_a_small_judged_task_is_looked_at_on_its_own_grid():
    schedule = Schedule(run_of([0.8, 0.2]))
    rounds = schedule.evaluation_rounds(1)
    assert list(rounds.values()) == list(Limits(30, 0.0).evaluations())
    assert all(schedule.counts(n)[1] == updates for n, updates in rounds.items())
    assert all(schedule.counts(n - 1)[1] < updates for n, updates in rounds.items())


def test_a_source_that_leaves_has_no_later_updates():
    run = run_of([0.5, 0.5], tested={0}, updates=100, source_until=0.5)
    order = Schedule(run).order(0, 100)
    assert (order == 0).sum() == 100
    assert (order == 1).sum() == 50
    assert not order[-50:].any()


def test_epochs_pass_over_the_rows_of_every_judged_task():
    run = replace(run_of([0.5, 0.5]), epochs=3, batch=16, patience=3.0)
    schedule = Schedule(run)
    assert [schedule.limits(s).updates for s in range(2)] == [9, 9]
    assert schedule.limits(0).most == 9


def test_updates_of_a_single_run_are_those_of_its_order():
    run = run_of([0.3, 0.7], tested={0}, batch=8)
    schedule = Schedule(run)
    found = [batch[0][0] for batch in islice(schedule.updates(), 200)]
    np.testing.assert_array_equal(found, Schedule(run).order(0, 200)[:200])


# ------------------------------------------------------------------ looks and ends


@given(st.integers(1, 5000))
def test_looks_start_early_grow_and_end_with_the_last_update(last):
    grid = evaluations(last)
    assert grid[-1] == last
    assert list(grid) == sorted(set(grid))
    if last > 3:
        assert grid[0] == 3
        assert max(b / a for a, b in pairwise(grid)) < 1.4
        assert max(b - a for a, b in pairwise(grid)) <= DENSE[2] + 1


def test_a_longer_cap_adds_looks_and_moves_none():
    short, long = set(evaluations(400)[:-1]), set(evaluations(1600))
    assert short <= long


@pytest.mark.parametrize(
    ("updates", "best", "ended"),
    [
        (99, 3, False),  # the loss may rise and fall again at the start
        (100, 3, True),
        (100, 33, True),
        (100, 34, False),
        (299, 100, False),
        (300, 100, True),
        (400, 320, True),  # at the cap, best clearly before it
        (400, 330, False),  # best close to the end: trained on
        (1599, 1599, False),
        (1600, 1600, True),
    ],
)
def test_a_run_ends_by_patience_or_at_its_cap(updates, best, ended):
    curve = [(best, 0.5), (updates - 1, 0.8), (updates, 0.9)]
    if best == updates:
        curve = [(updates - 1, 0.9), (best, 0.5)]
    assert Limits(400, 3.0).ended(curve) is ended


def test_a_run_whose_loss_falls_is_not_ended_by_patience():
    """It rises at first and then falls: its best is yet to come."""
    curve = [(3, 0.5), (60, 2.0), (100, 1.0), (200, 0.7)]
    assert not Limits(400, 3.0).ended(curve)
    assert Limits(400, 3.0).ended([*curve[:-1], (200, 1.1)])
    assert Limits(400, 3.0).ended([*curve, (400, 0.6)])  # the cap ends it all the same


def test_without_patience_a_run_ends_at_its_cap():
    limits = Limits(400, 0.0)
    assert not limits.ended([(1, 0.5), (399, 0.6)])
    assert limits.ended([(1, 0.5), (400, 0.6)])
    assert limits.most == 400
    assert not limits.at_cap(400, 400)


def test_a_run_that_still_improves_at_the_end_is_said():
    limits = Limits(100, 3.0)
    assert limits.most == 100 * EXTENSION
    assert limits.at_cap(400, 399)
    assert not limits.at_cap(400, 200)
