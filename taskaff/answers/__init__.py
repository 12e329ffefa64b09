"""The answer in words, data set by data set: what to do with it, why, and what to run next.

Pure functions of results. They decide; ``taskaff.report`` only writes what they say, and the gate
words its own answers with the same type.
"""

from __future__ import annotations

from taskaff.answers.probe import capacity_sentence, effects_of, of_probe
from taskaff.answers.rule import WORDS, Answer, Call, call_of
from taskaff.answers.score import of_score

__all__ = [
    "WORDS",
    "Answer",
    "Call",
    "call_of",
    "capacity_sentence",
    "effects_of",
    "of_probe",
    "of_score",
]
