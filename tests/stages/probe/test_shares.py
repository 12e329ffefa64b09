"""The best share is chosen by other seeds and judged by a seed's own test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import UsageError
from taskaff.core.recipe import BEST, CURVE
from taskaff.core.records.probe import PairOutcome, ProbeResult, SeedGain
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.pairs import probe_pairs
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.shares import with_best
from taskaff.stages.probe.verdict import decide, t_interval

QUICK = ProbeSettings(
    r=2, updates=30, target_rows=40, source_rows=80, seeds=(0, 1, 2), weight_decay=(0.0,)
)


def outcome(recipe, share, validation, test, settings):
    """A pair with these gains on validation and on test rows, seed by seed."""
    seeds = tuple(
        SeedGain(n, t, 0.0, 0.5, 0.5, 0, (0.0, 0.0), validation=(v, 0.0))
        for n, (v, t) in enumerate(zip(validation, test, strict=True))
    )
    gain = t_interval([s.gain for s in seeds], settings.confidence)
    verdict = decide(gain, settings.margin)
    return PairOutcome(
        "s", "t", gain, "accuracy", gain, verdict, 1.0, 0.0, seeds, recipe=recipe, share=share
    )


def result(*curve, settings=QUICK):
    return ProbeResult("pairs", (), curve, settings, "", 0)


def best_of(found):
    (best,) = [pair for pair in found.pairs if pair.recipe == BEST]
    return best


def test_a_share_that_is_best_everywhere_is_chosen_for_every_seed():
    good = outcome("share=0.2", 0.2, [0.3] * 4, [0.1, 0.2, 0.3, 0.4], QUICK)
    bad = outcome("turns", 0.5, [0.1] * 4, [0.9] * 4, QUICK)
    best = best_of(with_best(result(bad, good), 0.9))
    assert best.share == pytest.approx(0.2)
    assert [s.gain for s in best.seeds] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_seeds_own_validation_rows_do_not_choose_its_share():
    """The first seed prefers turns by far, and the others do not: it is judged at theirs."""
    one = outcome("turns", 0.5, [9.0, 0.0, 0.0, 0.0], [1.0] * 4, QUICK)
    other = outcome("share=0.2", 0.2, [0.0, 0.1, 0.1, 0.1], [2.0] * 4, QUICK)
    gains = [s.gain for s in best_of(with_best(result(one, other), 0.9)).seeds]
    assert gains == pytest.approx([2.0, 1.0, 1.0, 1.0])


def test_choosing_among_shares_that_do_nothing_does_not_flatter():
    rng = np.random.default_rng(0)
    means = []
    for _ in range(200):
        noise = rng.normal(0.0, 1.0, (6, 2, 5))
        curve = [
            outcome(recipe, 0.1 * i + 0.1, noise[i, 0], noise[i, 1], QUICK)
            for i, recipe in enumerate((*CURVE, "turns", "concat"))
        ]
        means.append(best_of(with_best(result(*curve), 0.9)).gain.mean)
    error = np.std(means) / np.sqrt(len(means))
    assert abs(np.mean(means)) < 3 * error


def test_a_probe_with_shares_measures_the_curve_and_the_best():
    tasks = [task("a", 150), task("b", 150, seed=1)]
    found = probe(tasks, replace(QUICK, shares=True, recipes=("turns", "concat")))
    recipes = {pair.recipe for pair in found.pairs}
    assert recipes == {"turns", "concat", *CURVE, BEST}
    own = {p.recipe: p for p in found.pairs if (p.source, p.target) == ("a", "b")}
    for recipe in CURVE:
        assert own[recipe].share == pytest.approx(float(recipe.partition("=")[2]))
    plain = probe_pairs(tasks, replace(QUICK, recipes=("turns",))).pair("a", "b")
    assert own["turns"].gain.mean == pytest.approx(plain.gain.mean, abs=2e-6)


def test_shares_are_of_pairs():
    with pytest.raises(UsageError, match="--shares means nothing here"):
        probe([task("a", 150), task("b", 150, seed=1)], replace(QUICK, shares=True), "mix")
