"""What every entry of ``SCORES`` must do, whoever wrote it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import naive_signature, one_hot

from taskaff.core.registry import resolve
from taskaff.core.settings import ScoreSettings, Training
from taskaff.stages.predict import features
from taskaff.stages.score.plugins import SCORES
from taskaff.stages.score.task_statistics import TaskView

SETTINGS = ScoreSettings(training=Training(updates=40))


def zoo(scale=1.0):
    """Seven ordinary and five degenerate tasks of width 5, some sharing rows."""
    rng = np.random.default_rng(20)
    d = 5
    X = rng.normal(size=(64, d)) * np.geomspace(2, 0.4, d) + 0.5
    Z = rng.normal(size=(48, d)) + np.array([1, 0, 0, 0, 0])
    theta = rng.normal(size=(d, 2))
    classes = one_hot((Z @ theta[:, 0] > 0.5).astype(int), 2)
    three = one_hot(np.argmax(Z @ rng.normal(size=(d, 3)), axis=1), 3)
    constant = Z.copy()
    constant[:, 1:] = [0.0, 3.0, 0.0, -1.0]
    names = "shared words", "other"
    tasks = {
        "line": (X, X @ theta[:, :1] + rng.normal(size=(64, 1)), {}),
        "half of line": (X[:32], X[:32] @ theta[:, :1] + 1, {}),
        "two targets": (X, X @ theta + rng.normal(size=(64, 2)), {}),
        "classes": (Z, classes, {"kind": "classes", "names": names}),
        "three": (Z, three, {"kind": "classes"}),
        "many labels": (Z, (Z @ rng.normal(size=(d, 4)) > 0) * 1.0, {"kind": "multilabel"}),
        "noise": (rng.normal(size=(40, d)), rng.normal(size=(40, 1)), {}),
        "too small": (X[:6], X[:6, :1], {}),
        "zero vectors": (np.zeros((30, d)), one_hot(np.arange(30) % 2, 2), {"kind": "classes"}),
        "one class": (Z, np.ones((48, 1)), {"kind": "classes"}),
        "no labels": (Z, None, {}),
        "constant columns": (constant, Z[:, :1], {}),
    }
    return {
        name: naive_signature(A * scale, Y, name=name, **more)
        for name, (A, Y, more) in tasks.items()
    }


ZOO = zoo()


def test_predictions_read_the_scores_that_say_so():
    read = {score for score, _ in features.SCORES.values()}
    assert read == {name for name, line in SCORES.items() if line.predictive}


def run(name, signatures, settings=SETTINGS):
    function = resolve("score", SCORES, name)
    return function([TaskView(signature) for signature in signatures], settings)


@pytest.fixture(scope="module", params=list(SCORES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def table(name):
    return run(name, ZOO.values())


def arrays(table):
    """Every array of a table; a task against itself is no pair, and its extras may be anything."""
    extras = {key: np.array(array) for key, array in table.extras.items()}
    for array in extras.values():
        np.fill_diagonal(array, 0.0)
    return {"value": table.value, "low": table.low, "high": table.high, **extras}


def same(found, expected, tolerance=1e-9):
    for key, array in arrays(expected).items():
        loose = 2e-5 if key in ("low", "high") else tolerance
        np.testing.assert_allclose(arrays(found)[key], array, atol=loose, rtol=loose, err_msg=key)


def test_shape_name_and_explanation(name, table):
    assert table.name == name
    for array in arrays(table).values():
        assert array.shape == (len(ZOO), len(ZOO))
    assert len(table.explain) > 40
    assert table.explain.endswith(".")


def test_something_is_defined(table):
    assert np.isfinite(table.value[:7, :7]).sum() >= 6


def test_symmetric_unless_directed(table):
    if table.directed:
        return
    for array in (table.value, table.low, table.high):
        np.testing.assert_allclose(array, array.T, rtol=0, atol=1e-12)
    assert {(j, i) for i, j in table.notes} == set(table.notes)


def test_finite_or_with_a_reason(table):
    for i, j in np.argwhere(~np.isfinite(table.value)):
        if i != j:
            assert table.notes.get((int(i), int(j))), (i, j)
    assert not np.isinf(table.value).any()


def test_the_interval_holds_the_value(table):
    with_interval = np.isfinite(table.low) & np.isfinite(table.high)
    assert (np.isfinite(table.low) == np.isfinite(table.high)).all()
    assert np.isfinite(table.value[with_interval]).all()
    assert (table.low <= table.value + 1e-12)[with_interval].all()
    assert (table.value <= table.high + 1e-12)[with_interval].all()


def test_order_of_the_tasks_changes_nothing(name, table):
    order = np.random.default_rng(1).permutation(len(ZOO))
    signatures = list(ZOO.values())
    turned = run(name, [signatures[i] for i in order])
    chosen = dataclasses.replace(
        table,
        value=table.value[np.ix_(order, order)],
        low=table.low[np.ix_(order, order)],
        high=table.high[np.ix_(order, order)],
        extras={key: array[np.ix_(order, order)] for key, array in table.extras.items()},
    )
    same(turned, chosen)
    place = {int(old): new for new, old in enumerate(order)}
    # Of two true reasons either may be given, so only where there is one is compared.
    assert set(turned.notes) == {(place[i], place[j]) for i, j in table.notes}


def test_a_pair_does_not_depend_on_the_other_tasks(name, table):
    signatures = list(ZOO.values())
    for i, j in ((0, 3), (2, 4), (5, 6), (0, 8)):
        alone = run(name, [signatures[i], signatures[j]])
        chosen = np.ix_([i, j], [i, j])
        for key, array in arrays(table).items():
            loose = 2e-5 if key in ("low", "high") else 1e-9
            np.testing.assert_allclose(
                arrays(alone)[key], array[chosen], atol=loose, rtol=loose, err_msg=f"{key} {i} {j}"
            )


@pytest.mark.parametrize("scale", [1e-3, 64.0])
def test_scale_of_the_embedding_changes_nothing(name, table, scale):
    same(run(name, zoo(scale).values()), table, 1e-7)


def test_same_input_same_output(name, table):
    again = run(name, ZOO.values())
    for key, array in arrays(table).items():
        np.testing.assert_array_equal(arrays(again)[key], array, err_msg=key)


def test_without_intervals_the_values_are_the_same(name, table):
    quick = run(name, ZOO.values(), dataclasses.replace(SETTINGS, intervals=False))
    np.testing.assert_allclose(quick.value, table.value, atol=1e-12)


def test_signatures_are_left_as_they_were(name):
    signatures = zoo()
    run(name, signatures.values())
    for key, signature in zoo().items():
        for field in ("n", "sx", "sxx", "sxy", "sy", "syy"):
            np.testing.assert_array_equal(
                getattr(signatures[key], field), getattr(signature, field)
            )
