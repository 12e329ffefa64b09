"""What a slot's outcome says of its evaluations and its test."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from taskaff.stages.probe.evaluation import due_evaluations, slot_outcome

CURVE = [(5.0, 0.9), (10.0, 0.6), (20.0, 0.7)]
LOSSES = np.array([0.5, 0.75], np.float32)


def outcome(curve=CURVE, losses=LOSSES, late=False):
    limits = SimpleNamespace(at_cap=lambda updates, step: late and (updates, step) == (20, 10))
    found = {"accuracy": 0.5}
    return slot_outcome(
        curve, (0.6, 10), 20, limits, 0.7, losses=losses, metrics=found, state=None, outputs=None
    )


@pytest.mark.parametrize("late", [False, True])
def test_the_outcome_is_that_of_the_best_evaluation(late):
    found = outcome(late=late)
    assert (found.validation_loss, found.test_loss, found.step) == (0.6, 0.625, 10)
    assert found.metrics == {"accuracy": 0.5}
    assert found.curve.tolist() == [list(point) for point in CURVE]
    assert found.diverged == ""
    assert found.at_cap is late
    assert found.row_losses is LOSSES


@pytest.mark.parametrize(
    ("curve", "losses", "reason"),
    [
        ([(5.0, float("nan"))], LOSSES, "infinite or not a number"),
        (CURVE, np.array([np.inf], np.float32), "infinite or not a number"),
        ([*CURVE, (40.0, 71.0)], LOSSES, "grew to 71"),
    ],
)
def test_a_diverged_slot_has_a_reason_and_no_numbers(curve, losses, reason):
    found = outcome(curve, losses)
    assert reason in found.diverged
    assert np.isnan([found.validation_loss, found.test_loss, found.metrics["accuracy"]]).all()
    assert found.row_losses is None


def test_a_loss_a_hundred_times_a_constant_is_no_divergence_yet():
    assert outcome([*CURVE, (40.0, 69.0)]).diverged == ""


def test_a_run_from_given_weights_is_evaluated_first():
    schedule = SimpleNamespace(evaluation_rounds=lambda s, grid: {3: 2 + s})
    assert due_evaluations(SimpleNamespace(initial=None), schedule, 1) == {3: 3}
    assert due_evaluations(SimpleNamespace(initial={}), schedule, 1) == {0: 0, 3: 3}
