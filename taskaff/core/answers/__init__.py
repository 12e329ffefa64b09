"""The answer in words, data set by data set: what to do with it, why, and what to run next.

Pure functions of results. They decide; ``taskaff.stages.report`` only writes what they say, and the
gate words its own answers with the same type.
"""

from __future__ import annotations

from taskaff.core.answers.probe import capacity_sentence, effects_of, of_probe
from taskaff.core.answers.rule import call_of
from taskaff.core.answers.score import of_score
from taskaff.core.records.answer import WORDS, Answer, Call
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult

__all__ = [
    "WORDS",
    "Answer",
    "Call",
    "call_of",
    "capacity_sentence",
    "effects_of",
    "of_probe",
    "of_result",
    "of_score",
]


def of_result(result: ScoreResult | ProbeResult) -> tuple[Answer, ...]:
    """The answers of either result."""
    return of_score(result) if isinstance(result, ScoreResult) else of_probe(result)
