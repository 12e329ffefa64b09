"""One rule of the gate applied to one pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["failed", "warned", "inconclusive", "passed", "waived"]

Who = Literal["mix", "newcomer", ""]

PROGRAM = "taskaff"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule of the gate, applied to one pair: what was found against what is allowed."""

    rule: str
    """Name of the setting: ``probability_negative``, ``overlap``, ``max_loss_increase`` ..."""
    candidate: str
    task: str
    """Task of the mix."""
    direction: str
    """``candidate -> task``, ``task -> candidate`` or empty when it has none."""
    level: Level
    value: float | None
    threshold: float | None
    reason: str
    hint: str = ""
    """What to do next; a command in it stands at its end, after a colon, and runs as printed."""
    waiver: str = ""
    """Reason and date of the waiver that applies."""
    low: float | None = None
    high: float | None = None
    """Interval of the value, where it has one."""
    was: Level | Literal[""] = ""
    """The level before the waiver."""
    who: Who = ""
    """Who suffers when the limit is broken: the task of the ``mix``, or the ``newcomer`` itself;
    empty where it is about neither alone."""

    @property
    def command(self) -> str:
        """The command at the end of the hint; empty when it has none."""
        _, colon, command = self.hint.rpartition(f": {PROGRAM} ")
        return f"{PROGRAM} {command}" if colon else ""

    @property
    def advice(self) -> str:
        """The hint without its command."""
        return self.hint.removesuffix(f": {self.command}") if self.command else self.hint
