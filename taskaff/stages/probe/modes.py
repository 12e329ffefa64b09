"""The ways of probing, by name."""

from __future__ import annotations

MODES: dict[str, str] = {
    "pairs": "taskaff.stages.probe.pairs:probe_pairs",
    "mix": "taskaff.stages.probe.mix:probe_mix",
    "transfer": "taskaff.stages.probe.transfer:probe_transfer",
    "capacity": "taskaff.stages.probe.capacity:probe_capacity",
}
"""Mode name to ``"module:function"``; each takes ``(tasks, settings, progress, store=)``."""
