"""The benchmark of false verdicts, small."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "docs/benchmarks/probe_null.py"


@pytest.fixture(scope="module")
def null():
    spec = importlib.util.spec_from_file_location("probe_null", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_halves_and_permutations_are_exchangeable(null):
    run = next(
        run
        for run in null.plan_pairs(
            null.prepare([null.target(0), null.twin(0)], null.SETTINGS), [(1, 0)]
        ).runs
        if run.key[0] == "mtl"
    )
    first, second = null.halves(run)
    rows = np.concatenate([first.slots[1].train, second.slots[1].train])
    assert sorted(rows) == sorted(run.slots[1].train)
    first, second = null.permutations(run)
    assert first.slots[1].train is second.slots[1].train
    assert (first.slots[1].labels != second.slots[1].labels).any()
    assert first.slots[0] is second.slots[0]


def test_a_look_gives_a_verdict_or_not(null):
    rising = np.array([1.0, 1.1, 0.9, 1.0, 1.05])
    assert null.called(rising, 0.0, (5,), 0.9)
    assert not null.called(rising, 1.2, (5,), 0.9)
    assert null.rate([True, False])["rate"] == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("design", ["noise", "halves", "permutations"])
def test_false_verdicts_are_as_rare_as_stated(null, design):
    """The interval of the rate reaches down to the level; the full size is in the benchmark."""
    settings = replace(null.SETTINGS, updates=40, weight_decay=(0.0,))
    found = null.measure(design, 60, settings, (5, 10))
    for way in ("fixed", "budget"):
        assert found[way]["low"] <= 1 - settings.confidence, found
