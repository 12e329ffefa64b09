"""From outcomes of arms to the gain of a pair: every number's place, from outcomes made up."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from taskaff.core.records.probe import SeedGain
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.comparison import Arms, best_decay, compare, least, paired
from taskaff.stages.probe.predicted import Truth
from taskaff.stages.probe.records import RunOutcome, SlotOutcome
from taskaff.stages.probe.verdict import decide, t_interval

WORDS = ("alone", "mtl")
CURVE = np.zeros((1, 2))


def slot(validation=0.5, test=0.6, accuracy=0.7, step=10, **more):
    metrics = {"accuracy": accuracy, "auc": accuracy / 2, "spearman": accuracy / 4}
    return SlotOutcome(validation, test, metrics, step, CURVE, **more)


def test_the_decay_with_the_least_validation_loss_is_chosen():
    runs = [
        RunOutcome(("a", 0, 0.1), (slot(0.5), slot(9.0))),
        RunOutcome(("a", 0, 0.3), (slot(0.4), slot(9.0))),
        RunOutcome(("a", 0, 1.0), (slot(0.4, test=0.1), slot(9.0))),
        RunOutcome(("a", 1, 0.1), (None, slot(9.0))),
        RunOutcome(("b", 0, 0.1), (slot(0.2), None)),
    ]
    found = best_decay(runs)
    assert set(found) == {("a", 0), ("b", 0)}
    assert found["a", 0] == (runs[1].slots[0], 0.3)  # the first of equals
    assert found["b", 0] == (runs[4].slots[0], 0.1)


@pytest.mark.parametrize("turned", [False, True])
def test_a_diverged_run_is_chosen_only_where_all_are(turned):
    broken, fine = slot(math.nan, diverged="it diverged"), slot(5.0)
    found = [("a", 0.1, broken), ("a", 0.3, fine)]
    assert least(found[::-1] if turned else found) == {"a": (fine, 0.3)}
    assert least(found[:1]) == {"a": (broken, 0.1)}


def arms(**more):
    """Two seeds of one target (1) with one source (0), alone and together."""
    rows = np.array([0.1, 0.5, 0.3], np.float32)
    best = {}
    for n in (0, 1):
        alone = slot(0.5 + n, 0.6 + n, 0.7, 10 + n, row_losses=rows + n, at_cap=n == 1)
        together = slot(0.3 + n, 0.5 + n, 0.9, 20 + n, row_losses=rows - 0.05 * (n + 1))
        best[("alone", 1, n)] = (alone, 0.1)
        best[("mtl", "concat", 0, 1, n)] = (together, 0.3 + n)
    return Arms(best, **more)


KEYS = [(("alone", 1, n), ("mtl", "concat", 0, 1, n)) for n in (0, 1)]
SETTINGS = ProbeSettings(seeds=(4, 7))


def compared(some, kind="classes", settings=SETTINGS, words=WORDS):
    return compare(settings, kind, ("src", "tgt"), some, KEYS, words)


def test_every_number_of_a_seed():
    hashes = np.arange(3, dtype=np.uint64)
    found = compared(
        arms(
            removed={KEYS[1][1]: 5, KEYS[0][0]: 9},
            constants={(1, 0): 0.65, (1, 1): 1.9},
            rows={(1, 0): (hashes, 30, 0.4)},
        )
    )
    first, second = found.seeds
    assert (first.seed, second.seed) == (4, 7)
    assert (first.stl_loss, first.mtl_loss, second.stl_loss) == (0.6, 0.5, 1.6)
    assert (first.stl_metric, first.mtl_metric) == (0.7, 0.9)
    assert first.metrics == {
        "accuracy": (0.7, 0.9),
        "auc": (0.35, 0.45),
        "spearman": (0.175, 0.225),
    }
    assert (first.removed, second.removed, found.leaked) == (0, 5, 2.5)
    assert (first.weight_decay, second.weight_decay) == ((0.1, 0.3), (0.1, 1.3))
    assert (first.updates, second.updates) == ((10, 20), (11, 21))
    assert (first.at_cap, second.at_cap, found.at_cap) == (False, True, 1)
    assert (first.validation, second.validation) == ((0.5, 0.3), (1.5, 1.3))
    assert (first.constant_loss, second.constant_loss) == (0.65, 1.9)
    assert first.test_rows.ids is hashes
    np.testing.assert_allclose(first.test_rows.gains, 0.05, rtol=1e-5)
    assert (first.test_rows.pool, first.test_rows.trained) == (30, 0.4)
    assert second.test_rows is None
    assert first.predicted is None
    assert (found.source, found.target, found.arm, found.against) == ("src", "tgt", "mtl", "alone")
    assert found.stl_loss == pytest.approx(1.1)
    assert found.metric_gain == t_interval([0.9 - 0.7] * 2, 0.9)
    assert found.metric == "accuracy"
    assert compared(arms(), "multilabel").metric == "auc"


@pytest.mark.parametrize("without", ["alone", "mtl", "hashes"])
def test_gains_of_rows_need_the_same_rows_of_both_arms(without):
    hashes = np.arange(2 if without == "hashes" else 3, dtype=np.uint64)
    some = arms(rows={(1, 0): (hashes, 30, 0.4)})
    for key in KEYS[0]:
        if key[0] == without:
            some.best[key] = (replace(some.best[key][0], row_losses=None), 0.1)
    assert compared(some).seeds[0].test_rows is None
    short = arms(rows={(1, 0): (np.arange(3, dtype=np.uint64), 30, 0.4)})
    short.best[KEYS[0][1]] = (slot(row_losses=np.zeros(2, np.float32)), 0.1)
    assert compared(short).seeds[0].test_rows is None


def test_predictions_are_kept_where_they_are_asked_for():
    truth = Truth("classes", np.arange(3, dtype=np.uint64), np.array([[0.0], [1.0], [1.0]]), None)
    some = arms(truths={(1, 1): truth})
    for key in KEYS[1]:
        kept = replace(some.best[key][0], outputs=np.zeros((3, 2), np.float32))
        some.best[key] = (kept, 0.1)
    found = compared(some).seeds
    assert found[0].predicted is None
    assert found[1].predicted is not None


@pytest.mark.parametrize("arm", [0, 1])
def test_an_arm_that_could_not_be_trained(arm):
    found = compared(arms(unusable={KEYS[0][arm]: "too few rows"}))
    assert [seed.seed for seed in found.seeds] == [7]
    assert (found.verdict.call, found.verdict.reason) == ("inconclusive", "too few rows")
    assert (found.gain.mean, found.gain.n) == (None, 1)
    none = compared(arms(unusable={key[arm]: "too few rows" for key in KEYS}))
    assert (none.seeds, none.leaked, none.stl_loss) == ((), 0.0, None)


@pytest.mark.parametrize(
    ("words", "arm", "reason"),
    [
        (WORDS, 0, "diverged: tgt alone: NaN at 3"),
        (WORDS, 1, "diverged: tgt with src: NaN at 3"),
        (("mix without", "mix"), 1, "diverged: tgt, mix: NaN at 3"),
    ],
)
def test_a_diverged_arm_is_named(words, arm, reason):
    some = arms()
    broken = slot(math.nan, math.nan, math.nan, diverged="NaN at 3")
    some.best[KEYS[1][arm]] = (broken, 0.1)
    found = compared(some, words=words)
    assert found.verdict.reason == reason
    assert len(found.seeds) == 2
    assert found.gain.mean is None
    assert found.stl_loss is None or arm == 1


def gain(seed, stl, mtl, **more):
    return SeedGain(seed, stl, mtl, 0.5, 0.6, 2, (0.0, 0.0), **more)


@pytest.mark.parametrize(
    ("margin", "unit", "call"),
    [
        (0.1, "loss", "neutral"),
        (0.01, "loss", "positive"),
        (0.02, "relative", "positive"),  # of a loss of 2: 0.04
        (0.05, "relative", "neutral"),  # 0.1
    ],
)
def test_a_margin_is_of_the_loss_or_a_share_of_it(margin, unit, call):
    seeds = [gain(n, 2.0 + 0.01 * n, 1.95 + 0.0101 * n, constant_loss=9.0) for n in range(5)]
    settings = ProbeSettings(margin=margin, margin_unit=unit)
    found = paired(settings, ("s", "t"), "auc", seeds, [], WORDS)
    assert found.verdict.call == call
    within = margin * (2.02 if unit == "relative" else 1.0)
    assert found.verdict == decide(found.gain, within)
    assert found.gain.mean == pytest.approx(0.05, abs=1e-3)
    assert found.leaked == 2.0
    blind = [replace(seed, constant_loss=2.0) for seed in seeds]
    verdict = paired(settings, ("s", "t"), "auc", blind, [], WORDS).verdict
    assert verdict.call == ("inconclusive" if call == "neutral" else call)


def test_of_no_seeds_nothing_is_known():
    settings = ProbeSettings(margin_unit="relative")
    found = paired(settings, ("s", "t"), "auc", [], [], WORDS)
    assert (found.stl_loss, found.leaked, found.at_cap) == (None, 0.0, 0)
    assert found.verdict.call == "inconclusive"
