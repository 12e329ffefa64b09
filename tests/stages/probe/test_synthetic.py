from __future__ import annotations

import numpy as np
import pytest

from taskaff.core.errors import UsageError
from taskaff.stages.probe.synthetic import MODELS, SyntheticSpec, parse_spec, synthetic_task


def covariance(text):
    X = synthetic_task(text).X.astype(np.float64)
    return X.T @ X / len(X)


def test_a_spec_reads_as_it_is_written():
    spec = parse_spec("synthetic:relu?task=3&rows=500&kappa=10&noise=0.5&rotate=after&seed=2")
    assert spec == SyntheticSpec(
        "relu", task=3, rows=500, kappa=10.0, noise=0.5, rotate="after", seed=2
    )
    assert parse_spec("synthetic:linear") == SyntheticSpec()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("synthetic:cubic", "unknown synthetic task 'cubic'"),
        ("synthetic:linear?row=3", "unknown parameter 'row'"),
        ("synthetic:linear?rows=many", "is not a number"),
        ("synthetic:linear?rows", "bad query field"),
        ("synthetic:linear?rows=0", "rows=0"),
        ("synthetic:linear?cosine=1.5", "cosine=1.5"),
        ("synthetic:linear?kappa=nan", "kappa=nan"),
        ("synthetic:linear?rotate=twice", "rotate=twice"),
        ("synthetic:rank?r=80", "r=80"),
    ],
)
def test_bad_specs_say_what_is_wrong(text, says):
    with pytest.raises(UsageError, match=says):
        parse_spec(text)


@pytest.mark.parametrize("rotate", ["before", "after"])
def test_tasks_1_and_2_share_a_covariance_and_task_3_has_another(rotate):
    """W Figure 3; the rows themselves are different draws."""
    one, two, three = (
        covariance(f"synthetic:linear?task={i}&rows=20000&d=20&kappa=10&rotate={rotate}")
        for i in (1, 2, 3)
    )

    def distance(a, b):
        return np.linalg.norm(a - b) / np.linalg.norm(a)

    assert distance(one, two) < 0.05
    assert distance(one, three) > 0.5


def test_a_rotation_before_the_scales_leaves_the_covariance_diagonal():
    """As printed, X = R Q D: Q drops out of the law, which is N(0, D^2)."""
    found = covariance("synthetic:linear?rows=50000&d=20&kappa=10")
    diagonal = np.diag(found)
    assert sorted(np.round(diagonal / 10).tolist())[-2:] == [10.0, 10.0]
    off = found / np.sqrt(np.outer(diagonal, diagonal)) - np.eye(20)
    assert np.abs(off).max() < 0.03


@pytest.mark.parametrize("cosine", [0.96, 0.3, -0.5])
def test_the_models_have_the_cosine_asked_for(cosine):
    """Without noise and with enough rows, least squares gives theta back (W section 2.3)."""
    thetas = []
    for i in (1, 2, 7):
        task = synthetic_task(f"synthetic:linear?task={i}&rows=300&d=20&kappa=1&cosine={cosine}")
        thetas.append(np.linalg.lstsq(task.X, task.labels[:, 0], rcond=None)[0])
    for other in thetas[1:]:
        found = thetas[0] @ other / np.linalg.norm(thetas[0]) / np.linalg.norm(other)
        assert found == pytest.approx(cosine, abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gives_a_trainable_task(model):
    task = synthetic_task(f"synthetic:{model}?rows=400&d=40", name="t")
    assert task.X.dtype == np.float32
    assert task.X.shape == (400, 40)
    assert len(set(task.hashes.tolist())) == 400
    assert (task.splits == 0).sum() == 360
    assert (task.splits == 2).sum() == 40
    if "logistic" in model:
        assert task.schema.kind == "classes"
        assert 0.3 < task.labels.mean() < 0.7
    else:
        assert task.schema.kind == "regression"
        assert task.labels.shape == (400, 1)
    again = synthetic_task(f"synthetic:{model}?rows=400&d=40")
    np.testing.assert_array_equal(task.X, again.X)
    np.testing.assert_array_equal(task.labels, again.labels)


def test_noise_has_the_size_asked_for():
    clean = synthetic_task("synthetic:linear?rows=5000").labels
    noisy = synthetic_task("synthetic:linear?rows=5000&noise=0.5").labels
    assert (noisy - clean).std() == pytest.approx(0.5 * clean.std(), rel=0.05)


def test_the_rank_regime_mixes_orthogonal_models():
    """W B.4: Theta_2 = alpha Theta_1 + (1 - alpha) Theta_0; alpha = 1 is the target's model."""
    specs = [f"synthetic:rank?task=2&rows=200&cosine={alpha}" for alpha in (1.0, 0.5)]
    same, half = (synthetic_task(spec) for spec in specs)
    np.testing.assert_array_equal(same.X, half.X)
    assert np.corrcoef(same.labels[:, 0], half.labels[:, 0])[0, 1] < 0.95
    longer = synthetic_task("synthetic:rank?task=2&rows=300")
    np.testing.assert_array_equal(longer.X[:200], same.X)


def test_the_rank_regime_as_classes():
    """The same rows and amounts, cut at their median."""
    amounts = synthetic_task("synthetic:rank?task=2&rows=200&noise=0.5")
    classes = synthetic_task("synthetic:rank-logistic?task=2&rows=200&noise=0.5")
    np.testing.assert_array_equal(amounts.X, classes.X)
    y = amounts.labels[:, 0]
    np.testing.assert_array_equal(classes.labels, y > np.median(y))


@pytest.mark.parametrize("model", ["linear", "relu", "rank"])
def test_the_last_bits_of_a_processor_do_not_decide_the_splits(model):
    task = synthetic_task(f"synthetic:{model}?rows=50")
    for values in (task.X, task.labels):
        assert (np.asarray(values).astype(np.float32) == values).all()
