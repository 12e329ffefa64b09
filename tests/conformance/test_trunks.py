"""What every entry of ``TRUNKS`` must do, whoever wrote it."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

import taskaff
from taskaff.core.settings import ON_VECTORS, Trunk
from taskaff.stages.probe.checks import check_settings
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.model import shared_shapes, trunk_backward, trunk_forward
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned

D, R, RUNS, ROWS = 5, 4, 3, 7

on_vectors = pytest.mark.parametrize("trunk", [t for t in TRUNKS if not fine_tuned(t)])


def test_settings_know_every_trunk():
    assert get_args(Trunk) == tuple(TRUNKS)
    assert {trunk for trunk in TRUNKS if not fine_tuned(trunk)} == set(ON_VECTORS)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_its_defaults_are_settings(trunk):
    check_settings(settings_for({"trunk": trunk}))


def parts(trunk, generator):
    shapes = shared_shapes(trunk, D, R)
    return {
        name: torch.randn(RUNS, *shape, dtype=torch.double, generator=generator)
        for name, (shape, _) in shapes.items()
    }


@on_vectors
@pytest.mark.parametrize("scaled", [False, True])
def test_its_gradient_is_that_of_autograd(trunk, scaled):
    generator = torch.Generator().manual_seed(0)
    p = {name: value.requires_grad_() for name, value in parts(trunk, generator).items()}
    x = torch.randn(RUNS, ROWS, D, dtype=torch.double, generator=generator)
    scale = torch.rand(RUNS, 1, 1, dtype=torch.double, generator=generator) if scaled else None
    dh = torch.randn(RUNS, ROWS, R, dtype=torch.double, generator=generator)

    naive = trunk_forward(trunk, p, x, scale).h[..., :-1]
    names = list(p)
    expected = torch.autograd.grad(naive, [p[name] for name in names], dh)
    with torch.no_grad():
        found = trunk_backward(trunk, p, trunk_forward(trunk, p, x, scale), dh.clone(), scale)
    assert set(found) == set(names)
    for name, gradient in zip(names, expected, strict=True):
        torch.testing.assert_close(found[name], gradient)


@on_vectors
def test_a_narrower_run_stays_narrow(trunk):
    """Units that a head does not read get no gradient, so that padded runs train as alone."""
    generator = torch.Generator().manual_seed(1)
    p = parts(trunk, generator)
    for name, value in p.items():
        value[..., -1] = 0.0
        if value.shape[1] == R and name != "B":
            value[:, -1] = 0.0
    x = torch.randn(RUNS, ROWS, D, dtype=torch.double, generator=generator)
    seen = trunk_forward(trunk, p, x, None)
    dh = torch.randn(RUNS, ROWS, R, dtype=torch.double, generator=generator)
    dh[..., -1] = 0.0
    for name, gradient in trunk_backward(trunk, p, seen, dh, None).items():
        assert not gradient[..., -1].any(), name


@on_vectors
def test_it_trains(trunk):
    rng = np.random.default_rng(0)
    theta, data = rng.normal(size=(6, 1)), {}
    for name in ("one", "other"):
        X = rng.normal(size=(90, 6)).astype(np.float32)
        data[name] = (X, (X @ theta)[:, 0].astype(np.float64))
    plan = {"updates": 60, "patience": 0.0, "seeds": 1, "weight_decay": [0.0], "cache": "off"}
    found = taskaff.probe(data, trunk=trunk, predict=False, target_rows=40, **plan)
    assert found.settings.trunk == trunk
    assert all(pair.stl_loss < 0.9 for pair in found.pairs)  # the variance of a label is 1
