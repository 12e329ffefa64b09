"""A transformer has no capacity to choose: its probes say 0, and features of it are undefined."""

from __future__ import annotations

import numpy as np

from taskaff.stages.predict.design_matrix import matrix


def test_without_a_capacity_its_features_are_undefined():
    columns = {"r": np.array([0.0, 16.0]), "target_columns": np.array([2.0, 2.0])}
    columns["source_columns"] = columns["target_columns"]
    found = matrix(columns, ("r", "crowding", "target_columns"))
    assert np.isnan(found[0, :2]).all()
    assert np.isfinite(found[1]).all()
    assert np.isfinite(found[:, 2]).all()
