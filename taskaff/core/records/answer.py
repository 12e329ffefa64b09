"""The answer on one data set: what to do with it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Call = Literal["add", "apart", "same", "undecided"]

WORDS: dict[Call, str] = {
    "add": "add it",
    "apart": "keep it apart",
    "same": "no difference",
    "undecided": "undecided",
}
"""Answers as people read them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do with one data set, why, and which command to run next."""

    name: str
    """Of the data set that would be added."""
    call: Call
    reasons: tuple[str, ...] = ()
    """Plain sentences without a full stop. Names in them stand as they are: escape them."""
    next: str = ""
    """A command that runs as printed, or empty where there is nothing left to run."""

    @property
    def words(self) -> str:
        """``add it``, ``keep it apart``, ``no difference`` or ``undecided``."""
        return WORDS[self.call]
