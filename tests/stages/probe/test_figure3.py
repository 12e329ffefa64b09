"""What the probe must show on the paper's synthetic tasks (W Figure 3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.synthetic import synthetic_task
from taskaff.stages.probe.verdict import t_interval

BASE = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=1,
    updates=1000,
    recipes=("turns",),
    weight_decay=(0.0,),
    target_rows=300,
    validation_rows=300,
    test_rows=700,
    seeds=tuple(range(20)),
)


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


def test_figure_3_in_one_draw_of_the_tasks():
    """Interval over splits, initial weights and batches, the models being one draw."""
    sizes = (200, 1000, 4000)
    found = figure3("linear", BASE, 0.5, sizes)
    assert [found["task2", rows].verdict.call for rows in sizes] == ["positive"] * 3
    assert found["task3", 200].verdict.call == "negative"
    few, many = (np.array([s.gain for s in found["task3", n].seeds]) for n in (200, 4000))
    assert t_interval(many - few, 0.9).low > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "settings", "few_rows", "positive_from", "hurts"),
    [
        ("linear", BASE, 300, 500, True),
        ("logistic", BASE, 300, 1000, True),
        ("relu", replace(BASE, trunk="relu", r=4), 100, 300, False),
    ],
)
def test_figure_3_over_draws_of_the_tasks(model, settings, few_rows, positive_from, hurts):
    """Intervals over sixteen draws of models and covariances, four seeds each.

    The set-up was searched for on draws 0 to 7; these took no part in that. With ReLU a few rows
    of the other covariance do not decidedly hurt.
    """
    settings = replace(settings, seeds=(0, 1, 2, 3))
    sizes = sorted({few_rows, positive_from, 4000})
    draws = [figure3(model, settings, 0.5, sizes, seed=seed) for seed in range(100, 116)]
    gains = {key: np.array([draw[key].gain.mean for draw in draws]) for key in draws[0]}
    for rows in sizes:
        if rows >= positive_from:
            assert t_interval(gains["task2", rows], 0.9).low > 0, rows
    few, many = gains["task3", few_rows], gains["task3", 4000]
    assert t_interval(few, 0.9).high < 0 or not hurts
    assert t_interval(many - few, 0.9).low > 0
