"""Gain falls as the cosine between the tasks' models falls (W Figures 7 and 8)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.synthetic import synthetic_task
from taskaff.stages.probe.verdict import t_interval

COSINES = (0.1, 0.5, 0.9)
BASE = ProbeSettings(
    patience=0.0,
    margin=0.0,
    r=1,
    updates=600,
    recipes=("turns",),
    weight_decay=(0.0,),
    target_rows=300,
    source_rows=2000,
    validation_rows=300,
    test_rows=700,
    seeds=(0, 1, 2),
)


def gains(model, more, settings, draw):
    spec = f"synthetic:{model}?rows=4000&seed={draw}&noise=0.5{more}&task="
    tasks = [synthetic_task(f"{spec}1", "target")]
    tasks += [synthetic_task(f"{spec}2&cosine={cosine}", str(cosine)) for cosine in COSINES]
    pairs = probe_pairs(tasks, settings, wanted=[(1, 0), (2, 0), (3, 0)]).pairs
    return [pair.gain.mean for pair in pairs]


@pytest.mark.parametrize(
    ("model", "more", "settings"),
    [
        ("linear", "&kappa=1", BASE),
        pytest.param("logistic", "&kappa=1", BASE, marks=pytest.mark.slow),
        pytest.param("relu", "&kappa=1", replace(BASE, trunk="relu", r=4), marks=pytest.mark.slow),
        pytest.param("rank", "&r=10", replace(BASE, trunk="relu", r=10), marks=pytest.mark.slow),
    ],
)
def test_gain_rises_with_the_cosine_of_the_models(model, more, settings):
    """Interval of the slope over draws of the tasks; the most alike source helps."""
    found = np.array([gains(model, more, settings, draw) for draw in range(300, 308)])
    slopes = np.polyfit(COSINES, found.T, 1)[0]
    assert t_interval(slopes, 0.9).low > 0
    assert t_interval(found[:, -1], 0.9).low > 0
