"""The one rule by which the verdicts of pairs become an answer."""

from __future__ import annotations

from collections.abc import Collection

from taskaff.core.records.answer import Call
from taskaff.core.records.estimate import Call as PairCall


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
