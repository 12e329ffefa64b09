"""Runs in this process are quick ones."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick(quick_module):
    """Every test of the pipeline."""
