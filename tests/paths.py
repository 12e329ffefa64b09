"""Where things stand in the repository."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
EXAMPLES = TESTS / "examples"
"""Made-up data sets; the real ones ship with the package."""
