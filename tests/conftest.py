"""Deterministic property tests, and the shared data sets when they are at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Tests run side by side; threads of their own would only wait for each other (before NumPy, torch).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

# Nothing depends on how fast the machine is: no deadlines, and data may take its time to draw.
ALWAYS_THE_SAME = settings(
    derandomize=True,
    deadline=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("taskaff", ALWAYS_THE_SAME, max_examples=30)
settings.register_profile("thorough", ALWAYS_THE_SAME, max_examples=200)
settings.load_profile("taskaff")


@pytest.fixture(scope="session", autouse=True)
def one_fit(tmp_path_factory):
    """Fit the shipped predictor once, not once a test: it takes half a minute.

    Tests have caches of their own, which hold no fitted predictor.
    """
    from taskaff.pipeline import prediction

    fit = prediction._model
    # The workers' folders have one parent.
    cache = tmp_path_factory.getbasetemp().parent / "predictor"

    def model(atlases: tuple[Path, ...], key: str, cache_dir: Path | None) -> Any:
        shipped = atlases == (prediction.SHIPPED,)
        if not shipped:
            return fit(atlases, key, cache_dir)
        with FileLock(f"{cache}.lock"):  # the workers would all fit it at once
            return fit(atlases, key, cache)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "_model", model)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped without it."""
    root = os.environ.get("TASKAFF_DATA")
    if not root:
        pytest.skip("TASKAFF_DATA is not set: the real data sets are not at hand")
    return Path(root).resolve()
