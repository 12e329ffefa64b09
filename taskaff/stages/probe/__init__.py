"""Room 5, short training that checks a score: does the source help or hurt the target?

Every run (a single task, a pair, a mix; a seed; a variant) is a small model on frozen vectors. All
of them are trained together, stacked on a leading axis (``engine``). A *mode* is a plan, that is a
list of runs, and a reading of their outcomes (``pairs``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskaff.stages.probe.engine import train
    from taskaff.stages.probe.pairs import probe_pairs
    from taskaff.stages.probe.run import probe
    from taskaff.stages.probe.synthetic import synthetic_task

__all__ = [
    "probe",
    "probe_pairs",
    "synthetic_task",
    "train",
]

_EXPORTS = {
    "probe": "taskaff.stages.probe.run:probe",
    "train": "taskaff.stages.probe.engine:train",
    "probe_pairs": "taskaff.stages.probe.pairs:probe_pairs",
    "synthetic_task": "taskaff.stages.probe.synthetic:synthetic_task",
}


def __getattr__(name: str) -> Any:
    """Import torch only when training is first asked for."""
    if name in _EXPORTS:
        from taskaff.core.registry import load

        return load(_EXPORTS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
