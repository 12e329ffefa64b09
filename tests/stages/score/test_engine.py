from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from builders import naive_signature, sketch
from oracles import T3_90

import taskaff.stages.score
from taskaff.core.errors import ScoreError, SignatureError, UsageError
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.engine import score
from taskaff.stages.score.jackknife import interval, t_quantile

NAMES = ("covariance_alignment", "overlap")
QUICK = ScoreSettings(scores=NAMES, capacity=False)


def task(name, rows=24, width=3, seed=0, **more):
    X = np.random.default_rng(seed).normal(size=(rows, width))
    return naive_signature(X, X[:, :1], name=name, **more)


def test_selected_scores_stand_in_the_order_of_the_table():
    settings = dataclasses.replace(QUICK, scores=NAMES[::-1])
    result = score([task("a"), task("b", seed=1)], settings)
    assert tuple(result.tables) == NAMES
    assert result.names == ("a", "b")
    assert result.capacity is None
    assert result.settings == settings
    assert set(result.timings) >= set(NAMES)


def test_everything_runs_by_default():
    result = score([task("a", 60), task("b", 60, seed=1)])
    assert tuple(result.tables) == tuple(taskaff.stages.score.SCORES)
    assert result.capacity is not None
    assert result.environment == {}


def test_the_room_exports_score_and_loads_it_late():
    assert taskaff.stages.score.score is score
    code = "import sys, taskaff.stages.score; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("signatures", "error", "found", "hint"),
    [
        ([task("a")], ScoreError, "1 task given", "two data sets"),
        ([], ScoreError, "no task given", "two data sets"),
        ([task("a"), task("b"), task("a")], ScoreError, "two tasks are called 'a'", "NAME=PATH"),
        ([task("a"), task("b", fingerprint="x")], SignatureError, "encoder", "embed the texts"),
        ([task("a"), task("b", width=4)], SignatureError, "4 dimensions", "pad"),
    ],
)
def test_refusals(signatures, error, found, hint):
    with pytest.raises(error) as caught:
        score(signatures, QUICK)
    assert found in str(caught.value)
    assert hint in caught.value.hint


def test_an_unknown_score_says_what_is_near():
    with pytest.raises(UsageError) as caught:
        score([task("a"), task("b")], ScoreSettings(scores=("overlop",)))
    assert "did you mean 'overlap'" in caught.value.hint


def test_summary_counts_repeats_and_leaks_of_the_summed_split():
    parts = {
        "train": sketch(np.array([1, 1, 2, 3])),
        "test": sketch(np.array([3, 4, 4])),
        "validation": sketch(np.array([2])),
    }
    a = dataclasses.replace(task("a"), sketches=parts)
    both = dataclasses.replace(a, name="b", split="all")
    first, second = score([a, both], QUICK).tasks
    assert (first.duplicates.value, first.split_leak.value) == (1, 2)
    assert second.duplicates.value == 4
    assert second.split_leak.value is None
    assert (first.rows, first.width, first.layout) == (24, 3, "vectors")


def test_the_quantile_of_student_t_with_three_degrees_of_freedom():
    # Printed tables: 0.50, 0.80, 0.90, 0.95, 0.99.
    for confidence, expected in ((0.5, 0.7649), (0.8, 1.6377), (0.9, T3_90), (0.95, 3.1824)):
        assert t_quantile(confidence) == pytest.approx(expected, abs=1e-4)
    assert t_quantile(0.99) == pytest.approx(5.8409, abs=1e-4)


def test_an_interval_by_hand():
    # Replicates 0, 0, 0, 4: mean 1, sum of squares 12, standard error sqrt(3/4 * 12) = 3.
    replicates = np.array([0.0, 0.0, 0.0, 4.0])[:, None]
    low, high = interval(np.array([1.0]), replicates, 0.9)
    assert (low[0], high[0]) == pytest.approx((1 - 3 * T3_90, 1 + 3 * T3_90))
    low, high = interval(np.array([1.0]), replicates, 0.9, (0.0, 2.0))
    assert (low[0], high[0]) == (0.0, 2.0)


def test_a_wider_confidence_gives_a_wider_interval():
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        settings = dataclasses.replace(QUICK, confidence=confidence)
        table = score([task("a"), task("b", seed=1)], settings).tables["covariance_alignment"]
        widths.append(table.high[0, 1] - table.low[0, 1])
    assert widths == sorted(widths)
    assert widths[0] < widths[1]
