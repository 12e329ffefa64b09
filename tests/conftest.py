"""Deterministic property tests, and the shared data sets when they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

# Tests run side by side; threads of their own would only wait for each other (before NumPy, torch).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("taskaff", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("taskaff")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped without it."""
    root = os.environ.get("TASKAFF_DATA")
    if not root:
        pytest.skip("TASKAFF_DATA is not set: the real data sets are not at hand")
    return Path(root).resolve()
