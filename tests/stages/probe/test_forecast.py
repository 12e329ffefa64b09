"""How long a probe is expected to take, with a clock that is set by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from taskaff.core.records.probe import Forecast
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.forecast import HELD_OUT, TRIAL, forecast
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.synthetic import synthetic_task

ROWS = {"a": 900, "b": 5000}
EXACT = ProbeSettings(patience=0.0, updates=24, seeds=(0, 1))


class Trials:
    """Stands for training: each trial takes ``seconds`` of a clock of its own."""

    def __init__(self, seconds=1.0, runs=10):
        self.now, self.seconds, self.runs, self.seen = 0.0, seconds, runs, []

    def __call__(self, settings, wanted, progress):
        assert progress is None
        self.seen.append((settings, wanted))
        self.now += self.seconds
        return SimpleNamespace(runs=self.runs)

    def forecast(self, settings, runs=2000, rows=ROWS):
        return forecast(self, runs, rows, settings, clock=lambda: self.now)


def test_as_many_updates_as_the_trial_take_as_long_for_each_seed():
    trials = Trials(seconds=3.0)
    assert trials.forecast(EXACT) == Forecast(6.0, 2, 6.0, 2)
    [(trial, wanted)] = trials.seen
    assert trial.seeds == (0,)  # so many runs are enough for one call
    assert wanted is None
    assert trial.updates == TRIAL["vectors"]


def test_seeds_that_are_trained_together_are_tried_together():
    trials = Trials(seconds=3.0)
    assert trials.forecast(EXACT, runs=40).seconds == 3.0
    assert trials.seen[0][0].seeds == (0, 1)


def test_more_updates_take_longer_and_looks_count():
    once = Trials().forecast(EXACT).seconds
    twice = Trials().forecast(replace(EXACT, updates=48)).seconds
    assert once * 1.5 < twice < once * 2  # looks grow rarer
    assert Trials().forecast(replace(EXACT, updates=1200)).seconds > 20 * once


def test_patience_ends_before_the_cap():
    capped = Trials().forecast(replace(EXACT, updates=1200)).seconds
    patient = Trials().forecast(replace(EXACT, updates=1200, patience=3.0)).seconds
    assert 0.3 * capped < patient < 0.6 * capped


def test_seeds_that_may_be_added_are_the_upper_end():
    found = Trials().forecast(replace(EXACT, max_seeds=20))
    assert (found.seeds, found.most_seeds) == (2, 20)
    assert found.most_seconds == pytest.approx(10 * found.seconds)


def test_a_budget_is_the_answer_and_nothing_is_tried():
    trials = Trials()
    assert trials.forecast(replace(EXACT, budget=60.0)).seconds == 60.0
    assert not trials.seen


@pytest.mark.parametrize("rows", [300, ALL_ROWS])
def test_epochs_count_the_rows_that_there_are(rows):
    settings = replace(EXACT, epochs=3, target_rows=rows)
    updates = 3 * (10 if rows == 300 else 157)  # batches of 32
    exact = Trials().forecast(replace(EXACT, updates=updates)).seconds
    assert Trials().forecast(settings).seconds == pytest.approx(exact)


@pytest.mark.parametrize("trunk", ["lstm", "transformer"])
def test_fine_tuned_trunks_try_one_pair_on_few_rows(trunk):
    trials = Trials(runs=2)
    settings = settings_for({"trunk": trunk, "targets": ("b",)})
    one = trials.forecast(settings, runs=2)
    [(trial, wanted)] = trials.seen
    assert wanted == {("a", "b")}
    assert (trial.validation_rows, trial.test_rows) == (HELD_OUT, HELD_OUT)
    assert len(trial.seeds) == 1
    ten = Trials(runs=2).forecast(settings, runs=20)
    assert ten.seconds == pytest.approx(10 * one.seconds)


def test_the_forecast_comes_before_training_and_changes_no_answer():
    tasks = [
        synthetic_task(f"synthetic:linear?rows=200&d=20&task=1&seed={n}", f"t{n}") for n in range(2)
    ]
    settings = ProbeSettings(
        seeds=(0, 1), updates=20, weight_decay=(0.0,), target_rows=40, source_rows=60
    )
    order = []
    told = probe(
        tasks,
        settings,
        progress=lambda done, total: order.append("trained"),
        expect=lambda found: order.append(found),
    )
    assert isinstance(order[0], Forecast)
    assert order[0].seconds > 0
    assert order[1:] == ["trained"] * (len(order) - 1)
    assert len(order) > 1
    plain = probe(tasks, settings)
    assert [pair.gain for pair in told.pairs] == [pair.gain for pair in plain.pairs]
