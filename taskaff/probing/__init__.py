"""Room 5, short training that checks a score: does the source help or hurt the target?

Every run (a single task, a pair, a mix; a seed; a variant) is a small model on frozen vectors. All
of them are trained together, stacked on a leading axis (``engine``). A *mode* is a plan, that is a
list of runs, and a reading of their outcomes (``pairs``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskaff.probing.engine import train
    from taskaff.probing.pairs import probe_pairs
    from taskaff.probing.records import ProbeResult, ProbeSettings
    from taskaff.probing.run import probe
    from taskaff.probing.synthetic import synthetic_task

__all__ = [
    "MODES",
    "ProbeResult",
    "ProbeSettings",
    "probe",
    "probe_pairs",
    "synthetic_task",
    "train",
]

MODES: dict[str, str] = {
    "pairs": "taskaff.probing.pairs:probe_pairs",
    "mix": "taskaff.probing.mix:probe_mix",
    "transfer": "taskaff.probing.transfer:probe_transfer",
    "capacity": "taskaff.probing.capacity:probe_capacity",
}
"""Mode name to ``"module:function"``; each takes ``(tasks, settings, progress, store=)``."""

_EXPORTS = {
    "probe": "taskaff.probing.run:probe",
    "train": "taskaff.probing.engine:train",
    "probe_pairs": "taskaff.probing.pairs:probe_pairs",
    "synthetic_task": "taskaff.probing.synthetic:synthetic_task",
    "ProbeResult": "taskaff.probing.records:ProbeResult",
    "ProbeSettings": "taskaff.probing.records:ProbeSettings",
}


def __getattr__(name: str) -> Any:
    """Import torch only when training is first asked for."""
    if name in _EXPORTS:
        from taskaff.registry import load

        return load(_EXPORTS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
