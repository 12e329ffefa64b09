"""What is said of predictions, from a few pairs that need no model."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import oracles as naive
import pytest

from taskaff.stages.predict import atlas, design_matrix, evaluate, metrics
from taskaff.stages.predict.predictor import Distribution

RESIDUALS = np.linspace(-2.0, 2.0, 41)


def held(n=80, seed=0, noise=0.02):
    random = np.random.default_rng(seed)
    names = np.array(list("abcdefg"), dtype=object)
    truth = random.normal(size=n) * 0.05
    expected = naive_z(truth) + random.normal(size=n) * 0.7
    half = truth + 0.3 * random.normal(size=n) * noise
    half[3], half[5] = np.nan, np.nan
    gain, error = truth + random.normal(size=n) * noise, random.uniform(0.3, 1.0, n) * noise
    gain[7], error[7] = 0.0, 0.0  # differs from 0 neither way
    return evaluate.Held(
        gain=gain,
        error=error,
        source=random.choice(names[:5], n),
        target=random.choice(names[1:], n),
        expected=expected,
        scores={"prediction": expected, "some": half, "none": np.full(n, np.nan)},
        distributions=[Distribution(float(z), 0.8, RESIDUALS) for z in expected],
        first=np.where(np.arange(n) % 9, truth + random.normal(size=n) * noise, np.nan),
        five=truth + random.normal(size=n) * noise / 2,
        seeds=random.choice([3.0, 4.0, 10.0, 12.0], n),
    )


def naive_z(gains):
    return np.array([naive.asinh(gain) for gain in gains])


def events(some):
    pairs = [*zip(some.gain, some.error, strict=True)]
    return [g + 1.645 * e < 0 for g, e in pairs], [g - 1.645 * e > 0 for g, e in pairs]


def test_order_of_a_score_that_is_undefined_for_some():
    some = held()
    found = evaluate.order(some, "some")
    middle = np.median([x for x in some.scores["some"] if x == x])
    score = [x if x == x else middle for x in some.scores["some"]]
    negative, positive = events(some)
    assert 5 < sum(negative) < 75
    assert found == pytest.approx(
        {
            "spearman": naive.rank_correlation(score, some.gain),
            "within": naive.rank_correlation_within(score, some.gain, some.target),
            "auc_negative": naive.win_rate([-x for x in score], negative),
            "auc_positive": naive.win_rate(score, positive),
        }
    )


def test_everything_that_is_said_of_a_set_up():
    some = held()
    found = evaluate.measures(some, resamples=6)
    negative, positive = events(some)
    assert found["pairs"] == 80
    assert found["seeds"] == pytest.approx(np.mean(some.seeds))
    assert found["negative"] == pytest.approx(sum(g < 0 for g in some.gain) / 80)
    assert found["significant_negative"] == pytest.approx(sum(negative) / 80)
    assert found["significant_positive"] == pytest.approx(sum(positive) / 80)
    assert set(found["order"]) == {"prediction", "some"}
    sure = np.array(negative) | np.array(positive)
    assert found["abstention"] == evaluate.abstention(some, sure)
    assert found["with_one_seed"] == evaluate.with_probe(some, some.first, 1) is not None
    assert found["with_five_seeds"] is None  # too few pairs have so many seeds
    drawn = [evaluate.order(some.at(rows), "some") for rows in evaluate.resampled(some, 6)]
    for name, whole in evaluate.order(some, "some").items():
        value, low, high = found["order"]["some"][name]
        ends = np.percentile([each[name] for each in drawn], [5, 95])
        assert (value, low, high) == pytest.approx((whole, *ends), abs=6e-5)


def test_the_ceiling_is_what_noise_leaves():
    some = held(noise=0.01)
    z = naive_z(some.gain)
    noise = np.mean([e**2 / (g**2 + 0.02**2) for g, e in zip(some.gain, some.error, strict=True)])
    inside = [
        x - np.mean([y for y, u in zip(z, some.target, strict=True) if u == t])
        for x, t in zip(z, some.target, strict=True)
    ]
    found = evaluate.ceilings(some)
    assert found["all"] == pytest.approx(math.sqrt(1 - noise / np.var(z)))
    assert found["within"] == pytest.approx(math.sqrt(1 - noise / np.var(inside)))
    loud = evaluate.ceilings(replace(some, error=100 * some.error))
    assert loud == {"all": 0.0, "within": 0.0}


def test_effects_that_add_up_order_every_pair_and_those_of_pairs_do_not():
    pairs = [p for p in product("abcdef", "cdefgh") if p[0] != p[1]]
    random = np.random.default_rng(0)
    own = {name: random.normal(size=2) for name in "abcdefgh"}
    z = np.array([own[s][0] + own[t][1] for s, t in pairs])
    source, target = (np.array([p[k] for p in pairs], dtype=object) for k in (0, 1))
    some = replace(held(len(pairs)), source=source, target=target)
    found = evaluate.additive(replace(some, gain=np.sinh(z) * 0.02))
    assert found == pytest.approx({"all": 1.0, "within": 1.0})
    mixed = replace(some, gain=np.sinh(z + random.normal(size=len(z))) * 0.02)
    design_of = np.array(
        [[s == n for n in "abcdef"] + [t == n for n in "cdefgh"] for s, t in pairs]
    )
    design_of = design_of.astype(float)
    y = naive_z(mixed.gain)
    fitted = design_of @ np.linalg.pinv(design_of) @ y
    assert evaluate.additive(mixed) == pytest.approx(
        {
            "all": naive.rank_correlation(fitted.round(9), mixed.gain),
            "within": naive.rank_correlation_within(fitted.round(9), mixed.gain, target),
        }
    )


def test_data_sets_are_drawn_again_not_pairs():
    some = held()
    names = sorted({*some.source, *some.target})
    random = np.random.default_rng(0)
    for rows in evaluate.resampled(some, 5):
        drawn = [names[k] for k in random.integers(len(names), size=len(names))]
        expected = [
            drawn.count(s) * drawn.count(t) for s, t in zip(some.source, some.target, strict=True)
        ]
        assert np.bincount(rows, minlength=80).tolist() == expected
    few = some.at(np.arange(4))
    assert all(len(rows) > 10 for rows in evaluate.resampled(few, 30))


def test_probabilities_against_what_happened():
    some = held()
    found = evaluate.probabilities(some)
    for margin in (0.0, 0.01, 0.02):
        z = naive.asinh(margin)
        chances = {"negative": -z, "positive": z}
        below = {
            side: np.array([naive.chance_below((at - c) / 0.8, RESIDUALS) for c in some.expected])
            for side, at in chances.items()
        }
        told = {"negative": below["negative"], "positive": 1 - below["positive"]}
        happened = {"negative": some.gain < -margin, "positive": some.gain > margin}
        for side, p in told.items():
            event, each = happened[side], found[f"{side} {margin:g}"]
            rate = event.mean()
            assert each["base_rate"] == pytest.approx(rate, abs=6e-5)
            assert each["brier"] == pytest.approx(np.mean((p - event) ** 2), abs=6e-5)
            assert each["brier_base_rate"] == pytest.approx(np.mean((rate - event) ** 2), abs=6e-5)
            expected = metrics.calibration_error(p, event)
            assert each["calibration_error"] == pytest.approx(expected, abs=6e-5)
    reach = 0.9 * 2.0 * 0.8
    inside = np.abs(naive_z(some.gain) - some.expected) <= reach
    assert found["coverage_90"] == pytest.approx(inside.mean(), abs=6e-5)


def test_calls_at_every_level():
    some = held()
    significant = np.arange(80) % 3 > 0
    p = np.array([naive.chance_below(-c / 0.8, RESIDUALS) for c in some.expected])
    found = evaluate.abstention(some, significant)
    for one in found["curve"]:
        called = [max(x, 1 - x) >= one["decide"] for x in p]
        right = [(x >= 0.5) == (g < 0) for x, g in zip(p, some.gain, strict=True)]
        assert one["coverage"] == pytest.approx(np.mean(called), abs=6e-5)
        assert one["accuracy"] == pytest.approx(np.mean(np.array(right)[called]), abs=6e-5)
        both = np.array(called) & significant
        assert one["accuracy_significant"] == pytest.approx(
            np.mean(np.array(right)[both]), abs=6e-5
        )
    assert [one["decide"] for one in found["curve"]] == list(evaluate.LEVELS)
    called, event = p[significant] >= 0.5, some.gain[significant] < 0
    f1 = 2 * sum(called & event) / (sum(called) + sum(event))
    assert found["f1_negative_significant"] == pytest.approx(f1, abs=6e-5)
    sure = [Distribution(0.0, 0.8, RESIDUALS)] * 80
    never = evaluate.abstention(replace(some, distributions=sure), significant)
    assert never["curve"][-1]["accuracy"] is never["curve"][-1]["accuracy_significant"] is None


@pytest.mark.parametrize("k", [1, 5])
def test_a_probe_is_compared_with_the_other_seeds(k):
    some = held(n=200)
    column = some.first if k == 1 else some.five
    rows = [n for n in range(200) if column[n] == column[n] and some.seeds[n] - k >= max(k, 2)]
    assert 50 <= len(rows) < 200
    n, gain, probe = some.seeds[rows], some.gain[rows], column[rows]
    rest = (gain * n - probe * k) / (n - k)
    one = some.error[rows] * np.sqrt(n)
    error = one / math.sqrt(k)
    prior = (0.8 * RESIDUALS.std()) ** 2
    noise = error**2 / (probe**2 + 0.02**2)
    c = some.expected[rows]
    both = c + prior / (prior + noise) * (naive_z(probe) - c)
    others = replace(some.at(np.array(rows)), gain=rest, error=one / np.sqrt(n - k))
    found = evaluate.with_probe(some, column, k)
    for name, score in {"prediction": c, "probe": probe, "both": both}.items():
        expected = evaluate.order(replace(others, scores={name: score}), name)
        assert found[name] == pytest.approx(expected, abs=6e-5)
    assert evaluate.with_probe(some.at(np.array(rows[:49])), column[rows[:49]], k) is None
    assert evaluate.with_probe(some.at(np.array(rows[:50])), column[rows[:50]], k) is not None


def test_rows_of_a_selection_stay_together():
    some = held()
    rows = np.array([5, 5, 2])
    found = some.at(rows)
    for name in evaluate.PER_ROW:
        np.testing.assert_array_equal(getattr(found, name), getattr(some, name)[rows])
    assert [d.centre for d in found.distributions] == some.expected[rows].tolist()
    np.testing.assert_array_equal(found.scores["some"], some.scores["some"][rows])


def test_what_is_left_of_the_matrix():
    X = np.arange(2.0 * len(design_matrix.NAMES)).reshape(2, -1) + 1
    bare, sizes = evaluate.without(X), evaluate.only_sizes(X)
    for j, name in enumerate(design_matrix.NAMES):
        assert np.isnan(bare[:, j]).all() == (name == "moment_gain")
        if name != "moment_gain":
            assert bare[:, j].tolist() == X[:, j].tolist()
            assert (
                sizes[:, j].tolist()
                == (X[:, j] if name in design_matrix.SIZES else 0 * X[:, j]).tolist()
            )
    assert np.isnan(sizes[:, design_matrix.NAMES.index("moment_gain")]).all()


def test_set_ups_and_their_names():
    rows = [
        {"encoder": "glove", "trunk": t, "view": v, "target_rows": 300, "r": r, "gain": 0.1}
        for t, v, r in (("linear", "full", 16), ("relu", "full", 16), ("linear", "full", 16))
    ]
    table = atlas.table_of(rows)
    found = evaluate._setups(table, atlas.columns(table))
    assert [rows.tolist() for rows in found.values()] == [[0, 2], [1]]
    assert evaluate.name_of(next(iter(found))) == {
        "encoder": "glove",
        "trunk": "linear",
        "view": "full",
        "target_rows": 300,
        "r": 16,
    }


def test_a_measure_that_is_never_defined_is_null():
    some = held()
    found = evaluate.measures(replace(some, gain=np.abs(some.gain)), resamples=3)
    assert found["order"]["some"]["auc_negative"] == [None, None, None]
