"""Room 7, the gate: scores, predictions and measurements to findings and one outcome.

Nothing here computes a score, reads a row or trains: ``decide`` compares numbers with limits. A
rule is a function ``rule(evidence, settings) -> Iterator[Finding]``; adding one is a module, a line
in ``RULES``, a key of ``[check]``, a test, a section of ``docs/gate.md`` and a changelog line.
"""

from __future__ import annotations

from taskaff.stages.gate.baseline import Lock, compare, load, lock_text, merged, read
from taskaff.stages.gate.decide import RULES, check, decide, worst
from taskaff.stages.gate.ineffective_limits import require_rules
from taskaff.stages.gate.limits import below, outside
from taskaff.stages.gate.scores import score_findings
from taskaff.stages.gate.waivers import require_known

__all__ = [
    "RULES",
    "Lock",
    "below",
    "check",
    "compare",
    "decide",
    "load",
    "lock_text",
    "merged",
    "outside",
    "read",
    "require_known",
    "require_rules",
    "score_findings",
    "worst",
]
