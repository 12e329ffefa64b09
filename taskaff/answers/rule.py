"""What an answer is, and the one rule by which the verdicts of pairs become one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from taskaff.probe_records import Call as PairCall

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


def call_of(verdicts: Collection[PairCall]) -> Call:
    """One answer from what a data set does to each of the others.

    * it hurts somebody beyond the margin: ``apart``, whomever else it helps (the reasons say whom);
    * else it helps somebody beyond the margin: ``add``, even where others are undecided;
    * else every effect lies within the margin: ``same``;
    * else, and where nothing is known at all: ``undecided``.
    """
    if "negative" in verdicts:
        return "apart"
    if "positive" in verdicts:
        return "add"
    return "same" if verdicts and set(verdicts) == {"neutral"} else "undecided"
