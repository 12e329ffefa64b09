"""A multi-label data set as several tasks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import UsageError
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe import probe
from taskaff.stages.probe.each_label import each_label

QUICK = ProbeSettings(
    r=2, updates=10, patience=0.0, target_rows=60, seeds=(0, 1), weight_decay=(0.0,),
    recipes=("together",), each_label=True,
)  # fmt: skip


def several():
    """Three labels, of which the last does not vary."""
    one = task("m", 200, c=3, kind="multilabel")
    labels = np.array(one.labels)
    labels[:, 2] = 0.0
    return replace(one, labels=labels)


def test_labels_are_tasks_on_the_same_rows():
    whole, other = several(), task("a", 100, seed=1)
    found, notes = each_label([other, whole])
    assert [one.name for one in found] == ["a", "m.y0", "m.y1"]
    for j, one in enumerate(found[1:]):
        np.testing.assert_array_equal(one.labels, whole.labels[:, j])
        np.testing.assert_array_equal(one.hashes, whole.hashes)
        assert (one.schema.kind, one.schema.width) == ("classes", 2)
    assert notes == ["m: labels that do not vary are left out: y2"]


@pytest.mark.parametrize("mode", ["pairs", "mix"])
def test_they_are_trained_together_with_the_weights_of_algorithm_2(mode):
    found = probe([several()], replace(QUICK, weights="svd"), mode=mode)
    assert {task.name for task in found.tasks} == {"m.y0", "m.y1"}
    assert found.weights
    assert any("y2" in note for note in found.notes)
    assert all(pair.gain.mean is not None for pair in found.pairs)


def test_without_several_labels_it_is_refused():
    with pytest.raises(UsageError, match="none has several labels") as error:
        probe([task("a", 100), task("b", 100, seed=1)], QUICK)
    assert "--label A,B,C" in error.value.hint
