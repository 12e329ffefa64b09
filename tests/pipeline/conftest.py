"""Runs in this process are quick ones."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quick(quick_scores):
    """Every test of the pipeline."""
