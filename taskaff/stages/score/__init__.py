"""Room 4, how close two tasks are: every score reads signatures, never rows.

A score is a function ``f(views, settings) -> PairTable`` over all ``k`` tasks at once, so that each
task is summarised once and compared many times. Adding one is a module, a line in ``plugins.py``,
a test, a section of ``docs/scores.md`` and a changelog line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskaff.stages.score.plugins import SCORES

if TYPE_CHECKING:
    from taskaff.stages.score.engine import score

__all__ = ["SCORES", "score"]


def __getattr__(name: str) -> Any:
    """Import the engine (and with it numpy) when it is first asked for."""
    if name == "score":
        from taskaff.stages.score.engine import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
