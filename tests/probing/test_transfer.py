"""What the probe must show on the paper's synthetic tasks (W Figure 3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taskaff.probing.pairs import probe_pairs
from taskaff.probing.records import ProbeSettings
from taskaff.probing.synthetic import synthetic_task
from taskaff.probing.verdict import t_interval

BASE = ProbeSettings(
    r=1,
    steps=1000,
    sampling="equal",
    weight_decay=(0.0,),
    target_rows=300,
    validation_rows=300,
    test_rows=700,
    seeds=tuple(range(20)),
)
RELU = replace(BASE, trunk="relu", r=2, target_rows=1000)


def figure3(model, settings, noise, sizes, seed=3):
    """``(source, rows of the source)`` to the pair's outcome, for the target of the figure."""
    spec = "synthetic:{}?task={}&rows=8000&seed={}&kappa=10&noise={}"
    tasks = [synthetic_task(spec.format(model, i, seed, noise), f"task{i}") for i in (1, 2, 3)]
    found = {}
    for rows in sizes:
        sized = replace(settings, source_rows=rows)
        for pair in probe_pairs(tasks, sized, wanted=[(1, 0), (2, 0)]).pairs:
            found[pair.source, rows] = pair
    return found


def rise(found, source, sizes):
    """Paired over seeds: gain with the most source rows minus gain with the fewest."""
    few, many = (np.array([s.gain for s in found[source, n].seeds]) for n in (sizes[0], sizes[-1]))
    return t_interval(many - few, 0.9)


@pytest.mark.parametrize(
    ("model", "settings", "noise", "fewest"),
    [
        ("linear", BASE, 0.5, 200),
        pytest.param("logistic", BASE, 0.5, 200, marks=pytest.mark.slow),
        pytest.param("relu", RELU, 0.2, 100, marks=pytest.mark.slow),
    ],
)
def test_figure_3(model, settings, noise, fewest):
    sizes = (fewest, 1000, 4000)
    found = figure3(model, settings, noise, sizes)
    for rows in sizes:
        same, other = found["task2", rows], found["task3", rows]
        assert same.verdict.call == "positive", rows
        if rows == fewest:
            assert other.verdict.call == "negative"
    assert rise(found, "task3", sizes).low > 0
