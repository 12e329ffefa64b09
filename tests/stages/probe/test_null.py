"""The benchmark of coverage and false verdicts, small."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from paths import ROOT

SCRIPT = ROOT / "docs/benchmarks/probe_null.py"


@pytest.fixture(scope="module")
def null():
    spec = importlib.util.spec_from_file_location("probe_null", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(null):
    tasks, wanted = null.drawn("related", range(1))
    plan = null.plan_pairs(null.prepare(tasks, null.SETTINGS), wanted)
    return next(run for run in plan.runs if run.key[0] == "mtl")


def test_halves_and_permutations_are_exchangeable(null, run):
    first, second = null.swapped("halves", run)
    rows = np.concatenate([first.slots[1].train, second.slots[1].train])
    assert sorted(rows) == sorted(run.slots[1].train)
    assert len(first.slots[1].train) == len(second.slots[1].train)
    first, second = null.swapped("permutations", run)
    assert first.slots[1].train is second.slots[1].train
    assert (first.slots[1].labels != second.slots[1].labels).any()
    assert first.slots[0] is second.slots[0]


def test_verdicts_are_false_when_they_say_what_is_not_so(null):
    rows = [
        {"verdict": call, "seeds": 5}
        for call in ("positive", "negative", "neutral", "inconclusive")
    ]
    for truth, false in ((0.02, 2), (0.0, 2), (-0.02, 2)):
        assert null.judged(rows, truth, 0.01)["false"]["rate"] == false / 4


def test_an_interval_covers_its_ends(null):
    rows = [
        {"low": 0.0, "high": 1.0, "seeds_only": [0.4, 0.6]},
        {"low": -1.0, "high": 0.2, "seeds_only": [-0.6, 0.1]},
    ]
    found = null.covered(rows, 0.2)
    assert found["covers"]["rate"] == 1.0
    assert found["seeds_only"]["rate"] == 0.0


def test_parts_that_are_there_are_not_measured_again(null, tmp_path, monkeypatch):
    small = replace(
        null.SETTINGS, recipes=("turns",), updates=20, weight_decay=(0.0,), seeds=(0, 1)
    )
    monkeypatch.setattr(null, "SETTINGS", small)
    monkeypatch.setattr(null, "GROUP", 2)
    first = null.part("halves", "fixed", "", 3, tmp_path)
    assert len(first) == 3
    monkeypatch.setattr(null, "measured", None)
    assert null.part("halves", "fixed", "", 3, tmp_path) == first


@pytest.mark.slow
def test_intervals_hold_and_verdicts_are_true_in_the_small(null):
    """The exact intervals of the rates reach what is stated; the full size is in the benchmark."""
    for design in ("noise", "halves"):
        rows = null.part(design, "adaptive", "turns", 40, None)
        margin = null.SETTINGS.margin if design in null.LAWS else 0.0
        assert null.judged(rows, 0.0, margin)["false"]["low"] <= 0.1, design
