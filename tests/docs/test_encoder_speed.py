"""docs/benchmarks/encoder_speed.py: its quick form runs, and it counts what it says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT

SCRIPT = ROOT / "docs" / "benchmarks" / "encoder_speed.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("encoder_speed", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_operations_are_those_of_the_matrix_products(script, tmp_path):
    """Every product of a layer, row by row: (m, k) times (k, n) is 2 m k n."""
    h, inner, layers, heads = 8, 12, 3, 2
    config = {"hidden_size": h, "intermediate_size": inner, "num_hidden_layers": layers}
    (tmp_path / "config.json").write_text(json.dumps(config))
    lengths, total = [3, 7], 0
    for n in lengths:
        products = [(n, h, h)] * 4 + [(n, h, inner), (n, inner, h)]
        products += [(n, h // heads, n), (n, n, h // heads)] * heads
        total += layers * sum(2 * m * k * w for m, k, w in products)
    assert script.operations(tmp_path, np.array(lengths)) == total


def test_rows_are_spread_over_the_whole_set(script):
    assert script.evenly(list(range(11)), 3) == [0, 5, 10]
    assert script.evenly([1, 2], 9) == [1, 2]


@pytest.mark.slow
def test_the_quick_form(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads(out.read_text())["quick"]
    assert set(found["peak_megabytes"]) == {"taskaff", "default", "best"}
    for one in found["sets"].values():
        assert min(one["smallest_cosine_with_default"].values()) >= 0.9999
        assert one["tokens"] > one["texts"]
        for contender in one["contenders"].values():
            rates = contender["tokens_per_second"] / contender["rows_per_second"]
            assert rates == pytest.approx(one["tokens"] / one["texts"], rel=0.05)
            assert contender["share_of_matrix_product"] > 0
